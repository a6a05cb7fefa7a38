"""`autoretrain set`: which settings there are, and what each takes; the server knows the ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from autoretrain_client.commands.naming import closest, find, strategy_argument
from autoretrain_client.commands.printing import in_words
from autoretrain_client.commands.session import Session, asks_api
from autoretrain_client.commands.values import (
    NAMES,
    NUMBER,
    TRUTH,
    WEIGHTS,
    WHOLE,
    Kind,
    name_and_text,
    one_of,
    or_none,
    read,
)
from autoretrain_client.errors import Invalid

if TYPE_CHECKING:
    from autoretrain_client.answers import Strategy

SETTINGS: Mapping[str, Kind] = {
    "ml_training_enabled": TRUTH,
    "ml_min_trades_for_training": WHOLE,
    "activation_mode": one_of("if_better", "if_not_worse", "approve", "always"),
    "degradation_rule": one_of("ratio", "calibrated"),
    "new_trades_threshold": WHOLE,
    "degradation_ratio": NUMBER,
    "degradation_window": WHOLE,
    "degradation_min_trades": WHOLE,
    "max_age_days": NUMBER,
    "model_max_age_days": or_none(NUMBER),
    "feature_drift_psi": or_none(NUMBER),
    "feature_weights": WEIGHTS,
    "allowed_features": NAMES,
}
_ALL_WEIGHTS = "feature_weights"
_ONE_WEIGHT = f"{_ALL_WEIGHTS}."


def _complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    return [f"{name}=" for name in SETTINGS if name.startswith(incomplete)]


def _changes(_: click.Context, __: click.Parameter, pairs: Sequence[str]) -> Mapping[str, Any]:
    """The values by their names, those of single feature weights with the dot.

    Raises Invalid, as the server does, where it is not the command line that is wrong.
    """
    changes: dict[str, Any] = {}
    for name, text in map(name_and_text, pairs):
        if name in changes:
            raise click.BadParameter(f"{name} is given twice")
        kind = _kind(name)
        try:
            changes[name] = read(name, kind, text)
        except ValueError as exc:
            raise Invalid(str(exc)) from exc
    return changes


def _kind(name: str) -> Kind:
    if name.startswith(_ONE_WEIGHT) and name != _ONE_WEIGHT:
        return NUMBER
    if name not in SETTINGS:
        allowed = ", ".join([*SETTINGS, f"{_ONE_WEIGHT}FEATURE"])
        raise Invalid(f"there is no setting {name!r}{closest(name, SETTINGS)}; there are {allowed}")
    return SETTINGS[name]


@click.command("set")
@strategy_argument
@click.argument(
    "changes",
    nargs=-1,
    required=True,
    metavar="NAME=VALUE…",
    callback=_changes,
    shell_complete=_complete,
)
@asks_api
def change(session: Session, strategy: str, changes: Mapping[str, Any]) -> None:
    """Change a strategy's settings.

    What is not named stays as it is; `autoretrain show` lists the settings with their values.
    STRATEGY is an id or a name.
    feature_weights.FEATURE=WEIGHT changes one weight and keeps the others.

    \b
    Examples:
      autoretrain set "Mean Reversion BTC" activation_mode=approve new_trades_threshold=80
      autoretrain set mean feature_weights.rsi=1.2
      autoretrain set mean 'feature_weights={}' model_max_age_days=none
    """
    named = find(session.client, strategy)
    merged = _merged(changes, lambda: session.client.strategy(named.id))
    answer = session.client.change_settings(named.id, merged)
    session.tell(answer, partial(_lines, tuple(merged)))


def _merged(changes: Mapping[str, Any], now: Callable[[], Strategy]) -> Mapping[str, Any]:
    """The API takes all feature weights at once: single ones join those that are there."""
    single = {
        name.removeprefix(_ONE_WEIGHT): weight
        for name, weight in changes.items()
        if name.startswith(_ONE_WEIGHT)
    }
    if not single:
        return changes
    others = changes.get(_ALL_WEIGHTS)
    if others is None:
        others = now().settings.feature_weights
    plain = {name: value for name, value in changes.items() if not name.startswith(_ONE_WEIGHT)}
    return {**plain, _ALL_WEIGHTS: {**others, **single}}


def _lines(names: Sequence[str], strategy: Strategy) -> Iterator[str]:
    yield f"{strategy.name}:"
    for name in names:
        yield f"  {name}={in_words(getattr(strategy.settings, name))}"
