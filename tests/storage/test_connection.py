from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from urllib.parse import urlsplit

import pytest

from autoretrain.errors import DatabaseRefuses, DatabaseUnavailable, OperatorError
from autoretrain.storage.connection import connect
from autoretrain_local.postgres import PostgresServer

LOGIN = "put a user that may log in into its URL"


@contextmanager
def refusing(text: str) -> Iterator[str]:
    """A server's address that lets nobody in, in these words."""

    def refuse() -> None:
        opened, _ = listening.accept()
        with opened:
            opened.recv(1_024)
            told = f"SFATAL\0C28000\0M{text}\0\0".encode()
            opened.sendall(b"E" + struct.pack("!i", 4 + len(told)) + told)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=refuse)
        thread.start()
        yield f"postgresql://me@127.0.0.1:{listening.getsockname()[1]}/x?sslmode=disable"
        thread.join()


@pytest.mark.parametrize(
    ("login", "name", "todo"),
    [
        ("nobody:hunter2", "postgres", LOGIN),
        ("autoretrain_api", "postgres", LOGIN),
        ("postgres:hunter2", "nowhere", "create it, or put the right name into its URL"),
    ],
)
@pytest.mark.usefixtures("templates")
def test_login_that_a_server_does_not_know_is_the_operators_to_mend(
    postgres: PostgresServer, login: str, name: str, todo: str
) -> None:
    place = urlsplit(postgres.url())

    with pytest.raises(DatabaseRefuses, match=todo) as raised:
        connect(f"postgresql://{login}@localhost:{place.port}/{name}")

    assert raised.value.exit_code == OperatorError.exit_code
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "todo"),
    [
        ('password authentication failed for user "me"', "put the right user and password"),
        ('no pg_hba.conf entry for host "::1", user "me"', "let this machine in"),
    ],
)
def test_refusal_says_what_to_do(text: str, todo: str) -> None:
    with refusing(text) as url, pytest.raises(DatabaseRefuses, match=todo):
        connect(url)


@pytest.mark.parametrize("text", ["the database system is starting up", "sorry, too many clients"])
def test_server_that_lets_nobody_in_for_now_is_an_outage(text: str) -> None:
    with refusing(text) as url, pytest.raises(DatabaseUnavailable) as raised:
        connect(url)
    assert type(raised.value) is DatabaseUnavailable
