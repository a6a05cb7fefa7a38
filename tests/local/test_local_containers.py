"""What `sam local invoke` is told of a local stack, and how its containers get to it."""

from __future__ import annotations

import json
import signal
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from ipaddress import IPv4Interface
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer

import pytest

from autoretrain_local.containers import door, let_in
from autoretrain_local.stack import LocalStack
from autoretrain_local.template import load, read_plan
from tests.loop.conftest import started

NOWHERE = "postgresql://me@db.example.com/books"
# Another address of the loopback than the services': as a bridge's would be.
AT = IPv4Interface("127.0.0.2/8")
FAR_AWAY = IPv4Interface("127.0.0.2/32")

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="has one loopback address only")


class Upper(BaseRequestHandler):
    def handle(self) -> None:
        while said := self.request.recv(1024):
            self.request.sendall(said.upper())


@pytest.fixture
def port() -> Iterator[int]:
    """A service that listens on the loopback only."""
    with TCPServer(("127.0.0.1", 0), Upper) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        yield server.server_address[1]
        server.shutdown()


def talk(address: str, port: int, words: bytes) -> bytes:
    with socket.create_connection((address, port)) as opened:
        opened.sendall(words)
        opened.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: opened.recv(1024), b""))


@needs_linux
def test_door_leads_to_the_loopback_as_long_as_it_is_open(port: int) -> None:
    with door([port], AT):
        assert talk("127.0.0.2", port, b"in and out") == b"IN AND OUT"

    with pytest.raises(ConnectionRefusedError):
        talk("127.0.0.2", port, b"too late")


@needs_linux
def test_door_is_closed_for_whoever_is_not_on_the_bridge(port: int) -> None:
    with door([port], FAR_AWAY), socket.create_connection(("127.0.0.2", port)) as knocking:
        assert knocking.recv(1) == b""


@needs_linux
def test_door_takes_many_at_once_and_each_gets_its_own_answer(port: int) -> None:
    with TCPServer(("127.0.0.1", 0), Upper) as slow, door([slow.server_address[1]], AT):
        held = socket.create_connection(("127.0.0.2", slow.server_address[1]))
        with closing(held), door([port], AT):
            assert talk("127.0.0.2", port, b"meanwhile") == b"MEANWHILE"


@needs_linux
def test_port_that_listens_on_the_bridge_by_itself_needs_no_door(port: int) -> None:
    with TCPServer(("127.0.0.2", port), Upper), door([port], AT):
        pass


def test_without_a_bridge_there_is_no_door(port: int) -> None:
    with door([port], None), pytest.raises(ConnectionRefusedError):
        talk("127.0.0.2", port, b"hello")


def test_containers_are_told_the_services_by_the_name_that_leads_out(tmp_path: Path) -> None:
    variables = {"A": {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "MODEL_BUCKET": "models"}}
    with let_in(tmp_path, NOWHERE, variables):
        file = tmp_path / "env.json"
        assert json.loads(file.read_text()) == {
            "A": {"AWS_ENDPOINT_URL": "http://localhost:9", "MODEL_BUCKET": "models"}
        }
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.exists()


def test_every_function_has_every_variable_that_the_template_declares(
    clone: str, tmp_path: Path
) -> None:
    template = load(Path(__file__).parents[2] / "template.yaml")
    shared = template["Globals"]["Function"]["Environment"]["Variables"]
    declared = {
        name: {*shared, *resource["Properties"].get("Environment", {}).get("Variables", {})}
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    with LocalStack(clone, tmp_path, lambda _line: None) as stack:
        told = {name: set(variables) for name, variables in stack.variables.items()}
        values = [value for one in stack.variables.values() for value in one.values()]
    assert told == declared
    assert read_plan().functions.keys() < told.keys()
    assert not [value for value in values if "postgresql://" in value]


def test_running_stack_keeps_the_file_and_takes_it_away(tmp_path: Path) -> None:
    file = tmp_path / "env.json"
    file.write_text("of a stack that was killed")
    with started("up", "--data", tmp_path, "--port", "0") as stack:
        stack.until("Auto-retrain check complete")
        told = json.loads(file.read_text())
        assert told["TrainerFunction"]["AWS_ENDPOINT_URL"].startswith("http://localhost:")
        assert stack.stop(signal.SIGINT) == 0
    assert not file.exists()
