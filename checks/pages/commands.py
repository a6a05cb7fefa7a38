"""The help of every command, as `autoretrain COMMAND --help` prints it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from autoretrain_client.cli import root

WIDTH = 80


def helps() -> str:
    start = context(root, "autoretrain", None)
    return "\n\n".join(f"### {name}\n\n```text\n{told}\n```" for name, told in each(root, start))


def each(group: click.Group, around: click.Context) -> Iterator[tuple[str, str]]:
    """The name and the help of every command below the group, however deep."""
    for name in group.list_commands(around):
        command = group.get_command(around, name)
        assert command is not None, name  # noqa: S101 -- it was listed
        own = context(command, name, around)
        yield own.command_path, command.get_help(own).strip()
        if isinstance(command, click.Group):
            yield from each(command, own)


def context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    return click.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
    )
