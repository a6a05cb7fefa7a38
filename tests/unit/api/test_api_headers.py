from __future__ import annotations

import time

import pytest

from autoretrain_api.headers import is_known, preferred_wait, seconds_left
from tests.unit.api.conftest import Api
from tests.unit.api.people import RUN, ActiveRow, model, run

CHECK = "/api/ai-strategies/{id}/auto-retrain"
ACTIVE = "/api/ai-strategies/{id}/active-model"


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=10", 10),
        ("WAIT=10", 10),
        ("wait = 10", 10),
        ('wait="10"', 10),
        ("wait=10; foo=bar", 10),
        ("respond-async, wait=10", 10),
        ('foo="a, wait=3", wait=10', 10),
        ("wait=10, wait=20", 10),
        ("wait=600", 25),
        ("wait=0", 0),
        ("wait", None),
        ("wait=soon", None),
        ("wait=-1", None),
        ("wait=1.5", None),
        ('wait="10', None),
        ("await=10", None),
        ("wait=" + "9" * 5000, None),
        ("", None),
    ],
    ids=lambda value: str(value)[:24],
)
def test_the_wait_is_read_as_rfc_7240_has_it(prefer: str, seconds: int | None) -> None:
    assert preferred_wait(prefer) == seconds


@pytest.mark.parametrize(
    ("if_none_match", "known"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b",W/"a"', True),
        ("*", True),
        (" * ", True),
        ('"b"', False),
        ("a", False),
        ('"*"', False),
        ("", False),
    ],
)
def test_an_etag_is_known_when_the_list_has_it(if_none_match: str, known: bool) -> None:
    assert is_known('"a"', if_none_match) is known


def test_a_live_run_is_answered_at_once_without_a_preference(api: Api) -> None:
    told = api.call("POST", CHECK)

    assert told.status == 202
    assert "Preference-Applied" not in told.headers
    assert api.people.retraining.waits == [0]
    assert told.json["training_run"]["id"] == str(RUN)
    assert told.json["retrained"] is False


def test_an_ended_run_is_answered_with_its_model_when_waited_for(api: Api) -> None:
    api.people.reading.the_run = run(status="succeeded", activated=True)
    api.people.reading.model_of_run = model(accuracy=0.68, improvement=0.03, activated=True)

    told = api.call("POST", CHECK, headers={"prefer": "wait=60"})

    assert (told.status, told.headers["Preference-Applied"]) == (200, "wait=25")
    assert api.people.retraining.waits == [25]
    assert told.json["retrained"] is True
    assert told.json["model"]["version"] == "v2"
    assert told.json["model"]["improvement"] == 0.03


def test_wait_leaves_time_for_the_answer_to_get_back() -> None:
    now = time.time() * 1000
    assert seconds_left({"timeEpoch": now}) == pytest.approx(27, abs=1)
    assert seconds_left({"timeEpoch": now - 10_000}) == pytest.approx(17, abs=1)
    assert seconds_left({"timeEpoch": now - 60_000}) == seconds_left({}) == 0
    assert seconds_left({"timeEpoch": now + 60_000}) == 27


def test_a_failed_run_says_why_it_has_no_model(api: Api) -> None:
    error = {"code": "out_of_memory", "message": "raise TrainerMemory"}
    api.people.reading.the_run = run(status="failed", error=error)

    told = api.call("POST", CHECK, headers={"prefer": "wait=1"})

    assert (told.status, told.json["retrained"], told.json["model"]) == (200, False, None)
    assert told.json["training_run"]["error"] == error


@pytest.mark.parametrize("key", ["", "x" * 129, "schlüssel", "a b", "a\tb"])
def test_an_idempotency_key_is_refused_when_it_is_not_visible_ascii(api: Api, key: str) -> None:
    told = api.call("POST", CHECK, headers={"idempotency-key": key})

    assert (told.status, told.code) == (422, "invalid_request")
    assert told.message == "idempotency-key: must be 1 to 128 visible ASCII characters"


def test_the_same_request_has_the_same_hash_and_another_has_not(api: Api) -> None:
    headers = {"idempotency-key": "key,with,commas"}
    bodies = [None, {}, {"force": False}, {"force": True}]
    for body in bodies:
        api.call("POST", CHECK, body, headers=headers)
    api.call("POST", CHECK)

    *keyed, unkeyed = api.people.retraining.keys
    hashes = [once.request_hash for once in keyed if once]
    assert [once.key for once in keyed if once] == ["key,with,commas"] * 4
    assert len(set(hashes[:3])) == 1
    assert hashes[3] != hashes[0]
    assert unkeyed is None


def test_the_active_model_is_not_sent_again_when_it_is_known(api: Api) -> None:
    first = api.call("GET", ACTIVE)
    again = api.call("GET", ACTIVE, headers={"if-none-match": first.headers["ETag"]})

    assert first.json["model_url"] == "https://models.test/models/u/s/v2/model.txt?for=900"
    assert first.json["manifest_url"] == "https://models.test/models/u/s/v2/manifest.json?for=900"
    assert (again.status, again.text, again.headers["ETag"]) == (304, "", first.headers["ETag"])


@pytest.mark.parametrize(
    "changed",
    [
        ActiveRow(version="v3"),
        ActiveRow(sha256="c" * 64),
        ActiveRow(manifest_sha256="c" * 64),
        ActiveRow(expired=True),
        ActiveRow(base_rate=0.5125),
        ActiveRow(version=None, sha256=None, manifest_sha256=None, artifact_key=None),
    ],
)
def test_the_etag_changes_with_what_a_bot_uses(api: Api, changed: ActiveRow) -> None:
    first = api.call("GET", ACTIVE).headers["ETag"]
    api.people.reading.active = changed

    told = api.call("GET", ACTIVE, headers={"if-none-match": first})

    assert told.status == 200
    assert told.headers["ETag"] != first


def test_the_etag_stays_when_the_base_rate_moves_beyond_its_fourth_digit(api: Api) -> None:
    first = api.call("GET", ACTIVE).headers["ETag"]
    api.people.reading.active = ActiveRow(base_rate=0.51233)

    assert api.call("GET", ACTIVE).headers["ETag"] == first


def test_a_model_comes_with_links_to_its_report_and_to_what_vouches_for_it(api: Api) -> None:
    told = api.call("GET", "/api/ai-strategies/{id}/models/v2").json

    assert told["manifest_url"] == "https://models.test/models/u/s/v2/manifest.json?for=900"
    assert told["report_url"] == "https://models.test/models/u/s/v2/report.json?for=900"
    assert told["url_expires_at"] is not None
    assert "artifact_key" not in told


def test_there_are_no_links_without_a_model(api: Api) -> None:
    api.people.reading.active = ActiveRow(version=None, artifact_key=None)

    told = api.call("GET", ACTIVE).json

    assert (told["model_url"], told["manifest_url"], told["url_expires_at"]) == (None, None, None)
    assert "artifact_key" not in told


def test_data_is_never_cached_and_every_answer_is_guarded(api: Api) -> None:
    for told in (
        api.call("GET", ACTIVE),
        api.call("GET", "/nowhere"),
        api.call("POST", CHECK, "["),
    ):
        assert told.headers["Cache-Control"] == "no-store"
        assert told.headers["X-Content-Type-Options"] == "nosniff"
        assert told.headers["Content-Security-Policy"].startswith("default-src 'none'")
