"""Lets `sam local invoke` in: it runs functions in containers, whose loopback is another one.

In a container, localhost has to be this machine (samconfig.toml says so), and what listens on this
machine's loopback only has to be reachable for containers, where their engine does not see to it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import socket
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import IPv4Interface, ip_address
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import urlsplit

from psycopg2.extensions import parse_dsn

from autoretrain_local.folder import write_private

ENV_FILE = "env.json"
LOOPBACK, BY_NAME = "127.0.0.1", "localhost"
POSTGRES_PORT = 5432
_BRIDGE = b"docker0"
_GET_ADDRESS, _GET_MASK = 0x8915, 0x891B  # SIOCGIFADDR, SIOCGIFNETMASK
_POLL_SECONDS = 0.05
_CHUNK_BYTES = 65_536

Variables = Mapping[str, Mapping[str, str]]


@contextmanager
def let_in(data: Path, database_url: str, variables: Variables) -> Iterator[None]:
    """Keep `env.json` for --env-vars in the folder, for this user's eyes only, and a door open to
    the services that it names."""
    file = data / ENV_FILE
    told = {name: _by_name(ones) for name, ones in variables.items()}
    write_private(file, json.dumps(told, indent=2))
    try:
        with door(_ports(database_url, variables), bridge()):
            yield
    finally:
        file.unlink(missing_ok=True)


def _by_name(variables: Mapping[str, str]) -> dict[str, str]:
    loopback, by_name = f"http://{LOOPBACK}:", f"http://{BY_NAME}:"
    return {name: value.replace(loopback, by_name) for name, value in variables.items()}


def _ports(database_url: str, variables: Variables) -> set[int]:
    """Those of this machine's services."""
    urls = (value for ones in variables.values() for value in ones.values())
    found = {urlsplit(url).port for url in urls if url.startswith(f"http://{LOOPBACK}:")}
    database = parse_dsn(database_url)
    if database.get("host") in (LOOPBACK, BY_NAME):
        found.add(int(database.get("port", POSTGRES_PORT)))
    return {port for port in found if port}


def bridge() -> IPv4Interface | None:
    """Where containers meet this machine: Docker's bridge on Linux. None where there is none, and
    where none is needed: elsewhere the engine leads containers to this machine's loopback."""
    if sys.platform != "linux":
        return None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            address, mask = (_ask(probe, what) for what in (_GET_ADDRESS, _GET_MASK))
        except OSError:  # no such interface, or it has no address
            return None
    return IPv4Interface(f"{address}/{mask}")


def _ask(probe: socket.socket, what: int) -> str:
    answer = fcntl.ioctl(probe.fileno(), what, struct.pack("256s", _BRIDGE))
    return socket.inet_ntoa(answer[20:24])


@contextmanager
def door(ports: Iterable[int], at: IPv4Interface | None) -> Iterator[None]:
    """Have each port of the loopback at the same port of the bridge too, for whoever is on that
    bridge and nobody else."""
    with ExitStack() as opened:
        for place in [(at, port) for port in ports] if at else []:
            try:
                opened.enter_context(_Door(*place))
            except OSError as exc:
                if exc.errno != errno.EADDRINUSE:  # in use: it listens there by itself
                    raise
        yield


class _Door(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False  # a connection may be idle for hours
    allow_reuse_address = True

    def __init__(self, at: IPv4Interface, port: int) -> None:
        super().__init__((str(at.ip), port), _Passage)
        self.port = port
        self._network = at.network

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, args=(_POLL_SECONDS,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def verify_request(self, _request: Any, client_address: Any) -> bool:
        """Linux takes packets for any of its addresses from any network: look who knocks."""
        return ip_address(client_address[0]) in self._network


class _Passage(BaseRequestHandler):
    server: _Door

    def handle(self) -> None:
        port = self.server.port
        with socket.create_connection((LOOPBACK, port)) as inside:
            back = Thread(target=_pass_on, args=(inside, self.request), daemon=True)
            back.start()
            _pass_on(self.request, inside)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Until the source has nothing more to say; either side may hang up at any time."""
    with suppress(OSError):
        while chunk := source.recv(_CHUNK_BYTES):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
