from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoretrain.domain.gate import ActivationMode
from autoretrain.domain.models import Memory
from autoretrain.errors import Invalid
from bench.gate import CHALLENGERS, Past, pair, scopes, shares, trades_of
from bench.product import elections
from tests.unit.local.replay_logs import log_of, market


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    return Past(trades_of(log_of(market(600), tmp_path_factory.mktemp("log"))), [])


def test_pair_is_judged_on_the_next_trades_and_learns_what_had_closed_before(past: Past) -> None:
    both = pair(past, 400, 50, np.random.default_rng(1))

    assert both.judged.decided_at.tolist() == past.trades.decided_at[400:450].tolist()
    known = past.trades.closed_at < past.trades.decided_at[400]
    assert both.base_rate == (past.trades.win[known].sum() + 1) / (known.sum() + 2)


def test_pair_knows_nothing_of_the_outcomes_that_judge_it(past: Past) -> None:
    moment = past.trades.decided_at[400]
    later = past.trades.closed_at >= moment
    past.trades.win[later] ^= True
    flipped = pair(past, 400, 50, np.random.default_rng(1))
    past.trades.win[later] ^= True
    both = pair(past, 400, 50, np.random.default_rng(1))

    np.testing.assert_array_equal(flipped.champion, both.champion)
    for name in CHALLENGERS:
        np.testing.assert_array_equal(flipped.challengers[name], both.challengers[name])


def test_challengers_are_four_others_than_the_champion(past: Past) -> None:
    both = pair(past, 400, 50, np.random.default_rng(1))
    told = [both.champion, *both.challengers.values()]

    assert list(both.challengers) == list(CHALLENGERS)
    assert len({values.tobytes() for values in told}) == 5
    np.testing.assert_array_equal(both.challengers["d"], 1 - both.champion)


def test_gate_tells_an_inverted_champion_and_lets_always_pass_all(past: Past) -> None:
    found = shares(past, 50, 12, np.random.default_rng(1))

    assert found["d"][ActivationMode.IF_BETTER] == 0
    assert found["a"][ActivationMode.IF_BETTER] == found["a"][ActivationMode.APPROVE]
    for live in found.values():
        assert live[ActivationMode.ALWAYS] == 1
        assert live[ActivationMode.IF_NOT_WORSE] >= live[ActivationMode.IF_BETTER]


def test_memory_is_the_one_that_stood_last_before_the_moment(past: Past) -> None:
    elected = Past(past.trades, [(10, Memory.SHORT), (20, Memory.LONG), (30, Memory.SHORT)])

    assert [elected.memory(moment) for moment in (9, 10, 25, 99)] == [
        Memory.LONG,
        Memory.SHORT,
        Memory.LONG,
        Memory.SHORT,
    ]


def test_too_few_trades_are_refused(past: Past) -> None:
    with pytest.raises(Invalid, match="too few"):
        shares(past, 500, 1, np.random.default_rng(1))


def test_folder_without_a_planted_flip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="known probabilities"):
        next(scopes(tmp_path))


def test_elections_are_those_of_the_replay(tmp_path: Path) -> None:
    stood = elections(log_of(market(300), tmp_path))

    assert stood
    assert [cutoff for cutoff, _ in stood] == sorted(cutoff for cutoff, _ in stood)
    assert {memory for _, memory in stood} == {Memory.LONG}
