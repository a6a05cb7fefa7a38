"""One Postgres per test run, one database per test; nothing of the machine's environment."""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg2
import pytest
from psycopg2 import sql

from autoretrain.storage.connection import connect
from autoretrain.storage.migrate import migrate
from autoretrain_local.postgres import PostgresServer

pytest_plugins = ["tests.sam", "tests.faults.table"]

VIEWS = Path(__file__).with_name("storage") / "user_views.sql"
MEMORY, MINE = Path("/dev/shm"), "auto-retrain-tests-"
ROOM_BYTES = 4 << 30


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failed one")
    parser.addoption("--postgres", type=Path, help="the folder with another PostgreSQL's programs")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.option.no_skips:
        report.outcome = "failed"
        report.longrepr = f"skipped, and skips are forbidden here: {report.longrepr}"
    return report


@pytest.fixture(autouse=True, scope="session")
def _collected_soon() -> None:
    """What a test leaves open fails that test, not one that comes much later. What was there before
    the first one stays, and is not looked through again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(700)


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would every command of ours."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _scrubbed_environment() -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "PG", "DATABASE_URL", "POWERTOOLS_", "ECS_", "MOTO_")):
            del os.environ[name]
    os.environ["AWS_DEFAULT_REGION"] = "eu-central-1"
    os.environ["POWERTOOLS_SERVICE_NAME"] = "auto-retrain"


@pytest.fixture(scope="session")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory, where the machine has room: to clone a database and to drop it makes and
    deletes hundreds of files, which on a disk takes most of the time."""
    for left in MEMORY.glob(f"{MINE}*"):
        if not Path("/proc", left.name.split("-")[-2]).exists():
            shutil.rmtree(left, ignore_errors=True)  # of a run that was killed
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM_BYTES:
        yield tmp_path_factory.mktemp("memory")
        return
    with TemporaryDirectory(prefix=f"{MINE}{os.getpid()}-", dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(memory: Path, pytestconfig: pytest.Config) -> Iterator[PostgresServer]:
    programs = pytestconfig.option.postgres
    with PostgresServer(memory / "postgres", durable=False, binaries=programs) as server:
        yield server


def _run(url: str, statement: str, name: str, template: str = "") -> None:
    opened = psycopg2.connect(url)
    opened.autocommit = True
    with opened.cursor() as cursor:
        names = {"name": sql.Identifier(name), "template": sql.Identifier(template or "template1")}
        cursor.execute(sql.SQL(statement).format(**names))
    opened.close()


@pytest.fixture(scope="session")
def templates(postgres: PostgresServer) -> dict[str, str]:
    """Migrated databases to clone: the user's world as tables of ours, and as views of theirs."""
    found = {"empty": "template1"}
    for world in ("tables", "views"):
        found[world] = f"template_{world}"
        _run(postgres.url(), "CREATE DATABASE {name}", found[world])
        opened = connect(postgres.url(found[world]))
        if world == "views":
            with opened, opened.cursor() as cursor:
                cursor.execute(VIEWS.read_text())
        migrate(opened)
        opened.close()
    return found


@pytest.fixture
def clone(postgres: PostgresServer, templates: dict[str, str]) -> Iterator[str]:
    """A database of its own with the migrated schema, the user's tables made by us."""
    yield from cloned(postgres, templates["tables"])


@pytest.fixture
def blank(postgres: PostgresServer, templates: dict[str, str]) -> Iterator[str]:
    """A database of its own with nothing in it."""
    yield from cloned(postgres, templates["empty"])


@pytest.fixture(params=["tables", "views"])
def either(
    postgres: PostgresServer, templates: dict[str, str], request: pytest.FixtureRequest
) -> Iterator[str]:
    """Once with the user's world as tables, once as views."""
    yield from cloned(postgres, templates[request.param])


def cloned(postgres: PostgresServer, template: str) -> Iterator[str]:
    name = f"t_{uuid4().hex}"
    copy = "CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"  # not page by page
    _run(postgres.url(), copy, name, template)
    yield postgres.url(name)
    _run(postgres.url(), "DROP DATABASE {name} WITH (FORCE)", name)
