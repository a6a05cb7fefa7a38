"""The use cases, over ports: dispatch, check, launch, train, stop."""
