"""`autoretrain completion`: the script that lets a shell complete the command."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_HOW = {
    "bash": 'add to ~/.bashrc:  eval "$(autoretrain completion bash)"',
    "zsh": 'add to ~/.zshrc, below compinit:  eval "$(autoretrain completion zsh)"',
    "fish": "run once:  autoretrain completion fish > ~/.config/fish/completions/autoretrain.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(list(_HOW)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a shell's completion script.

    Its last line says how to install it.

    \b
    Example:
      eval "$(autoretrain completion bash)"
    """
    complete = get_completion_class(shell)
    if complete is None:
        raise click.UsageError(f"nothing completes in {shell}")
    root = ctx.find_root()
    script = complete(root.command, {}, "autoretrain", "_AUTORETRAIN_COMPLETE").source()
    click.echo(f"{script.rstrip()}\n# To install, {_HOW[shell]}")
