from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from autoretrain_client import AsyncClient, AutoRetrainClientError, Client, errors, trainings
from autoretrain_client.cli import ToldError
from tests.unit.client.scripted import (
    RUN,
    STRATEGY,
    TOKEN,
    URL,
    Answer,
    Ask,
    Script,
    answer,
    ask,
    ask_async,
    model,
    refusal,
    report,
    retrain,
    run,
)

BOTH = pytest.mark.parametrize("client", [ask, ask_async])
BUSY = answer({"message": "Service Unavailable"}, 503)
THROTTLED = answer({"message": "Too Many Requests"}, 429)
UNAVAILABLE = refusal(503, "db_unavailable", Retry_After="5")


@BOTH
@pytest.mark.parametrize("first", [BUSY, THROTTLED, UNAVAILABLE, httpx.ReadTimeout])
def test_call_is_sent_again_when_the_service_is_not_available(client: Ask, first: Answer) -> None:
    script = Script([first, answer(run())])
    assert str(client(script, "run", RUN).id) == RUN
    assert len(script.requests) == 2
    assert len(script.slept) == 1


@BOTH
def test_tries_come_to_an_end_with_growing_pauses(client: Ask) -> None:
    script = Script([BUSY])
    with pytest.raises(errors.Unavailable):
        client(script, "run", RUN)
    assert len(script.requests) == 4
    for seconds, longest in zip(script.slept, [1, 2, 4], strict=True):
        assert longest / 2 <= seconds <= longest


@pytest.mark.parametrize(
    "first", [answer({"message": "Internal Server Error"}, 500), refusal(500), refusal(422)]
)
def test_call_is_not_sent_again_when_that_would_not_help(first: Answer) -> None:
    script = Script([first])
    with pytest.raises(AutoRetrainClientError):
        ask(script, "run", RUN)
    assert len(script.requests) == 1


NOW = datetime(2026, 11, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "0"}, 0),
        (
            {
                "Retry_After": format_datetime(NOW + timedelta(seconds=9), usegmt=True),
                "Date": format_datetime(NOW, usegmt=True),
            },
            9,
        ),
        # A server that tells no time of its own is measured by ours: this is long past.
        ({"Retry_After": "Mon, 16 Nov 2020 10:00:00 GMT"}, 0),
    ],
)
def test_pause_is_as_long_as_the_server_asks(headers: dict[str, str], seconds: float) -> None:
    script = Script([refusal(429, "too_many_runs", **headers), answer(run())])
    ask(script, "run", RUN)
    assert script.slept == [seconds]


@pytest.mark.parametrize("asked", ["soon", "-1", "1e3", ""])
def test_pause_is_our_own_when_the_server_asks_for_nonsense(asked: str) -> None:
    script = Script([refusal(503, Retry_After=asked), answer(run())])
    ask(script, "run", RUN)
    assert 0.5 <= script.slept[0] <= 1


def test_server_that_asks_for_a_long_pause_is_not_asked_again() -> None:
    script = Script([refusal(429, "too_many_runs", "40 of 40 runs", Retry_After="1800")])
    with pytest.raises(errors.Throttled, match="40 of 40 runs") as raised:
        ask(script, "train", STRATEGY)
    assert raised.value.retry_after_seconds == 1800
    assert script.slept == []


@BOTH
@pytest.mark.parametrize("name", ["check", "retrain", "train"])
def test_training_is_asked_for_again_under_the_same_key(client: Ask, name: str) -> None:
    script = Script([httpx.ReadTimeout, BUSY, UNAVAILABLE, answer(retrain(run()), 202)])
    client(script, name, STRATEGY)
    client(script, name, STRATEGY)
    first, *again, other = (each.headers["Idempotency-Key"] for each in script.requests)
    assert again == [first] * 3
    assert first != other
    assert 1 <= len(first) <= 128


