"""A package, so that its fixtures end with its last test: an open browser keeps an event loop
running, and other tests would trip over that."""
