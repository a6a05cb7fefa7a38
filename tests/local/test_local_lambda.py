from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from threading import Event, Lock, Thread
from typing import Any

import boto3
import pytest
from botocore.config import Config

from autoretrain_local.endpoints import Endpoints
from autoretrain_local.lambda_endpoint import PREFIX, Context, Function, Lambda, UnknownFunction

LIMIT_SECONDS = 30.0
ARN = "arn:aws:lambda:us-east-1:123456789012:function:check"

Handler = Callable[[Any, Context], Any]


class Bench:
    """A Lambda with one function `check`, reached through boto3, and a clock that is set."""

    def __init__(self, undo: ExitStack) -> None:
        self._undo = undo
        self.given_up: list[dict[str, Any]] = []
        self.seconds = 1000.0

    def register(self, handler: Handler, timeout_seconds: float = 60, **settings: Any) -> Any:
        function = Function(handler, timeout_seconds, on_failure=self.given_up.append, **settings)
        return self.serve(Lambda({"check": function}, (0.0, 0.0), lambda: self.seconds))

    def serve(self, functions: Lambda) -> Any:
        self.functions = functions
        self._undo.callback(functions.close)
        self.server = self._undo.enter_context(Endpoints())
        self.server.mount(PREFIX, functions.answer)
        client = boto3.client(
            "lambda",
            endpoint_url=self.server.url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}),
        )
        return self._undo.enter_context(closing(client))

    def drain(self) -> None:
        self.functions.drain(LIMIT_SECONDS)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with ExitStack() as undo:
        yield Bench(undo)


def fail(event: Any, context: Context) -> None:
    raise ValueError(f"no such strategy: {event['id']}")


def test_answer_comes_back_when_it_is_waited_for(bench: Bench) -> None:
    client = bench.register(lambda event, context: {"doubled": event["n"] * 2})
    answer = client.invoke(FunctionName="check", Payload=b'{"n": 21}')
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert json.load(answer["Payload"]) == {"doubled": 42}


@pytest.mark.parametrize("name", ["check", ARN, f"{ARN}:$LATEST", "123456789012:function:check"])
def test_function_is_found_by_name_and_by_arn(bench: Bench, name: str) -> None:
    client = bench.register(lambda event, context: context.function_name)
    assert json.load(client.invoke(FunctionName=name)["Payload"]) == "check"


def test_error_is_described_when_the_handler_raises(bench: Bench) -> None:
    client = bench.register(fail)
    answer = client.invoke(FunctionName="check", Payload=b'{"id": 7}')
    described = json.load(answer["Payload"])
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert described["errorType"] == "ValueError"
    assert described["errorMessage"] == "no such strategy: 7"
    assert len(described["stackTrace"]) == 1
    assert "in fail" in described["stackTrace"][0]


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (lambda event, context: object(), "TypeError"),  # an answer that is no JSON
        (lambda event, context: exit(1), "SystemExit"),
    ],
)
def test_sandbox_survives_what_a_handler_does(bench: Bench, handler: Handler, kind: str) -> None:
    client = bench.register(handler)
    for _ in range(2):
        described = json.load(client.invoke(FunctionName="check")["Payload"])
        assert described["errorType"] == kind


def test_context_is_that_of_the_invocation(bench: Bench) -> None:
    def handler(event: Any, context: Context) -> list[Any]:
        before = context.get_remaining_time_in_millis()
        bench.seconds += 59
        return [
            context.invoked_function_arn,
            int(context.memory_limit_in_mb) > 0,
            context.aws_request_id,
            before,
            context.get_remaining_time_in_millis(),
        ]

    answer = bench.register(handler, timeout_seconds=60).invoke(FunctionName="check")
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert json.load(answer["Payload"]) == [ARN, True, request_id, 60_000, 1_000]


def test_invocation_counts_as_timed_out_when_it_took_too_long(bench: Bench) -> None:
    def handler(event: Any, context: Context) -> str:
        bench.seconds += 61
        return "too late"

    answer = bench.register(handler, timeout_seconds=60).invoke(FunctionName="check")
    assert answer["FunctionError"] == "Unhandled"
    assert "Task timed out after 60.00 seconds" in json.load(answer["Payload"])["errorMessage"]