@BOTH
@pytest.mark.parametrize(
    "first", [httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.WriteError, BUSY, UNAVAILABLE]
)
@pytest.mark.parametrize(
    "change",
    [
        ("create_token", "bot"),
        ("activate", STRATEGY, "v1"),
        ("unpin", STRATEGY),
        ("resume", STRATEGY),
        ("cancel", RUN),
    ],
)
def test_change_that_may_have_been_made_is_not_sent_again(
    change: tuple[str, ...], first: Answer, client: Ask
) -> None:
    script = Script([first])
    with pytest.raises(errors.Unavailable):
        client(script, *change)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "first", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, THROTTLED]
)
def test_change_that_was_not_made_is_sent_again(first: Answer) -> None:
    script = Script([first, refusal(409)])
    with pytest.raises(errors.Conflict):
        ask(script, "activate", STRATEGY, "v1")
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    ("response", "kind", "exit_code"),
    [
        (refusal(400, "unreadable_json"), errors.Invalid, 65),
        (refusal(413, "too_large"), errors.Invalid, 65),
        (refusal(415, "unsupported_media_type"), errors.Invalid, 65),
        (refusal(422, "invalid_request"), errors.Invalid, 65),
        (refusal(404, "unknown_strategy"), errors.NotFound, 66),
        (refusal(503, "db_unavailable"), errors.Unavailable, 69),
        (refusal(500, "internal_error"), errors.ServerError, 70),
        (refusal(409, "pinned"), errors.Conflict, 73),
        (refusal(429, "too_many_runs"), errors.Throttled, 75),
        (refusal(403, "missing_scope"), errors.MissingScope, 77),
        (refusal(418, "teapot"), errors.NotUnderstood, 76),
    ],
)
def test_refusal_of_our_own_keeps_its_words(
    response: httpx.Response, kind: type[AutoRetrainClientError], exit_code: int
) -> None:
    with pytest.raises(AutoRetrainClientError) as raised:
        ask(Script([response]), "run", RUN)
    error = raised.value
    assert type(error) is kind
    assert (str(error), error.status, error.request_id) == ("message", response.status_code, "r-1")
    assert error.code == response.json()["error"]["code"]
    assert isinstance(error, ToldError)
    assert error.exit_code == exit_code


REFUSED = "token refused: expired, revoked or wrong; create one with `autoretrain tokens create`"


@pytest.mark.parametrize(
    ("status", "message", "kind", "told"),
    [
        (401, "Unauthorized", errors.NotAuthenticated, REFUSED),
        (403, "Forbidden", errors.NotAuthenticated, REFUSED),
        (
            404,
            "Not Found",
            errors.NotUnderstood,
            f"https://api.test/prod/.*{RUN} answers 404: is this",
        ),
        (413, "Request Entity Too Large", errors.Invalid, "https://api.test/prod/.* answers 413"),
        (429, "Too Many Requests", errors.Throttled, "too many requests at once"),
        (500, "Internal Server Error", errors.Unavailable, "`GET /health` says what is wrong"),
        (503, "Service Unavailable", errors.Unavailable, "try again later"),
    ],
)
def test_gateways_own_answer_says_what_to_do(
    status: int, message: str, kind: type[AutoRetrainClientError], told: str
) -> None:
    with pytest.raises(kind, match=told) as raised:
        ask(Script([answer({"message": message}, status)]), "run", RUN)
    assert (raised.value.status, raised.value.code) == (status, None)


@pytest.mark.parametrize("content", [b"<html>", b"", b'{"error": "text"}', b"[1]", b"\xff"])
def test_answer_of_another_server_is_an_error_too(content: bytes) -> None:
    with pytest.raises(errors.Unavailable):
        ask(Script([httpx.Response(502, content=content)]), "run", RUN)
    with pytest.raises(errors.NotUnderstood):
        ask(Script([httpx.Response(302, content=content)]), "run", RUN)


def test_server_that_does_not_answer_is_named_without_the_token() -> None:
    with pytest.raises(errors.Unavailable) as raised:
        ask(Script([httpx.ConnectError]), "run", RUN)
    assert str(raised.value) == "https://api.test does not answer: ConnectError"
    assert isinstance(raised.value.__cause__, httpx.ConnectError)


