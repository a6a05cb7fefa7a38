"""Owns the root of the `autoretrain` command: which subcommands there are, and how one that fails
tells it to people and to the shell."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Protocol, TextIO, runtime_checkable

import click
from click.shell_completion import CompletionItem

from autoretrain_client.commands.naming import closest
from autoretrain_client.commands.printing import plain

if TYPE_CHECKING:
    from autoretrain_client.commands.session import Connect

PLUGS = "autoretrain.commands"
"""The entry point group whose names are the subcommands."""

_IO_ERROR = 74  # EX_IOERR of sysexits.h
_INTERRUPTED = 130  # 128 + SIGINT, as shells count
_NOBODY_READS = 141  # 128 + SIGPIPE

_EXIT_CODES = """\b
Exit codes:
    0  done
    1  a training was wanted and none was started, or the one waited for did not train or failed
    2  the command line is wrong
   65  what was asked is not allowed; the message names the field
   66  there is no such thing, or it is somebody else's
   69  nobody answers, or not now
   70  a bug: please report it
   73  it does not go with how things stand
   74  a file or a connection failed
   75  too much at once, or a service that does not answer: try again later
   76  what answers is not auto-retrain, or is newer than this client
   77  the token is refused, or may not do this
   78  the installation, a setting or your data needs attention
  130  interrupted
  141  nobody reads the output

The API is at AUTORETRAIN_URL, the token in AUTORETRAIN_TOKEN or in a --token-file.
"""


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as exc:
            told = exc.message.rstrip(".") + closest(args[0], self.list_commands(ctx))
            raise click.UsageError(told, ctx) from exc

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names only: what each command is about would take loading all of them."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*map(CompletionItem, names), *options]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with _while_somebody_reads():  # it prints the help
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with _while_somebody_reads():
            return super().invoke(ctx)


@click.group(cls=_Root, invoke_without_command=True, epilog=_EXIT_CODES)
@click.version_option(package_name="autoretrain-client")
@click.pass_context
def root(ctx: click.Context) -> None:
    """Retrain the models of trading bots when there is a reason to."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None, connect: Connect | None = None) -> int:
    """Run the command line and return its exit code; `connect` makes the client of the API."""
    _print_in_any_encoding()
    try:
        code = root.main(arguments, "autoretrain", standalone_mode=False, obj=connect)
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except click.ClickException as exc:
        _show(exc)
        return exc.exit_code
    except Exception as exc:
        return _tell(exc)
    return code if isinstance(code, int) else 0


def _show(exc: click.ClickException) -> None:
    """As click does, but for the word that every other error begins with here."""
    if isinstance(exc, click.UsageError) and exc.ctx is not None:
        usage, command = exc.ctx.get_usage(), exc.ctx.command_path
        click.echo(f"{usage}\nTry '{command} --help' for help.\n", err=True)
    click.echo(f"error: {exc.format_message()}", err=True)


def _tell(exc: Exception) -> int:
    """One line for what is not a bug, and its exit code; raises the bug."""
    if isinstance(exc, ToldError):
        told = "\n".join(map(plain, str(exc).splitlines()))
        click.echo(f"error: {told}", err=True)
        return exc.exit_code
    if isinstance(exc, OSError):
        where = "" if exc.filename is None else f": {exc.filename}"
        click.echo(f"error: {exc.strerror or repr(exc)}{where}", err=True)
        return _IO_ERROR
    raise exc


def _print_in_any_encoding() -> None:
    """A terminal that knows no emoji shows a question mark, instead of ending the command."""
    for stream in _outputs():
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def _while_somebody_reads() -> Iterator[None]:
    """Leave without a word when the output is closed; click would make exit code 1 of it."""
    try:
        yield
        for stream in _outputs():
            stream.flush()  # else the interpreter does, and complains
    except BrokenPipeError as exc:
        _drop_what_is_unwritten()
        raise click.exceptions.Exit(_NOBODY_READS) from exc


def _drop_what_is_unwritten() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in _outputs():
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _outputs() -> list[TextIO]:
    """The streams that are there: of one that the shell closed Python makes None."""
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None]


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
