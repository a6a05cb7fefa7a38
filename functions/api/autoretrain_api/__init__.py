"""What the HTTP API takes and gives, route by route."""
