"""Reads a policy file: a strategy's settings by the names and within the ranges of the API."""

from __future__ import annotations

import json
import math
import re
import reprlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autoretrain.domain.gate import ActivationMode
from autoretrain.domain.json import Json
from autoretrain.domain.models import Policy
from autoretrain.errors import Invalid

_NAME = r"[^\x00-\x1f\x7f]{1,200}"
_MOST_NAMES = 500


@dataclass(frozen=True, slots=True)
class Settings:
    """One strategy's settings; `model_max_age_days` None lets bots use a model for ever."""

    policy: Policy = field(default_factory=Policy)
    activation_mode: ActivationMode = ActivationMode.IF_BETTER
    feature_weights: Mapping[str, float] = field(default_factory=dict)
    allowed_features: tuple[str, ...] = ()
    model_max_age_days: float | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a setting may be, as a test and in words."""

    test: Callable[[Any], bool]
    words: str


def _whole(least: int, most: int) -> Allowed:
    return Allowed(
        lambda value: type(value) is int and least <= value <= most,
        f"a whole number from {least} to {most}",
    )


def _above_zero(most: int) -> Allowed:
    return Allowed(
        lambda value: _is_number(value) and 0 < value <= most, f"a number above 0, at most {most}"
    )


def _one_of(*words: str) -> Allowed:
    return Allowed(lambda value: value in words, " or ".join(map(repr, words)))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(_NAME, value) is not None


def _are_weights(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= _MOST_NAMES
        and all(_is_name(name) and _is_number(weight) for name, weight in value.items())
        and all(0 <= weight <= 3 for weight in value.values())
    )


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= _MOST_NAMES and all(map(_is_name, value))


def _or_none(allowed: Allowed) -> Allowed:
    return Allowed(lambda value: value is None or allowed.test(value), f"{allowed.words}, or null")


SETTINGS: Mapping[str, Allowed] = {
    "ml_min_trades_for_training": _whole(60, 1_000_000),
    "new_trades_threshold": _whole(1, 1000),
    "degradation_rule": _one_of("ratio", "calibrated"),
    "degradation_ratio": _above_zero(1),
    "degradation_window": _whole(30, 1000),
    "degradation_min_trades": _whole(10, 1000),
    "max_age_days": _above_zero(3650),
    "activation_mode": _one_of(*ActivationMode),
    "model_max_age_days": _or_none(_above_zero(3650)),
    "feature_drift_psi": _or_none(_above_zero(10)),
    "feature_weights": Allowed(
        _are_weights, f"at most {_MOST_NAMES} feature names, each with a number from 0 to 3"
    ),
    "allowed_features": Allowed(_are_names, f"a list of at most {_MOST_NAMES} feature names"),
}
SHORT_NAMES = {"min_trades": "ml_min_trades_for_training"}
_OF_POLICY = {
    "ml_min_trades_for_training": "min_trades",
    "new_trades_threshold": "new_trades",
    "degradation_rule": "degradation_rule",
    "degradation_ratio": "degradation_ratio",
    "degradation_window": "degradation_window",
    "degradation_min_trades": "degradation_min_trades",
    "max_age_days": "max_age_days",
    "feature_drift_psi": "feature_drift_psi",
}


def read_settings(path: Path) -> Settings:
    """Read JSON, or TOML from a file called so. Raises Invalid, naming the field and its range."""
    text = path.read_text(encoding="utf-8")
    try:
        given = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except ValueError as exc:
        raise Invalid(f"{path.name} cannot be read: {exc}") from exc
    if not isinstance(given, dict):
        raise Invalid(f"{path.name} must hold an object of settings by name")
    return settings_of(given)


def settings_of(given: Mapping[str, Any]) -> Settings:
    """The settings; what is not given has its default. Raises Invalid."""
    told = _by_full_name(given)
    for name, value in told.items():
        if not SETTINGS[name].test(value):
            raise Invalid(f"{name}: must be {SETTINGS[name].words}, not {reprlib.repr(value)}")
    policy = Policy(**{field: told[name] for name, field in _OF_POLICY.items() if name in told})
    if policy.degradation_min_trades > policy.degradation_window:
        raise Invalid(
            "degradation_min_trades: must be at most degradation_window, which is"
            f" {policy.degradation_window}"
        )
    return Settings(
        policy,
        ActivationMode(told.get("activation_mode", ActivationMode.IF_BETTER)),
        told.get("feature_weights", {}),
        tuple(told.get("allowed_features", ())),
        told.get("model_max_age_days"),
    )


def _by_full_name(given: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in given.items():
        full = SHORT_NAMES.get(name, name)
        if full not in SETTINGS:
            raise Invalid(f"{name}: no such setting; there are {', '.join(SETTINGS)}")
        if full in told:
            raise Invalid(f"{full}: given twice, as {name} too")
        told[full] = value
    return told


def to_told(settings: Settings) -> Json:
    """Every setting by the name that a policy file has it by."""
    told: Json = {name: getattr(settings.policy, field) for name, field in _OF_POLICY.items()}
    return told | {
        "activation_mode": settings.activation_mode.value,
        "model_max_age_days": settings.model_max_age_days,
        "feature_weights": dict(settings.feature_weights),
        "allowed_features": list(settings.allowed_features),
    }
