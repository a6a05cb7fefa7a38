"""Owns the root of the `autoretrain` command: which subcommands there are, and how one that fails
tells it to people and to the shell."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, runtime_checkable

import click

PLUGS = "autoretrain.commands"
"""The entry point group whose names are the subcommands."""

_INTERRUPTED = 130  # 128 + SIGINT, as shells count


@runtime_checkable
class ToldError(Protocol):
    """An error whose text is meant for people, with an exit code for the shell.

    The packages that plug commands in have errors of their own, none of which this one knows.
    """

    exit_code: int


class _NotLoaded(Exception):
    """A subcommand is installed and cannot be used: the installation needs attention."""

    exit_code = 78


class _Root(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(entry_points(group=PLUGS).names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        plugs = tuple(entry_points(group=PLUGS, name=cmd_name))
        return _load(plugs[0]) if plugs else None


@click.group(cls=_Root)
@click.version_option(package_name="autoretrain-client")
def root() -> None:
    """Retrain the models of trading bots when there is a reason to."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        code = root.main(arguments, prog_name="autoretrain", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except Exception as exc:
        if not isinstance(exc, ToldError):
            raise
        click.echo(f"error: {exc}", err=True)
        return exc.exit_code
    return code if isinstance(code, int) else 0


def _load(plug: EntryPoint) -> click.Command:
    try:
        command: click.Command = plug.load()
    except Exception as exc:  # one package that is broken takes no other's command along
        return _stand_in(plug, exc)
    return command


def _stand_in(plug: EntryPoint, cause: Exception) -> click.Command:
    """A command that says why the real one is not there, whatever it is called with."""
    why = f"cannot be loaded: {type(cause).__name__}: {cause}"

    def refuse() -> None:
        raise _NotLoaded(f"`autoretrain {plug.name}` {why}; install its package again") from cause

    return click.Command(
        plug.name,
        callback=refuse,
        short_help=f"({why})",
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
