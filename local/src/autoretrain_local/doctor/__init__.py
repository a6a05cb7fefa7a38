"""Looks at everything that has to be right before a training can work, and changes nothing."""