def test_event_is_accepted_at_once_and_run_later(bench: Bench) -> None:
    may_run, seen = Event(), []

    def handler(event: Any, context: Context) -> None:
        assert may_run.wait(LIMIT_SECONDS)
        seen.append(event)

    client = bench.register(handler)
    accepted = client.invoke(FunctionName="check", InvocationType="Event", Payload=b'{"n": 1}')
    assert accepted["StatusCode"] == 202
    assert seen == []
    may_run.set()
    bench.drain()
    assert seen == [{"n": 1}]


def test_event_without_payload_is_an_empty_object(bench: Bench) -> None:
    seen: list[Any] = []
    client = bench.register(lambda event, context: seen.append(event))
    client.invoke(FunctionName="check", InvocationType="Event")
    bench.drain()
    assert seen == [{}]


def test_two_events_of_one_function_never_run_at_once(bench: Bench) -> None:
    running, overlaps, seen = Lock(), [], []

    def handler(event: Any, context: Context) -> None:
        if not running.acquire(blocking=False):
            overlaps.append(event)
            return
        seen.append(event)
        time.sleep(0)  # lets another thread in, if one may come in
        running.release()

    client = bench.register(handler)
    callers = [
        Thread(target=client.invoke, kwargs={"FunctionName": "check", "InvocationType": kind})
        for kind in ["Event", "RequestResponse"] * 10
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    bench.drain()
    assert (len(seen), overlaps) == (20, [])


def test_drain_waits_for_what_a_function_hands_to_another(bench: Bench) -> None:
    seen: list[Any] = []

    def dispatch(event: Any, context: Context) -> None:
        for number in range(5):
            bench.functions.invoke_async("check", number)

    check = Function(lambda event, context: seen.append(event), 60)
    bench.serve(Lambda({"dispatcher": Function(dispatch, 60), "check": check}))
    bench.functions.invoke_async("dispatcher", {})
    bench.drain()
    assert seen == [0, 1, 2, 3, 4]


def test_drain_gives_up_when_a_function_stays_busy(bench: Bench) -> None:
    may_end = Event()
    bench.register(lambda event, context: may_end.wait(LIMIT_SECONDS))
    bench.functions.invoke_async("check", {})
    with pytest.raises(TimeoutError):
        bench.functions.drain(timeout_seconds=0)
    may_end.set()
    bench.drain()


def test_event_is_tried_again_as_it_was_when_the_handler_raises(bench: Bench) -> None:
    seen: list[tuple[Any, str]] = []

    def handler(event: Any, context: Context) -> None:
        seen.append((dict(event), context.aws_request_id))
        event.clear()  # must not be felt by the next try
        if len(seen) < 3:
            raise ConnectionError("not yet")

    bench.register(handler)
    request_id = bench.functions.invoke_async("check", {"n": 1})
    bench.drain()
    assert seen == [({"n": 1}, request_id)] * 3
    assert bench.given_up == []


def test_event_is_handed_over_when_its_tries_are_used_up(bench: Bench) -> None:
    bench.register(fail)
    request_id = bench.functions.invoke_async("check", {"id": 7})
    bench.drain()
    (record,) = bench.given_up
    assert record["version"] == "1.0"
    assert record["requestContext"] == {
        "requestId": request_id,
        "functionArn": f"{ARN}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert record["requestPayload"] == {"id": 7}
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorMessage"] == "no such strategy: 7"


def test_event_is_tried_once_when_retries_are_off(bench: Bench) -> None:
    bench.register(fail, retries=0)
    bench.functions.invoke_async("check", {"id": 7})
    bench.drain()
    assert bench.given_up[0]["requestContext"]["approximateInvokeCount"] == 1


def test_event_is_dropped_and_handed_over_when_it_waited_too_long(bench: Bench) -> None:
    seen: list[Any] = []
    both_wait = Event()

    def handler(event: Any, context: Context) -> None:
        assert both_wait.wait(LIMIT_SECONDS)
        seen.append(event)
        bench.seconds += 101

    bench.register(handler, timeout_seconds=900, max_age_seconds=100)
    bench.functions.invoke_async("check", "first")
    bench.functions.invoke_async("check", "second")
    both_wait.set()
    bench.drain()
    assert seen == ["first"]
    (record,) = bench.given_up
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestPayload"] == "second"
    assert "responsePayload" not in record


def test_worker_goes_on_when_the_failure_destination_fails(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(record: dict[str, Any]) -> None:
        raise OSError("queue is gone")

    bench.serve(Lambda({"check": Function(fail, 60, retries=0, on_failure=refuse)}))
    for number in range(2):
        bench.functions.invoke_async("check", {"id": number})
    bench.drain()
    assert caplog.text.count("OSError: queue is gone") == 2


def test_first_retry_waits_a_minute_and_the_second_two_when_nothing_else_is_said(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    tried = Event()

    def handler(event: Any, context: Context) -> None:
        tried.set()
        raise ValueError

    functions = Lambda({"check": Function(handler, 60)})
    bench.serve(functions)
    functions.invoke_async("check", {})
    assert tried.wait(LIMIT_SECONDS)
    with pytest.raises(TimeoutError):
        functions.drain(timeout_seconds=0.05)
    assert "next try in 60 s" in caplog.text


def test_dry_run_runs_nothing(bench: Bench) -> None:
    seen: list[Any] = []
    client = bench.register(lambda event, context: seen.append(event))
    answer = client.invoke(FunctionName="check", InvocationType="DryRun")
    bench.drain()
    assert (answer["StatusCode"], seen) == (204, [])


@pytest.mark.parametrize(
    ("call", "code", "status"),
    [
        ({"FunctionName": "nobody"}, "ResourceNotFoundException", 404),
        ({"Payload": b"{"}, "InvalidRequestContentException", 400),
        ({"InvocationType": "Later"}, "InvalidParameterValueException", 400),
        (
            {"InvocationType": "Event", "Payload": b'"' + b"x" * 1_048_576 + b'"'},
            "RequestTooLargeException",
            413,
        ),
    ],
)
def test_invocation_is_refused_as_by_aws(
    bench: Bench, call: dict[str, Any], code: str, status: int
) -> None:
    client = bench.register(lambda event, context: None)
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.invoke(**{"FunctionName": "check"} | call)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_event_of_a_megabyte_is_accepted(bench: Bench) -> None:
    seen: list[int] = []
    client = bench.register(lambda event, context: seen.append(len(event)))
    payload = b'"' + b"x" * (1_048_576 - 2) + b'"'
    client.invoke(FunctionName="check", InvocationType="Event", Payload=payload)
    bench.drain()
    assert seen == [1_048_574]


def test_unknown_function_is_told_to_python_callers_too(bench: Bench) -> None:
    bench.register(fail)
    with pytest.raises(UnknownFunction, match="nobody"):
        bench.functions.invoke_async("nobody", {})


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "MissingAuthenticationTokenException"),  # a form of a foreign page
        ({"Host": "evil.example", "Authorization": "AWS4-HMAC-SHA256 x"}, "AccessDeniedException"),
    ],
)
def test_request_that_a_foreign_page_could_send_is_refused(
    bench: Bench, headers: dict[str, str], code: str
) -> None:
    bench.register(fail)
    url = f"{bench.server.url}{PREFIX}check/invocations"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url, b"{}", headers))
    with refused.value as answer:
        assert answer.code == 403
        assert answer.headers["x-amzn-ErrorType"] == code


def test_bug_in_a_service_is_answered_and_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    client = bench.register(fail)
    bench.server.mount(PREFIX, lambda request: 1 / 0)  # type: ignore[arg-type, return-value]
    with pytest.raises(client.exceptions.ClientError, match="ServiceException"):
        client.invoke(FunctionName="check")
    assert "ZeroDivisionError" in caplog.text