@pytest.mark.parametrize(
    ("url", "error", "is_told"),
    [
        (None, httpx.ConnectError, True),
        ("http://localhost:9000", httpx.ConnectError, True),
        ("https://api.test", httpx.ConnectError, False),
        (None, httpx.ReadTimeout, False),  # something is there
    ],
)
def test_stack_of_this_machine_that_is_down_is_told_with_how_to_start_it(
    url: str | None, error: type[httpx.RequestError], is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTORETRAIN_URL", raising=False)
    script = Script([error])
    transport = httpx.MockTransport(script.handle)
    with (
        Client(url, TOKEN, transport=transport, sleep=lambda _: None) as client,
        pytest.raises(errors.Unavailable) as raised,
    ):
        client.run(RUN)
    told = "ConnectError; is the stack up? `make run` or `autoretrain up` starts it"
    assert str(raised.value).endswith(told) == is_told
    assert ("is the stack up" in str(raised.value)) == is_told


@BOTH
def test_wait_hears_of_every_step_until_the_run_has_ended(client: Ask) -> None:
    steps = [run("queued"), run("running"), run("succeeded", model_version="v2")]
    script = Script([answer(step) for step in steps])
    heard: list[str] = []
    ended = client(script, "wait", RUN, on_progress=lambda found: heard.append(found.status))
    assert heard == ["queued", "running", "succeeded"]
    assert ended.model_version == "v2"
    assert script.slept == [trainings.POLL_SECONDS] * 2


def test_wait_gives_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script([answer(run())])
    # Time goes by only while somebody sleeps.
    monkeypatch.setattr(trainings, "monotonic", lambda: sum(script.slept))
    assert ask(script, "wait", RUN, at_most_seconds=2.5).status == "running"
    assert script.slept == [1, 1, 0.5]


@BOTH
def test_training_is_waited_for_and_told_as_the_server_would(client: Ask) -> None:
    ended = run("succeeded", model_version="v2", activated=True)
    script = Script(
        [
            answer(retrain(run("queued")), 202),
            answer(run()),
            answer(ended),
            answer(report()),
        ]
    )
    found = client(script, "train", STRATEGY, wait_seconds=600)
    assert found.retrained
    assert found.training_run.status == "succeeded"
    assert (found.model.version, found.model.accuracy, found.model.activated) == ("v2", 0.68, True)
    assert script.said()[1:] == [
        f"GET /prod/training-runs/{RUN}",
        f"GET /prod/training-runs/{RUN}",
        f"GET /prod/api/ai-strategies/{STRATEGY}/models/v2",
    ]


def test_server_waits_first_when_nobody_hears_of_the_progress() -> None:
    finished = retrain(run("succeeded"), retrained=True, model=fitted())
    script = Script([answer(finished)])
    assert ask(script, "train", STRATEGY, wait_seconds=600).model.version == "v2"
    [request] = script.requests
    assert request.headers["Prefer"] == "wait=25"
    assert request.extensions["timeout"]["read"] == 30 + 25


def fitted() -> dict[str, Any]:
    names = ("version", "accuracy", "improvement", "outcome", "line", "log_loss_improvement")
    known = model()
    extra = {"activated": True, "judged_rows": 57, "below_base_rate": False}
    return {name: known[name] for name in names} | extra


@pytest.mark.parametrize("options", [{}, {"wait_seconds": 600, "on_progress": print}])
def test_server_does_not_wait_when_nobody_waits_or_somebody_watches(
    options: dict[str, Any],
) -> None:
    script = Script([answer(retrain(run("failed")))])
    ask(script, "train", STRATEGY, **options)
    assert "Prefer" not in script.requests[0].headers


def test_training_that_fails_is_told_with_its_run() -> None:
    failed = run("failed", error={"code": "leak", "message": "exit_price knows the outcome"})
    script = Script([answer(retrain(run()), 202), answer(failed)])
    found = ask(script, "check", STRATEGY, wait_seconds=600)
    assert not found.retrained
    assert found.training_run.error.code == "leak"


def test_training_that_takes_too_long_is_told_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script([answer(retrain(run("queued")), 202), answer(run())])
    monkeypatch.setattr(trainings, "monotonic", lambda: sum(script.slept))
    found = ask(script, "retrain", STRATEGY, wait_seconds=3)
    assert found.training_run.status == "running"
    assert sum(script.slept) == 3


def test_nothing_is_waited_for_when_nothing_was_started() -> None:
    why = {"code": "not_enabled", "message": "training is off"}
    script = Script([answer(retrain(None, should_retrain=False, not_started=why))])
    found = ask(script, "check", STRATEGY, wait_seconds=600)
    assert found.not_started.code == "not_enabled"
    assert len(script.requests) == 1


def test_client_reads_its_settings_when_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTORETRAIN_URL", "https://from.environment/stage/")
    monkeypatch.setenv("AUTORETRAIN_TOKEN", f" {TOKEN}\n")
    script = Script([answer(run())])
    with Client(transport=httpx.MockTransport(script.handle)) as client:
        client.run(RUN)
    [request] = script.requests
    assert str(request.url) == f"https://from.environment/stage/training-runs/{RUN}"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"


def test_client_asks_this_machine_when_no_url_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTORETRAIN_URL", raising=False)
    script = Script([answer(run())])
    with Client(token=TOKEN, transport=httpx.MockTransport(script.handle)) as client:
        client.run(RUN)
    assert str(script.requests[0].url).startswith("http://127.0.0.1:8001/")


@pytest.mark.parametrize(
    ("url", "token", "told"),
    [
        (URL, "", "set AUTORETRAIN_TOKEN"),
        (URL, "arp_\x00secret", "^token holds .* copy it again"),
        (URL, "arp_sécret", "copy it again"),
        (URL, "arp secret", "copy it again"),
        ("api.test", TOKEN, "^url must be"),
        ("ftp://api.test", TOKEN, "^url must be"),
        ("https://user:secret@api.test", TOKEN, "^url must be"),
        ("https://user:secret@api.test:x", TOKEN, "^url is no URL"),
    ],
)
def test_client_that_cannot_work_is_refused_without_its_secrets(
    url: str, token: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTORETRAIN_TOKEN", raising=False)
    with pytest.raises(errors.NotConfigured, match=told) as raised:
        Client(url, token)
    assert raised.value.exit_code == 78
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "host", ["api.test", "127.0.0.1.api.test", "localhost.api.test", "10.0.0.1", "[::2]", "0.0.0.0"]
)
def test_token_is_not_sent_in_the_clear(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        errors.NotConfigured, match=r"^url is http://.* use https://, or a loopback"
    ):
        Client(f"http://{host}:8001", TOKEN)
    monkeypatch.setenv("AUTORETRAIN_URL", f"http://{host}")
    with pytest.raises(errors.NotConfigured, match=r"^AUTORETRAIN_URL is http://"):
        AsyncClient(token=TOKEN)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "[::1]"])
def test_token_may_be_sent_in_the_clear_on_this_machine(host: str) -> None:
    script = Script([answer(run())])
    transport = httpx.MockTransport(script.handle)
    with Client(f"http://{host}:8001", TOKEN, transport=transport) as client:
        client.run(RUN)
    assert str(script.requests[0].url).startswith(f"http://{host.lower()}:8001/")


def test_token_is_shown_by_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    script = Script([answer({"message": "Forbidden"}, 403)])
    with Client(URL, TOKEN, transport=httpx.MockTransport(script.handle)) as client:
        with pytest.raises(errors.NotAuthenticated) as raised:
            client.run(RUN)
        shown = [repr(client), repr(vars(client)), repr(raised.value), str(raised.value)]
    assert not [text for text in [*shown, caplog.text] if "secret" in text]


def test_timeout_is_the_one_that_is_asked_for() -> None:
    script = Script([answer(run())])
    transport = httpx.MockTransport(script.handle)
    with Client(URL, TOKEN, timeout=2, transport=transport) as client:
        client.run(RUN)
    assert script.requests[0].extensions["timeout"] == dict.fromkeys(
        ("connect", "read", "write", "pool"), 2
    )
