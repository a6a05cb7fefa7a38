"""What makes no sense, given to every function that is called by an event or over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
import httpx
import pytest
from hypothesis import strategies as st

from autoretrain.errors import OperatorError
from autoretrain_local.account import BUCKET
from autoretrain_local.postgres import PostgresServer
from autoretrain_trainer import on_lambda
from tests.conftest import cloned
from tests.faults.fuzz import Fuzz, harmed, json_values
from tests.faults.fuzz_calls import AROUND_THE_DOOR, NOBODY, SAMPLES, STRANGE, TOKENS
from tests.faults.fuzz_site import FUNCTIONS, Site, running
from tests.faults.fuzz_tokens import forged, near, web_tokens
from tests.faults.rows import row
from tests.functions.conftest import event
from tests.signers import JWT_SECRET, signed
from tests.unit.api.conftest import event as request_event
from tests.world import USER


@pytest.fixture(scope="module")
def site(
    postgres: PostgresServer, templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    for url in cloned(postgres, templates["tables"]):
        with running(url, tmp_path_factory.mktemp("stack")) as up:
            yield up


@pytest.mark.parametrize(
    ("function", "given"),
    [(function, given) for function, events in STRANGE.items() for given in events],
    ids=str,
)
@row("B34")
def test_event_that_makes_no_sense_is_ignored_and_counted(
    site: Site, function: str, given: Any
) -> None:
    site.lines.clear()

    outcome = site.stack.functions.invoke(function, given)

    assert outcome.error is None, outcome.payload
    assert site.ignored() == 1


@pytest.mark.parametrize("function", SAMPLES)
@row("B34")
def test_no_harm_to_an_event_makes_a_function_fail(site: Site, fuzz: Fuzz, function: str) -> None:
    samples = st.one_of(*[harmed(event(name)) for name in SAMPLES[function]])

    def check(given: Any) -> None:
        outcome = site.stack.functions.invoke(function, given)
        assert outcome.error is None, outcome.payload

    fuzz(f"events of {function}", samples | json_values, check, examples=150)


@row("B34")
def test_no_harm_to_a_request_for_a_deployment_leaves_it_without_an_answer(
    site: Site, fuzz: Fuzz
) -> None:
    put = {"Bucket": BUCKET, "Key": "answer"}
    answered = {"ResponseURL": boto3.client("s3").generate_presigned_url("put_object", Params=put)}
    sample, app = event("deployment_schema_create"), site.app("deployment")

    def check(given: Any) -> None:
        given = given if isinstance(given, dict) else {"ResourceProperties": given}
        told = app.handler(given | answered, _Context())
        assert told["Status"] in ("SUCCESS", "FAILED")

    fuzz("events of DeploymentFunction", harmed(sample), check, examples=30)


@row("B34")
def test_no_harm_to_a_wish_makes_the_trainer_fail_without_a_word(site: Site, fuzz: Fuzz) -> None:
    def check(given: Any) -> None:
        with suppress(OperatorError):  # in words; nothing else
            on_lambda.handler(given, _Context())  # type: ignore[arg-type]

    samples = harmed({"strategy": NOBODY}) | harmed({"run_id": NOBODY}) | json_values
    fuzz("events of TrainerFunction", samples, check, examples=100)


@row("B34")
def test_no_harm_to_a_request_makes_the_api_fail_or_let_anybody_in(site: Site, fuzz: Fuzz) -> None:
    app = site.app("api")
    sample = request_event("GET", f"/api/ai-strategies/{site.strategy_id}", "read", {})

    def check(given: Any) -> None:
        answer = app.handler(given, None)
        assert isinstance(answer["statusCode"], int)
        if str(site.strategy_id) in str(answer["body"]):
            known = given["requestContext"]["authorizer"]["lambda"]
            assert known["user_id"] == str(USER)
            assert "read" in known["scopes"]

    fuzz("events of ApiFunction", harmed(sample) | json_values, check, examples=150)


@row("B34")
def test_no_harm_to_a_question_makes_the_authorizer_fail_or_let_anybody_in(
    site: Site, fuzz: Fuzz
) -> None:
    app, sample = site.app("authorizer"), event("authorizer")

    def check(given: Any) -> None:
        assert app.handler(given, None) == {"isAuthorized": False, "context": {}}

    fuzz("events of AuthorizerFunction", harmed(sample) | json_values, check, examples=150)


@row("B5", "B10", "B11", "B12", "B13", "B14", "B15", "B28", "B29", "B31")
def test_no_settings_make_the_api_fail_or_are_stored_beyond_their_bounds(
    site: Site, fuzz: Fuzz
) -> None:
    contract = json.loads((FUNCTIONS / "api" / "openapi.json").read_text())
    names = list(contract["components"]["schemas"]["SettingsRequest"]["properties"])
    odd = st.sampled_from(["num_leaves", "webhook_url", "input_model", "__class__", "user_id"])
    likely = st.integers(-5, 2000) | st.floats(-1, 4) | st.sampled_from(["approve", "ratio", []])
    weights = st.dictionaries(st.text(max_size=5), likely | json_values, max_size=3)
    bodies = st.dictionaries(
        st.sampled_from(names) | odd, likely | weights | json_values, min_size=1, max_size=3
    )
    path = f"/api/ai-strategies/{site.strategy_id}"
    headers = {"Authorization": f"Bearer {site.token}", "Content-Type": "application/json"}
    with httpx.Client(base_url=site.stack.url, headers=headers, timeout=60) as caller:

        def check(body: Any) -> None:
            told = caller.patch(path, content=json.dumps(body))
            assert told.status_code in (200, 400, 422), told.text
            if told.status_code == 200:
                settings = told.json()["settings"]
                assert {name: settings[name] for name in body} == body
            else:
                assert set(told.json()["error"]) == {"code", "message", "request_id"}

        fuzz("bodies of PATCH", bodies | json_values, check, examples=250)

        assert caller.get(path).status_code == 200


@pytest.mark.parametrize(
    ("stored", "named", "anew"),
    [
        pytest.param("""feature_weights = '{"a": "b"}'""", "feature_weights.a", {}, id="a text"),
        pytest.param("""feature_weights = '{"a": []}'""", "feature_weights.a", {}, id="a list"),
        pytest.param("allowed_features = '{NULL}'", "allowed_features.0", [], id="no name"),
    ],
)
@row("B28")
def test_stored_setting_that_cannot_be_used_is_named_until_it_is_set_anew(
    site: Site, stored: str, named: str, anew: Any
) -> None:
    path = f"{site.stack.url}/api/ai-strategies/{site.strategy_id}"
    headers = {"Authorization": f"Bearer {site.token}"}
    site.world.run(f"UPDATE autoretrain.strategy_training SET {stored}")

    told = httpx.get(path, headers=headers)
    mended = httpx.patch(path, headers=headers, json={named.partition(".")[0]: anew})

    assert (told.status_code, told.json()["error"]["code"]) == (503, "bad_config")
    assert f"the strategy's {named} in the database" in told.json()["error"]["message"]
    assert mended.status_code == 200


@row("B1", "B3")
def test_no_header_lets_a_stranger_in(site: Site, fuzz: Fuzz) -> None:
    app = site.app("authorizer")
    good = signed(JWT_SECRET, "HS256", "legacy", sub=str(USER), iss=site.issuer)
    assert app.handler({"identitySource": [f"Bearer {good}"]}, None)["isAuthorized"]

    def check(header: str) -> None:
        text = header.partition(" ")[2].strip()
        # Padding changes nothing of what was signed.
        if text != site.token and text.removesuffix("=") != good:
            ways: list[Any] = [{"identitySource": [header]}, {"headers": {"authorization": header}}]
            answer = app.handler(ways[len(header) % 2], None)
            assert answer == {"isAuthorized": False, "context": {}}

    made = near(f"Bearer {site.token}") | near(f"Bearer {good}") | web_tokens()
    fuzz("Authorization headers", made | st.text(max_size=60).map("Bearer {}".format), check, 400)


@pytest.mark.parametrize(("method", "path", "headers"), AROUND_THE_DOOR, ids=str)
@row("B1")
def test_there_is_no_way_around_the_authorizer(
    site: Site, method: str, path: str, headers: dict[str, str]
) -> None:
    filled = {name: text.replace("{token}", site.token) for name, text in headers.items()}

    status, content = site.asked(method, path.replace("{token}", site.token), filled)

    assert status in (400, 401, 403, 404, 405), content
    assert site.token.split("_")[1].encode() not in content


@row("B3")
def test_forged_web_token_is_forbidden(site: Site) -> None:
    for how, text in forged(site.issuer).items():
        told = site.asked("GET", TOKENS, {"Authorization": f"Bearer {text}"})

        assert told == (403, b'{"message":"Forbidden"}'), how


class _Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000
