"""Owns the stand-ins of the AWS services that only keep things, and what they keep of models."""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from autoretrain.errors import DependencyError
from autoretrain_local.child import leashed
from autoretrain_local.endpoints import REGION

_REPLAY_SECONDS = 600.0
_CHANGES = {"PUT", "DELETE"}  # only S3 has them; every other service is put up anew at each start

_logger = logging.getLogger(__name__)


class MotoAws:
    """A context manager around moto's server on 127.0.0.1, at a port of its own choice: S3,
    Secrets Manager, SQS, SNS and EventBridge.

    moto forgets everything at its end. From `start_recording` on, it writes down what it is asked
    in `data`; the objects of the record are put again by the next start's `start_recording`. Enter
    it from the main thread (see `child.leashed`).
    """

    def __init__(self, data: Path) -> None:
        self._data = data.resolve()
        self._record = self._data / "aws.jsonl"
        self._log = self._data / "aws.log"
        self._undo = ExitStack()
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        """Raises DependencyError where the server does not start."""
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        _compact(self._record)
        with ExitStack() as undo:
            process = undo.enter_context(self._spawn())
            undo.callback(process.terminate)
            self._port = self._read_port(process)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def start_recording(self) -> None:
        """Put the objects of the record again, then record every request.

        The record tells what it is told: whatever is secret has to be put before. So have the
        buckets, unless they were made while recording.
        """
        self._ask_recorder("replay-recording")
        self._ask_recorder("start-recording")

    def environment(self, endpoints_url: str) -> dict[str, str]:
        """The variables that lead boto3 to the stand-ins, and keep it from everything else;
        `endpoints_url` is where Lambda and ECS are."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_LAMBDA": endpoints_url,
            "AWS_ENDPOINT_URL_ECS": endpoints_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def _spawn(self) -> subprocess.Popen[str]:
        """A process of its own: moto reads the record's path when it is imported, and keeps its
        buckets in globals that anything else in the process could reset."""
        self._log.touch(mode=0o600)
        command = [sys.executable, "-m", "autoretrain_local.aws_process"]
        with self._log.open("w") as log:
            return subprocess.Popen(  # noqa: S603 -- every word of it is ours
                leashed(command, signal.SIGKILL),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={
                    "PATH": os.defpath,
                    "MOTO_RECORDER_FILEPATH": str(self._record),
                    "MOTO_DISABLE_GLOBAL_CORS": "true",  # no page in a browser may read secrets
                },
                start_new_session=True,  # Ctrl-C is for its owner alone
            )

    def _read_port(self, process: subprocess.Popen[str]) -> int:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise DependencyError(f"The AWS stand-ins did not start: {self._log} says why.")
        return int(line)

    def _ask_recorder(self, operation: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_REPLAY_SECONDS)
        try:
            connection.request("POST", f"/moto-api/recorder/{operation}")
            response = connection.getresponse()
            if response.status != http.HTTPStatus.OK:
                raise DependencyError(f"moto's {operation} failed: {self._log} says why.")
        finally:
            connection.close()


def _compact(record: Path) -> None:
    """Keep what is worth a replay. The old record stays whole until the new one is."""
    record.touch(mode=0o600)
    smaller = record.with_suffix(".new")
    smaller.touch(mode=0o600)
    with record.open() as old, smaller.open("w") as new:
        for line in old:
            for row in _rows(line):
                if row["method"] in _CHANGES:
                    new.write(json.dumps(row) + "\n")
    smaller.replace(record)


def _rows(line: str) -> Iterator[dict[str, Any]]:
    """The requests of a line: none when it is torn, several where two were written at once."""
    decoder, rest = json.JSONDecoder(), line.strip()
    while rest:
        try:
            row, end = decoder.raw_decode(rest)
        except ValueError:
            _logger.warning("a torn row of the AWS record is left out")
            return
        yield row
        rest = rest[end:]
