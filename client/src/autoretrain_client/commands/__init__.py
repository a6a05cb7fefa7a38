"""The subcommands of `autoretrain` that talk to the API; entry points plug them in."""
