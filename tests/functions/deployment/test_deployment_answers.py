"""What CloudFormation hears of a deployment: once, in time, and not at too great a length."""

from __future__ import annotations

import threading
from collections.abc import Callable
from io import StringIO
from types import ModuleType

import psycopg2
import pytest

from autoretrain.aws.cloudformation import LONGEST_SECONDS, MAX_BYTES
from autoretrain.storage.migrate import LOCK
from tests.functions.deployment.conftest import Aws, Context, schema_event

WAIT_SECONDS = 30


def test_answer_has_no_content_type_for_its_address_is_signed_without(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], clone: str
) -> None:
    secret(clone)
    app.handler(schema_event(aws), Context())
    assert [content_type for content_type, _ in aws.taken] == [""]


def test_answer_comes_before_the_functions_time_is_over(
    app: ModuleType, aws: Aws, secret: Callable[[str], None], blank: str
) -> None:
    secret(blank)
    holding = psycopg2.connect(blank)
    holding.cursor().execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    given, short = schema_event(aws), Context(seconds=LONGEST_SECONDS)
    working = threading.Thread(target=app.handler, args=(given, short))

    working.start()
    answered = aws.answered.wait(WAIT_SECONDS)
    still_working = working.is_alive()
    holding.close()
    working.join(WAIT_SECONDS)

    assert answered
    assert still_working
    assert aws.answer["Status"] == "FAILED"
    assert "time is over" in aws.answer["Reason"]


@pytest.mark.parametrize("sign", ["x", "ü", "\N{BUG}", '"'])
def test_answer_is_never_longer_than_cloudformation_takes(
    app: ModuleType, aws: Aws, sign: str
) -> None:
    app.handler(schema_event(aws, ResourceType=sign * 5000), Context())
    ((_, body),) = aws.taken
    assert MAX_BYTES * 0.8 < len(body) <= MAX_BYTES
    assert aws.answer["Status"] == "FAILED"


def test_answer_is_sent_again_while_its_address_fails(
    app: ModuleType, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.statuses = [503, 500]
    monkeypatch.setattr("autoretrain.aws.cloudformation.PAUSES_SECONDS", (0.0, 0.0))

    app.handler(schema_event(aws, RequestType="Delete"), Context())

    assert len({body for _, body in aws.taken}) == 1
    assert len(aws.taken) == 3


@pytest.mark.parametrize("address", ["", "{url}/answer", "http://127.0.0.1:1/nobody", "nowhere"])
def test_answer_that_nobody_takes_is_told_in_the_log(
    app: ModuleType,
    aws: Aws,
    log: StringIO,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
) -> None:
    aws.statuses = [403, 500, 500]
    monkeypatch.setattr("autoretrain.aws.cloudformation.PAUSES_SECONDS", (0.0, 0.0))
    url = address.format(url=aws.url)

    told = app.handler(schema_event(aws, RequestType="Delete", ResponseURL=url), Context())

    assert told["Status"] == "SUCCESS"
    assert len(aws.taken) == ("answer" in address)
    assert "auto-retrain deployment not answered" in log.getvalue()
