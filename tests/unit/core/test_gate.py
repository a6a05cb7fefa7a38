from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoretrain.domain.gate import (
    BASE_RATE,
    ActivationMode,
    Comparison,
    Evidence,
    Outcome,
    Rules,
    Score,
    TooFewRows,
    judge,
)

START, END = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
ORDINARY = Score(0.655, 0.60, 0.62, 0.23, 0.1, 30)
BASE = Score(0.69, 0.50, None, 0.25, None, 0)


def compared(challenger: float, z: float, rival: str = "v1") -> Comparison:
    scored = replace(ORDINARY, log_loss=challenger)
    return Comparison(rival, 55, scored, ORDINARY, BASE, z, START, END)


EVIDENCE: dict[str, Evidence] = {
    "better": compared(0.629, 2.05),
    "equal": compared(0.655, 0.0),
    "slightly worse": compared(0.660, -1.645),
    "significantly worse": compared(0.700, -1.646),
    "too few rows": TooFewRows("v1", 12),
}
OUTCOMES = [Outcome.BETTER, *[Outcome.NOT_BETTER] * 3, Outcome.NOT_ENOUGH_EVIDENCE]

# One letter per evidence, in its order: goes Live, Waits for approval, - is kept out.
TABLE = {
    ("if_better", "hourly", "fresh"): "L----",
    ("if_better", "hourly", "stale"): "L----",
    ("if_better", "manual", "fresh"): "LLL-L",
    ("if_better", "manual", "stale"): "LLL-L",
    ("if_not_worse", "hourly", "fresh"): "L----",
    ("if_not_worse", "hourly", "stale"): "LLL--",
    ("if_not_worse", "manual", "fresh"): "LLL-L",
    ("if_not_worse", "manual", "stale"): "LLL-L",
    ("approve", "hourly", "fresh"): "W----",
    ("approve", "hourly", "stale"): "W----",
    ("approve", "manual", "fresh"): "LLL-L",
    ("approve", "manual", "stale"): "LLL-L",
    ("always", "hourly", "fresh"): "LLLLL",
    ("always", "hourly", "stale"): "LLLLL",
    ("always", "manual", "fresh"): "LLLLL",
    ("always", "manual", "stale"): "LLLLL",
}
# A first model has the base rate to beat, whoever asked for it, and no champion to be stale.
FIRST_MODEL_TABLE = {
    ("if_better", "hourly", "fresh"): "L---",
    ("if_better", "manual", "fresh"): "L---",
    ("if_not_worse", "hourly", "fresh"): "L---",
    ("if_not_worse", "manual", "fresh"): "L---",
    ("approve", "hourly", "fresh"): "W---",
    ("approve", "manual", "fresh"): "L---",
    ("always", "hourly", "fresh"): "LLLL",
    ("always", "manual", "fresh"): "LLLL",
}


def rules_of(mode: str, asked: str, age: str) -> Rules:
    return Rules(ActivationMode(mode), manual=asked == "manual", champion_is_stale=age == "stale")


def cells(table: dict[tuple[str, str, str], str]) -> list[Any]:
    return [
        pytest.param(rules_of(*asked), case, letter, id=f"{' '.join(asked)}: {case}")
        for asked, letters in table.items()
        for case, letter in zip(EVIDENCE, letters, strict=False)
    ]


def letter_of(evidence: Evidence, rules: Rules) -> str:
    verdict = judge(evidence, rules)
    assert not (verdict.activate and verdict.awaiting_approval)
    return "L" if verdict.activate else "W" if verdict.awaiting_approval else "-"


def test_table_covers_every_mode_asker_and_age() -> None:
    assert set(TABLE) == set(product(ActivationMode, ["hourly", "manual"], ["fresh", "stale"]))
    assert set(FIRST_MODEL_TABLE) == set(product(ActivationMode, ["hourly", "manual"], ["fresh"]))


@pytest.mark.parametrize(("rules", "case", "letter"), cells(TABLE))
def test_gate_follows_the_table_against_a_champion(rules: Rules, case: str, letter: str) -> None:
    assert letter_of(EVIDENCE[case], rules) == letter


@pytest.mark.parametrize(("rules", "case", "letter"), cells(FIRST_MODEL_TABLE))
def test_gate_follows_the_table_for_a_first_model(rules: Rules, case: str, letter: str) -> None:
    evidence = EVIDENCE[case]
    assert isinstance(evidence, Comparison)
    assert letter_of(replace(evidence, rival=BASE_RATE), rules) == letter


@pytest.mark.parametrize(("rules", "case", "letter"), cells(TABLE))
def test_pin_keeps_everything_out_and_says_so(rules: Rules, case: str, letter: str) -> None:
    pinned = replace(rules, pinned_version="v3", pinned_since=START)
    assert letter_of(EVIDENCE[case], pinned) == "-"
    verdict = judge(EVIDENCE[case], pinned)
    assert verdict.outcome == judge(EVIDENCE[case], rules).outcome
    assert verdict.line.endswith("; pinned by hand to v3 since 2026-02-01")


