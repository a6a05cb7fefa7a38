from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.unit.api.conftest import Api
from tests.unit.api.people import STRATEGY

CHECK = "/api/ai-strategies/{id}/auto-retrain"
SETTINGS = "/api/ai-strategies/{id}"
ID = str(STRATEGY)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("[]", 422, "invalid_request"),
        ('"x"', 422, "invalid_request"),
        ("null", 422, "invalid_request"),
        ("[{}]", 422, "invalid_request"),
        ("{bad", 422, "invalid_json"),
        ("\ufeff{}", 422, "invalid_json"),
        ("   ", 422, "invalid_json"),
        (" " * 65_537, 413, "too_large"),
        ("é" * 32_769, 413, "too_large"),
        ("[" * 20_000, 400, "unreadable_json"),
        ('{"a":' * 33 + "1" + "}" * 33, 400, "unreadable_json"),
        ('{"min_trades": ' + "9" * 5_000 + "}", 400, "unreadable_json"),
        ('{"force": true, "force": true}', 400, "unreadable_json"),
        ('{"force": NaN}', 422, "invalid_json"),
        ('{"force": -Infinity}', 422, "invalid_json"),
        ('{"force": "yes"}', 422, "invalid_request"),
        ('{"force": 1}', 422, "invalid_request"),
        ('{"other": 1}', 422, "invalid_request"),
        ('{"\\ud800": 1}', 422, "invalid_request"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_body_is_refused_when_it_is_not_as_it_should_be(
    api: Api, body: str, status: int, code: str
) -> None:
    told = api.call("POST", CHECK, body)

    assert (told.status, told.code) == (status, code)
    assert told.json["error"]["request_id"] == "req-1"
    assert api.people.retraining.checks == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"new_trades_threshold": 2**70}, "must be a whole number from 1 to 1000"),
        ({"new_trades_threshold": 0}, "must be a whole number from 1 to 1000"),
        ({"new_trades_threshold": "50"}, "must be a whole number from 1 to 1000"),
        ({"new_trades_threshold": 50.5}, "must be a whole number from 1 to 1000"),
        ({"new_trades_threshold": None}, "must be a whole number from 1 to 1000"),
        ({"ml_min_trades_for_training": 59}, "must be a whole number from 60 to 1000000"),
        ({"ml_training_enabled": None}, "must be true or false"),
        ({"degradation_ratio": 0}, "must be a number above 0, at most 1"),
        ({"degradation_ratio": True}, "must be a number above 0, at most 1"),
        ({"degradation_window": 29}, "must be a whole number from 30 to 1000"),
        ({"degradation_min_trades": 9}, "must be a whole number from 10 to 1000"),
        ({"max_age_days": 3651}, "must be a number above 0, at most 3650"),
        ({"model_max_age_days": 0}, "must be a number above 0, at most 3650"),
        ({"allowed_features": ["a\x00b"]}, "none of them a control character"),
        ({"allowed_features": [""]}, "must be a name of 1 to 200 characters"),
        ({"allowed_features": "rsi"}, "must be a list"),
        ({"feature_weights": {"rsi": 3.1}}, "must be a number from 0 to 3"),
        ({"feature_weights": {"a\x00b": 1}}, "none of them a control character"),
        ({"feature_weights": {f"f{i}": 1 for i in range(501)}}, "at most 500"),
        ({"activation_mode": "sometimes"}, "'if_better', 'if_not_worse', 'approve' or 'always'"),
        ({"degradation_rule": 7}, "must be 'ratio' or 'calibrated'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_setting_is_refused_with_its_name_and_what_is_allowed(
    api: Api, change: dict[str, Any], says: str
) -> None:
    told = api.call("PATCH", SETTINGS, change)

    (name,) = change
    assert (told.status, told.code) == (422, "invalid_request")
    assert told.message.startswith(name)
    assert says in told.message
    assert api.people.control.done == []


def test_infinity_is_refused_where_a_number_overflows_to_it(api: Api) -> None:
    told = api.call("PATCH", SETTINGS, '{"degradation_ratio": 1e999}')

    assert told.message == "degradation_ratio: must be a number above 0, at most 1"


def test_a_lone_surrogate_is_refused_in_a_name(api: Api) -> None:
    told = api.call("PATCH", SETTINGS, '{"allowed_features": ["\\ud800"]}')

    assert told.status == 422


def test_a_refusal_names_every_field_and_no_value(api: Api) -> None:
    body = {"strategy_id": "' OR 1=1--", "min_trades": -4711, "hidden": "s3cret"}
    told = api.call("POST", "/train-strategy", body)

    assert told.message == (
        "strategy_id: must be a UUID like 123e4567-e89b-12d3-a456-426614174000;"
        " min_trades: must be a whole number from 60 to 1000000; hidden: is not known here"
    )


def test_a_refusal_stays_short_when_a_thousand_fields_are_wrong(api: Api) -> None:
    told = api.call("PATCH", SETTINGS, {f"x{i}": 1 for i in range(1000)})

    assert told.message.endswith("x9: is not known here; and 990 more")


@pytest.mark.parametrize("spelling", [ID.replace("-", ""), "{" + ID + "}", f"urn:uuid:{ID}", 7])
def test_a_uuid_has_one_spelling(api: Api, spelling: object) -> None:
    told = api.call("POST", "/train-strategy", {"strategy_id": spelling})

    assert told.status == 422


@pytest.mark.parametrize("path", ["/train-strategy", "/auto-retrain", "/api/tokens"])
def test_a_body_is_required_where_there_is_nothing_to_do_without(api: Api, path: str) -> None:
    told = api.call("POST", path)

    assert (told.status, told.message) == (422, "body: is required")


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 202),
        ("Application/JSON; charset=utf-8", 202),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonp", 415),
        ("text/plain", 415),
        ("", 415),
    ],
)
def test_a_body_is_json_by_its_content_type(api: Api, media_type: str, status: int) -> None:
    told = api.call("POST", CHECK, "{}", headers={"content-type": media_type})

    assert told.status == status


def test_a_body_without_content_type_is_taken_for_json(api: Api) -> None:
    assert api.call("POST", CHECK, {"force": True}).status == 202
    assert api.people.retraining.checks == [True]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (base64.b64encode(json.dumps({"force": True}).encode()).decode(), 202),
        ("not base64 at all", 400),
        (base64.b64encode(b"\xff\xfe{}").decode(), 400),
    ],
)
def test_a_body_in_base64_is_read_or_refused(api: Api, body: str, status: int) -> None:
    told = api.call("POST", CHECK, body, isBase64Encoded=True)

    assert told.status == status


def test_an_optional_body_may_be_missing(api: Api) -> None:
    assert api.call("POST", CHECK).status == 202
    assert api.people.retraining.checks == [False]
