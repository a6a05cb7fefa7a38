from __future__ import annotations

import json
import re
import signal
import socket
import stat
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.loop.conftest import finished, started
from tests.loop.test_up import ANY_PORT, COMPLETE, write_trades

EXPORT = re.compile(r"export AUTORETRAIN_URL=(http://127\.0\.0\.1:\d+) AUTORETRAIN_TOKEN=(arp_\S+)")


def shown(told: str) -> tuple[str, str]:
    """The address and the token that the greeting tells."""
    found = EXPORT.search(told)
    assert found is not None, told
    return found[1], found[2]


def ask(url: str, token: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.loads(response.read())


def test_stack_tells_its_address_and_a_token_that_stays(tmp_path: Path) -> None:
    at_data = ("--data", tmp_path)
    trades = write_trades(tmp_path / "a.csv", 200)
    finished("import-trades", trades, "--strategy", "edge", *at_data)

    with started("up", *at_data, *ANY_PORT) as stack:
        told = stack.until(COMPLETE)
        url, token = shown(told)
        (strategy,) = ask(f"{url}/api/ai-strategies", token)["items"]
        assert strategy["name"] == "edge"

        answer = ask(f"{url}/train-strategy", token, {"strategy_id": strategy["id"]})
        assert answer["training_run"]["manual"] is True
        told = stack.until("decided by:")
        assert f"✅ Auto-retrained strategy: edge ({strategy['id']})" in told
        assert "model_version: v2" in told
        assert stack.stop(signal.SIGINT) == 0

    kept = tmp_path / "token"
    assert kept.read_text() == f"{token}\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with started("up", *at_data, *ANY_PORT) as stack:
        assert shown(stack.until(COMPLETE))[1] == token
        assert stack.stop(signal.SIGTERM) == 0


def test_token_of_another_database_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("arp_exampl01_" + "A" * 43)
    with started("up", "--data", tmp_path, *ANY_PORT) as stack:
        url, token = shown(stack.until(COMPLETE))
        assert ask(f"{url}/api/ai-strategies", token)["items"] == []
        assert (tmp_path / "token").read_text() == f"{token}\n"
        assert stack.stop(signal.SIGINT) == 0


def test_stack_ends_while_somebody_is_in_the_middle_of_a_request(tmp_path: Path) -> None:
    with (
        started("up", "--data", tmp_path, *ANY_PORT) as stack,
        socket.socket() as caller,
    ):
        url, _ = shown(stack.until(COMPLETE))
        host, _, port = url.removeprefix("http://").partition(":")
        caller.connect((host, int(port)))
        caller.sendall(b"GET /health HTTP/1.1\r\nHost: ")
        assert stack.stop(signal.SIGINT) == 0
        caller.settimeout(60)
        with suppress(ConnectionResetError):  # closed either way
            assert caller.recv(1) == b""


def test_port_that_is_taken_is_one_line_that_names_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = finished("up", "--data", tmp_path, "--port", str(port))

    assert ended.returncode == 78
    assert ended.stderr.count("\n") == 1
    assert f"port {port} of 127.0.0.1 cannot be used" in ended.stderr
    assert "--port" in ended.stderr
