"""Plays the hourly policy over the past of a trade log, with the code that runs in production."""
