"""A bot tells each trade's win probability from `rsi`, as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from autoretrain_trainer.filtering import Filtering, filtering
from autoretrain_trainer.fit import Course
from tests.unit.trainer.lessons import unheard
from tests.unit.trainer.trade_stream import Trade, loaded, market

BEFORE = 200


def told(trade: Trade) -> Trade:
    return replace(trade, win_probability=1 / (1 + math.exp(-2 * trade.features["rsi"])))


def lived(trades: int = 400, threshold: float = 0.0, keeps: bool = False) -> list[Trade]:
    """200 trades without a model, then those that a bot with that threshold takes."""
    later = [told(trade) for trade in market(trades, seed=2, first=BEFORE)]
    left_out = [replace(t, executed=0.0) for t in later if t.win_probability < threshold]
    taken = [trade for trade in later if trade.win_probability >= threshold]
    return [*market(BEFORE), *taken, *(left_out if keeps else [])]


def found(trades: Sequence[Trade]) -> Filtering:
    rows = loaded(trades)
    return filtering(rows, Course.of(rows, {}).fit(rows, unheard))


def test_filter_is_found_when_what_the_bot_left_out_is_not_stored() -> None:
    filtered = found(lived(threshold=0.5))
    assert filtered.found
    assert filtered.edge == pytest.approx(0.53, abs=0.03)
    assert filtered.below is not None
    assert filtered.below > 0.4
    assert "earlier models have chosen" in filtered.line
    assert "0 of them not taken" in filtered.line
    assert f"{filtered.below:.0%} of the 200 trades before them" in filtered.line


def test_filter_is_not_found_when_the_bot_takes_everything() -> None:
    filtered = found(lived())
    assert not filtered.found
    assert filtered.line.startswith("no sign of it")


def test_filter_does_no_harm_when_what_it_left_out_is_stored() -> None:
    filtered = found(lived(threshold=0.5, keeps=True))
    assert not filtered.found
    assert filtered.left_out > 100
    assert f"{filtered.left_out} were not taken" in filtered.line


# what is missing: probabilities at all; some more; trades before there were any
@pytest.mark.parametrize(
    ("trades", "line"),
    [
        (market(200), "not enough evidence: 0 of 30 trades carry a model's win"),
        (lived(29), "not enough evidence: 29 of 30 trades carry a model's win"),
        (lived()[BEFORE - 29 :], "only 29 of 30 trades that could show what was left out"),
        ([replace(t, win_probability=7.0) for t in market(200)], "0 of 30 trades"),
    ],
)
def test_too_little_is_said_to_be_not_enough(trades: list[Trade], line: str) -> None:
    filtered = found(trades)
    assert not filtered.found
    assert "not enough evidence" in filtered.line
    assert line in filtered.line
