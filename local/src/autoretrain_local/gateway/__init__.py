"""API Gateway's HTTP API on one machine: real events to real functions, and its own answers."""