@pytest.mark.parametrize("mode", list(ActivationMode))
@pytest.mark.parametrize(("case", "outcome"), list(zip(EVIDENCE, OUTCOMES, strict=True)))
def test_outcome_names_what_was_found_in_every_mode(
    mode: ActivationMode, case: str, outcome: Outcome
) -> None:
    verdict = judge(EVIDENCE[case], Rules(mode))
    if mode is ActivationMode.ALWAYS and outcome is Outcome.NOT_ENOUGH_EVIDENCE:
        outcome = Outcome.NOT_JUDGED  # not enough evidence means that the champion stays
    assert verdict.outcome is outcome


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (Rules(ActivationMode.ALWAYS), "activated because activation_mode is always"),
        (Rules(manual=True), "activated because a person asked for it"),
        (
            Rules(ActivationMode.IF_NOT_WORSE, champion_is_stale=True),
            "activated because the champion is old or degraded, this one not significantly worse",
        ),
    ],
)
def test_line_says_which_rule_activates_what_was_not_found_better(rules: Rules, why: str) -> None:
    assert judge(EVIDENCE["slightly worse"], rules).line.endswith(f"; {why}")


def test_outcome_is_not_judged_when_a_person_asked_and_rows_are_too_few() -> None:
    assert judge(TooFewRows("v1", 19), Rules(manual=True)).outcome is Outcome.NOT_JUDGED


@pytest.mark.parametrize(
    ("evidence", "line"),
    [
        pytest.param(
            EVIDENCE["better"],
            "log-loss 0.655 → 0.629 on 55 trades, P(better) 0.98",
            id="against a champion",
        ),
        pytest.param(
            compared(0.629, 2.05, BASE_RATE),
            "log-loss 0.655 (base rate) → 0.629 on 55 trades, P(better) 0.98",
            id="first model",
        ),
        pytest.param(
            EVIDENCE["too few rows"],
            "12 of 20 trades that neither model has seen",
            id="too few rows",
        ),
    ],
)
def test_line_says_what_decided(evidence: Evidence, line: str) -> None:
    assert judge(evidence, Rules()).line == line


@pytest.mark.parametrize(
    ("challenger", "below"),
    [
        pytest.param(0.68, False, id="beats it"),
        pytest.param(0.69, True, id="equals it"),
        pytest.param(0.70, True, id="loses to it"),
    ],
)
def test_challenger_is_flagged_when_it_does_not_beat_the_base_rate(
    challenger: float, below: bool
) -> None:
    worse_champion = replace(ORDINARY, log_loss=0.75)
    evidence = replace(compared(challenger, 3.0), champion=worse_champion)
    verdict = judge(evidence, Rules())
    assert verdict.activate
    assert verdict.below_base_rate is below


def test_too_few_rows_flag_nothing() -> None:
    assert not judge(EVIDENCE["too few rows"], Rules()).below_base_rate


@pytest.mark.parametrize("figure", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("side", ["challenger", "champion", "base_rate"])
@pytest.mark.parametrize("name", [one.name for one in fields(Score)])
def test_comparison_is_not_finite_when_one_figure_is_no_number(
    figure: float, side: str, name: str
) -> None:
    evidence = compared(0.629, 2.05)
    broken = replace(getattr(evidence, side), **{name: figure})
    assert evidence.is_finite()
    assert not replace(evidence, **{side: broken}).is_finite()
    assert not replace(evidence, z=figure).is_finite()


@pytest.mark.parametrize("mode", ["if_better", "if_not_worse", "approve"])
@pytest.mark.parametrize("manual", [False, True])
def test_gate_keeps_out_what_has_no_number_to_its_name(mode: str, manual: bool) -> None:
    nan = float("nan")
    rules = Rules(ActivationMode(mode), manual=manual, champion_is_stale=True)
    assert letter_of(compared(nan, nan), rules) == "-"


@pytest.mark.parametrize("evidence", list(EVIDENCE.values()), ids=list(EVIDENCE))
def test_verdict_is_stored_as_strict_json_with_its_figures(evidence: Evidence) -> None:
    verdict = judge(evidence, Rules())
    stored = json.loads(json.dumps(verdict.to_json(), allow_nan=False))
    assert stored["outcome"] == verdict.outcome
    assert stored["activate"] == verdict.activate
    assert stored["line"] == verdict.line
    assert stored["rival"] == "v1"
    assert stored["judged_rows"] == evidence.rows


def test_verdict_stores_all_scores_when_there_was_a_comparison() -> None:
    stored = judge(compared(0.629, 2.05), Rules()).to_json()
    assert stored["p_better"] == pytest.approx(0.98, abs=0.001)
    assert stored["log_loss_improvement"] == pytest.approx(0.026)
    assert stored["judged_until"] == "2026-03-01T00:00:00+00:00"
    assert stored["base_rate"] == {
        "log_loss": 0.69,
        "accuracy": 0.50,
        "roc_auc": None,
        "brier": 0.25,
        "pnl_pct": None,
        "taken": 0,
    }


def test_verdict_stores_what_was_needed_when_rows_are_too_few() -> None:
    stored = judge(EVIDENCE["too few rows"], Rules()).to_json()
    assert (stored["judged_rows"], stored["needed_rows"]) == (12, 20)


@given(
    st.floats(0, 5),
    st.floats(-50, 50),
    st.sampled_from(ActivationMode),
    st.booleans(),
    st.booleans(),
)
def test_better_challenger_is_never_kept_out_where_a_worse_one_goes_live(
    log_loss: float, z: float, mode: ActivationMode, manual: bool, stale: bool
) -> None:
    rules = Rules(mode, manual, stale)
    if judge(compared(log_loss, z), rules).activate:
        better = compared(min(log_loss, 0.654), abs(z))
        assert judge(better, rules).activate
