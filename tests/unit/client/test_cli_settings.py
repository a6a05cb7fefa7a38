from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from autoretrain_client.answers import Settings
from autoretrain_client.commands.settings import SETTINGS
from tests.unit.client.command_line import NAME, ONE, Api, CommandLine, whole
from tests.unit.client.scripted import answer, refusal

CHANGE = f"PATCH {ONE}"


@pytest.fixture(autouse=True)
def _changeable(api: Api) -> None:
    api.says(CHANGE, answer(whole()))


def test_every_setting_can_be_set() -> None:
    assert set(SETTINGS) == {field.name for field in fields(Settings)}


@pytest.mark.parametrize(
    ("pair", "sent"),
    [
        ("ml_training_enabled=false", False),
        ("ml_training_enabled=On", True),
        ("ml_min_trades_for_training=200", 200),
        ("activation_mode=approve", "approve"),
        ("degradation_rule=calibrated", "calibrated"),
        ("degradation_ratio=0.85", 0.85),
        ("max_age_days=3.5", 3.5),
        ("model_max_age_days=30", 30),
        ("model_max_age_days=none", None),
        ("feature_weights={}", {}),
        ('feature_weights={"a=b": 2}', {"a=b": 2}),
        ("allowed_features=exit_fee, mae", ["exit_fee", "mae"]),
        ("allowed_features=", []),
        ('allowed_features=["a,b"]', ["a,b"]),
    ],
)
def test_value_is_sent_as_what_the_setting_takes(
    pair: str, sent: Any, api: Api, autoretrain: CommandLine
) -> None:
    assert autoretrain("set", "mean", pair).code == 0
    assert api.body(CHANGE) == {pair.partition("=")[0]: sent}
    assert f"GET {ONE}" not in api.said()


def test_single_weights_join_those_that_are_there(api: Api, autoretrain: CommandLine) -> None:
    pairs = ["feature_weights.atr=0", "feature_weights.ema.50=2.5", "activation_mode=always"]
    assert autoretrain("set", "mean", *pairs).code == 0
    assert api.body(CHANGE) == {
        "activation_mode": "always",
        "feature_weights": {"rsi": 1.5, "atr": 0, "ema.50": 2.5},
    }


def test_single_weights_join_those_of_the_same_command(api: Api, autoretrain: CommandLine) -> None:
    pairs = ["feature_weights.atr=0", 'feature_weights={"macd": 2}']
    autoretrain("set", "mean", *pairs)
    assert api.body(CHANGE) == {"feature_weights": {"macd": 2, "atr": 0}}


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        ("colour=3", "there is no setting 'colour'; there are ml_training_enabled,"),
        ("feature_weights.=3", "feature_weights.FEATURE"),
        ("new_trade_threshold=3", "'new_trade_threshold' (did you mean new_trades_threshold?)"),
        ("ml_training_enabled=maybe", "ml_training_enabled: must be true or false"),
        ("new_trades_threshold=5.5", "new_trades_threshold: must be a whole number"),
        (
            "activation_mode=if_worse",
            "activation_mode: must be one of if_better, if_not_worse, approve, always",
        ),
        ("max_age_days=inf", "max_age_days: must be a number"),
        ("model_max_age_days=never", "model_max_age_days: must be a number, or none"),
        ("feature_weights=[1]", "feature_weights: must be a JSON object like"),
        ('feature_weights={"rsi": true}', "feature_weights: must be a JSON object like"),
        ('feature_weights={"rsi": NaN}', "feature_weights: must be a JSON object like"),
        ("feature_weights=" + "[" * 100_000, "feature_weights: must be a JSON object like"),
        ("feature_weights.rsi=high", "feature_weights.rsi: must be a number"),
        ("allowed_features=[1]", "allowed_features: must be names with commas"),
    ],
)
def test_what_cannot_be_set_is_told_with_what_can(
    pair: str, told: str, api: Api, autoretrain: CommandLine
) -> None:
    done = autoretrain("set", "mean", pair)
    assert (done.code, done.out) == (65, "")
    assert done.err.startswith("error: ")
    assert told in done.err
    assert api.said() == []


@pytest.mark.parametrize("pair", ["activation_mode", "=3"])
def test_what_names_no_value_is_a_wrong_command_line(
    pair: str, api: Api, autoretrain: CommandLine
) -> None:
    done = autoretrain("set", "mean", pair)
    assert (done.code, done.out) == (2, "")
    assert f"{pair!r} is not NAME=VALUE" in done.err
    assert api.said() == []


def test_setting_that_is_given_twice_is_refused(autoretrain: CommandLine) -> None:
    done = autoretrain("set", "mean", "max_age_days=3", "max_age_days=4")
    assert done.code == 2
    assert "max_age_days is given twice" in done.err


def test_setting_prints_what_holds_now(autoretrain: CommandLine) -> None:
    done = autoretrain("set", "mean", "feature_weights.rsi=1.5", "model_max_age_days=none")
    assert set(done.out.splitlines()) == {
        f"{NAME}:",
        '  feature_weights={"rsi": 1.5}',
        "  model_max_age_days=none",
    }


def test_range_is_the_servers_to_refuse(api: Api, autoretrain: CommandLine) -> None:
    told = "degradation_ratio: must be a number above 0, at most 1"
    api.says(CHANGE, refusal(422, "invalid_request", told))
    assert autoretrain("set", "mean", "degradation_ratio=2") == (65, "", f"error: {told}\n")
