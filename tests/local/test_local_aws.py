from __future__ import annotations

import json
import logging
import os
import select
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import pytest

from autoretrain_local.aws import MotoAws

LIMIT_SECONDS = 60
OWNER = """
import sys
from pathlib import Path
import boto3
from autoretrain_local.aws import MotoAws

with MotoAws(Path(sys.argv[1])) as aws:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    s3 = boto3.client("s3", endpoint_url=aws.url, **keys)
    s3.create_bucket(Bucket="models")
    aws.start_recording()
    s3.put_object(Bucket="models", Key=sys.argv[2], Body=b"trees of " + sys.argv[2].encode())
    print(aws.url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoAws]:
    with MotoAws(tmp_path_factory.mktemp("aws")) as aws:
        yield aws


@contextmanager
def client(service: str, aws: MotoAws) -> Iterator[Any]:
    """A client that is led by the environment alone, as product code is."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment("http://127.0.0.1:9").items():
            patch.setenv(name, value)
        patch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # a proxy of the user's, out of order
        with closing(boto3.session.Session().client(service)) as made:  # type: ignore[call-overload]
            yield made


def stored(aws: MotoAws) -> dict[str, bytes]:
    with client("s3", aws) as s3:
        listed = s3.list_objects_v2(Bucket="models").get("Contents", [])
        keys = [entry["Key"] for entry in listed]
        return {key: s3.get_object(Bucket="models", Key=key)["Body"].read() for key in keys}


def restarted(data: Path) -> dict[str, bytes]:
    with MotoAws(data) as aws:
        with client("s3", aws) as s3:
            s3.create_bucket(Bucket="models")
        aws.start_recording()
        return stored(aws)


def killed_after_putting(key: str, data: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(data), key]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        assert owner.stdout.readline().startswith("http://127.0.0.1:")
        children = Path(f"/proc/{owner.pid}/task/{owner.pid}/children").read_text()
        pidfd = os.pidfd_open(int(children))
        owner.kill()
    with closing(os.fdopen(pidfd)):
        assert select.select([pidfd], [], [], LIMIT_SECONDS)[0], "moto outlives its owner"


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("s3", lambda s3: s3.create_bucket(Bucket="anything")),
        ("secretsmanager", lambda sm: sm.create_secret(Name="db", SecretString="{}")),
        ("sqs", lambda sqs: sqs.create_queue(QueueName="failures")),
        ("sns", lambda sns: sns.create_topic(Name="news")),
        ("events", lambda events: events.put_events(Entries=[{"Source": "s", "Detail": "{}"}])),
    ],
)
def test_service_answers_when_the_environment_leads_to_it(
    stand_ins: MotoAws, service: str, call: Any
) -> None:
    with client(service, stand_ins) as made:
        assert call(made)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_environment_leads_lambda_and_ecs_to_the_other_server(stand_ins: MotoAws) -> None:
    for service in "lambda", "ecs":
        with client(service, stand_ins) as made:
            assert made.meta.endpoint_url == "http://127.0.0.1:9"


def test_environment_hides_the_credentials_of_a_real_account(stand_ins: MotoAws) -> None:
    environment = stand_ins.environment("http://127.0.0.1:9")
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert environment["AWS_CONFIG_FILE"] == os.devnull


@pytest.mark.skipif(sys.platform != "linux", reason="the leash is Linux's")
def test_models_are_found_again_when_the_stack_is_killed_twice(tmp_path: Path) -> None:
    killed_after_putting("first", tmp_path)
    assert restarted(tmp_path) == {"first": b"trees of first"}
    killed_after_putting("second", tmp_path)
    expected = {"first": b"trees of first", "second": b"trees of second"}
    assert restarted(tmp_path) == expected
    assert restarted(tmp_path) == expected


def test_deleted_model_stays_deleted_when_the_stack_starts_again(tmp_path: Path) -> None:
    with MotoAws(tmp_path) as aws:
        aws.start_recording()
        with client("s3", aws) as s3:
            s3.create_bucket(Bucket="models")
            s3.put_object(Bucket="models", Key="kept", Body=b"1")
            s3.put_object(Bucket="models", Key="gone", Body=b"1")
            s3.delete_object(Bucket="models", Key="gone")
    assert restarted(tmp_path) == {"kept": b"1"}


def test_record_holds_no_secret_that_was_put_before_it_started(tmp_path: Path) -> None:
    with MotoAws(tmp_path) as aws:
        with client("secretsmanager", aws) as secrets:
            secrets.create_secret(Name="db", SecretString="hunter2")
        aws.start_recording()
        with client("s3", aws) as s3:
            s3.create_bucket(Bucket="models")
    record = tmp_path / "aws.jsonl"
    assert "models" in record.read_text()
    assert "hunter2" not in record.read_text()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_record_forgets_reads_and_torn_rows_when_the_stack_starts_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [{"method": method, "url": "http://x/models"} for method in ("PUT", "GET", "POST")]
    put, get, post = map(json.dumps, rows)
    # Two threads that write at once leave two rows on one line, and an empty one.
    (tmp_path / "aws.jsonl").write_text(f'{get}\n{put}{put}\n\n{post}\n{put}\n{{"method": "PU')
    with caplog.at_level(logging.WARNING), MotoAws(tmp_path):
        assert (tmp_path / "aws.jsonl").read_text().splitlines() == [put, put, put]
    assert "torn row" in caplog.text


def test_server_lets_no_foreign_page_read_its_answers(stand_ins: MotoAws) -> None:
    with urlopen(f"{stand_ins.url}/moto-api/") as response:
        assert "Access-Control-Allow-Origin" not in response.headers


def test_server_writes_nothing_to_the_terminal_when_it_is_asked(
    stand_ins: MotoAws, capfd: pytest.CaptureFixture[str]
) -> None:
    with client("s3", stand_ins) as s3:
        s3.list_buckets()
    assert capfd.readouterr() == ("", "")
