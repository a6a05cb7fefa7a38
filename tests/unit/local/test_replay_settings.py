from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from autoretrain.domain.gate import ActivationMode
from autoretrain.domain.models import Policy
from autoretrain.errors import Invalid
from autoretrain_api.requests import SettingsRequest
from autoretrain_local.replay.settings import (
    SETTINGS,
    Settings,
    read_settings,
    settings_of,
    to_told,
)

EDGES: dict[str, list[Any]] = {
    "ml_min_trades_for_training": [59, 60, 1_000_000, 1_000_001, 60.0, "60", True, None],
    "new_trades_threshold": [0, 1, 1000, 1001, 50.5, None],
    "degradation_rule": ["ratio", "calibrated", "both", 1, None],
    "degradation_ratio": [0, 1e-9, 1, 1.01, -1, "0.9", True, float("nan"), None],
    "degradation_window": [49, 50, 1000, 1001, None],
    "degradation_min_trades": [9, 10, 50, 1001, None],
    "max_age_days": [0, 0.5, 3650, 3650.1, float("inf"), None],
    "activation_mode": ["if_better", "if_not_worse", "approve", "always", "sometimes", None],
    "model_max_age_days": [0, 1, 3650, 3651, None, "30"],
    "feature_drift_psi": [0, 0.25, 10, 10.1, None, "0.25"],
    "feature_weights": [{}, {"a": 3}, {"a": 3.1}, {"a": -0.1}, {"": 1}, {"a": "1"}, ["a"], None],
    "allowed_features": [[], ["a"], ["a" * 201], ["a\x00"], ["é "], "a", [1], None],
}


def test_no_file_means_the_defaults_of_production() -> None:
    assert settings_of({}) == Settings(Policy(), ActivationMode.IF_BETTER, {}, (), None)


def test_every_setting_of_the_api_that_a_replay_can_obey_is_known() -> None:
    assert set(SETTINGS) == set(SettingsRequest.model_fields) - {"ml_training_enabled"}
    assert set(to_told(Settings())) == set(SETTINGS)


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in EDGES.items() for value in values],
    ids=lambda value: repr(value)[:30],
)
def test_value_is_allowed_where_the_api_allows_it(name: str, value: Any) -> None:
    if name == "degradation_window" and value == 49:
        value = 29
    try:
        SettingsRequest.model_validate({name: value})
    except ValidationError:
        with pytest.raises(Invalid, match=f"^{name}: must be .+, not "):
            settings_of({name: value})
    else:
        assert to_told(settings_of({name: value}))[name] == value


def test_refusal_names_the_field_and_its_range() -> None:
    with pytest.raises(Invalid) as refused:
        settings_of({"max_age_days": 0})

    assert str(refused.value) == "max_age_days: must be a number above 0, at most 3650, not 0"


def test_unknown_setting_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(Invalid, match=r"^new_trades: no such setting; there are ml_min_trades"):
        settings_of({"new_trades": 5})


def test_minimum_of_trades_has_a_short_name_and_is_given_once() -> None:
    assert settings_of({"min_trades": 250}).policy.min_trades == 250
    with pytest.raises(Invalid, match="ml_min_trades_for_training: given twice"):
        settings_of({"min_trades": 250, "ml_min_trades_for_training": 250})


def test_fewer_trades_than_the_degradation_asks_for_are_no_window() -> None:
    with pytest.raises(Invalid, match=r"degradation_min_trades: must be at most .* which is 50"):
        settings_of({"degradation_min_trades": 51})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.json", json.dumps({"min_trades": 80, "feature_weights": {"rsi": 2}})),
        ("p.toml", "min_trades = 80\n[feature_weights]\nrsi = 2\n"),
    ],
)
def test_file_is_json_or_toml(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)

    settings = read_settings(tmp_path / name)

    assert (settings.policy.min_trades, settings.feature_weights) == (80, {"rsi": 2})


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("p.json", "{", "p.json cannot be read"),
        ("p.json", "[]", "p.json must hold an object"),
        ("p.toml", "min_trades 80", "p.toml cannot be read"),
        ("p.json", '{"degradation_ratio": NaN}', "degradation_ratio: must be"),
    ],
)
def test_file_that_is_none_is_refused(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(Invalid, match=says):
        read_settings(tmp_path / name)
