"""Decides which database a command works on: the one that is named, the running stack's, or the
embedded one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from autoretrain.errors import OperatorError
from autoretrain.storage.connection import connect
from autoretrain_local.postgres import PostgresServer

EMBEDDED_DATABASE = "autoretrain"
STACK_FILE = "stack.json"


@contextmanager
def database(url: str | None, data: Path) -> Iterator[str]:
    """The connection string of `url`, else of the stack that runs in `data`, else of the server
    in `data/postgres`, which runs as long as this context.

    Raises OperatorError where the folder has to be put right first, and what PostgresServer
    raises.
    """
    found = _of_running_stack(data / STACK_FILE) if url is None else url
    if found is not None:
        yield found
        return
    with embedded(data) as started:
        yield started


@contextmanager
def embedded(data: Path) -> Iterator[str]:
    """The connection string of the server in `data/postgres`, which runs as long as this context.

    Raises OperatorError where another process runs it, and what PostgresServer raises.
    """
    with PostgresServer(data / "postgres") as server:
        _create_if_absent(server)
        yield server.url(EMBEDDED_DATABASE)


def _of_running_stack(file: Path) -> str | None:
    try:
        stack = json.loads(file.read_text(encoding="utf-8"))
        pid, url = int(stack["pid"]), str(stack["database_url"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise OperatorError(
            f"{file} cannot be read: stop the stack that wrote it and delete it, or say which"
            " database with --database-url"
        ) from exc
    return url if _is_alive(pid) else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and is somebody else's
        return True
    return True


def _create_if_absent(server: PostgresServer) -> None:
    with closing(connect(server.url())) as opened:
        opened.autocommit = True  # CREATE DATABASE takes no transaction
        with opened.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (EMBEDDED_DATABASE,))
            if cursor.fetchone() is None:
                cursor.execute("CREATE DATABASE autoretrain")
