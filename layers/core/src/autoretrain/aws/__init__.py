"""The only boto3, imported late: a function that needs none of it does not wait for it."""
