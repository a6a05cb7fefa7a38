"""Writes what the code says of itself into the pages: commands, routes, settings."""
