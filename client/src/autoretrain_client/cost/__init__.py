"""What the stack costs on AWS: prices, the work that they are paid for, and the bill of both."""
