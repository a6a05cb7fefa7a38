"""`autoretrain doctor`: what it takes, and how it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from autoretrain_local.doctor.findings import Finding


@click.command()
@click.option(
    "--database-url",
    envvar="DATABASE_URL",
    show_envvar=True,
    help="The PostgreSQL to look at; without it, that of the local stack.",
)
@click.option("--secret-arn", help="The secret in AWS that has the address, instead.")
@click.option("--stack-name", help="Look at this deployed stack's bucket and cluster too.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".local"),
    show_default=True,
    help="The folder of the local stack and its database.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def doctor(
    database_url: str | None,
    secret_arn: str | None,
    stack_name: str | None,
    data: Path,
    as_json: bool,
) -> None:
    """Look at everything that a training needs, and say what to do where it is not right.

    The connection, the pooler, the schema, your tables or views, indexes, permissions, the clock
    and the trades. What it writes to see whether it may is taken back: nothing is changed. Only
    where there is no local stack yet, its database is made, empty.

    \b
    Leaves with
      0  all good
      1  something is to be mended
      2  something could not be looked at
    """
    from autoretrain_local.doctor import rendering
    from autoretrain_local.doctor.findings import exit_code

    findings = []
    for finding in _findings(database_url, secret_arn, stack_name, data):
        findings.append(finding)
        for line in () if as_json else rendering.lines(finding):
            click.echo(line)
    click.echo(rendering.as_json(findings) if as_json else rendering.summary(findings))
    click.get_current_context().exit(exit_code(findings))


def _findings(
    database_url: str | None, secret_arn: str | None, stack_name: str | None, data: Path
) -> Iterator[Finding]:
    from autoretrain_local.doctor.aws import look_at_aws
    from autoretrain_local.doctor.examination import examine

    with _address(database_url, secret_arn, data) as (url, ca):
        yield from examine(url, ca)
    if stack_name is not None:
        yield from look_at_aws(stack_name)


@contextmanager
def _address(
    database_url: str | None, secret_arn: str | None, data: Path
) -> Iterator[tuple[str, str | None]]:
    """The database's URL, and the certificate that vouches for its server."""
    from autoretrain.aws.secrets import read_secret
    from autoretrain_local.databases import database

    if secret_arn is not None:
        secret = read_secret(secret_arn)
        yield secret.url, secret.ca
        return
    if database_url is None:
        click.echo(f"the database of the local stack in {data}", err=True)
    with database(database_url, data) as url:
        yield url, None
