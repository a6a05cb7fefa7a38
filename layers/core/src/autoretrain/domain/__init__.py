"""What the product knows about retraining, without a database, a cloud or a model library."""
