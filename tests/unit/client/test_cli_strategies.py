from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.client.command_line import (
    ALL,
    NAME,
    ONE,
    OTHER,
    Api,
    CommandLine,
    Look,
    page,
    summary,
    whole,
)
from tests.unit.client.scripted import RUN, STRATEGY, answer, model, refusal, run

HOSTILE = "\x1b]0;gone\x07\x1b[2Jsafe\r\n\u202e<script>=cmd\x9b31m"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def test_strategies_are_listed_with_what_came_of_them_last(
    api: Api, autoretrain: CommandLine
) -> None:
    decided = {"decided_at": "2020-01-01T00:00:00Z", "outcome": "x", "reason": "y"}
    training = {"id": RUN, "status": "running", "phase": "fitting", "round": 12, "rounds": 60}
    api.says(
        f"GET {ALL}",
        page(
            summary(
                pinned_version="v2",
                last_decision={**decided, "should_retrain": True},
                live_run=training,
            ),
            summary("Breakout", OTHER, ml_model_version=None, accuracy=None, paused_reason="3 ×"),
            summary("Idle", ml_training_enabled=False, waiting_version="v3"),
            summary("Broken", failures=1, next_eligible_at="2100-01-01T00:00:00Z"),
        ),
    )

    done = autoretrain("strategies", "--search", "e", "--sort", "-trained_at")

    header, first, second, third, fourth = done.out.splitlines()
    assert re.split("  +", header) == [
        *("NAME", "MODEL", "ACCURACY", "TRAINED", "LAST DECISION", "LIVE RUN", "ID"),
    ]
    ages = re.compile(r"\d+ d ago")
    assert re.split("  +", ages.sub("AGO", first)) == [
        *(NAME, "v2, pinned", "0.68", "AGO", "AGO: retrain", "fitting 12/60", STRATEGY),
    ]
    assert re.split("  +", ages.sub("AGO", second)) == [
        *("Breakout", "–", "–", "AGO", "–", "paused", OTHER),
    ]
    assert "v2, v3 waits" in third
    assert "switched off" in third
    assert re.search(r"failed, next in \d+ d", fourth)
    assert dict(api.requests[0].url.params) == {
        "search": "e",
        "sort": "-trained_at",
        "limit": "200",
    }


def test_empty_list_says_so(api: Api, autoretrain: CommandLine) -> None:
    api.says(f"GET {ALL}", page())
    told = "no strategies yet: `autoretrain import-trades FILE --strategy NAME` adds one"
    assert autoretrain("strategies").out.startswith(told)
    assert autoretrain("strategies", "--search", "x").out == "no strategy's name holds 'x'\n"


@pytest.mark.parametrize("columns", [60, 90, 120])
def test_table_is_no_wider_than_the_terminal(
    columns: int, api: Api, autoretrain: CommandLine, look: Look
) -> None:
    api.says(f"GET {ALL}", page(summary("戦略" * 60), summary("long " * 40, OTHER)))
    terminal = look("stdout", columns)

    autoretrain("strategies")

    lines = terminal.getvalue().splitlines()
    assert len(lines) == 3
    assert "…" in lines[1]
    assert all(len(line) + sum(each in "戦略" for each in line) <= columns for line in lines)
    if columns >= 120:
        assert lines[1].endswith(STRATEGY)  # what is copied gives way last


def test_table_is_whole_when_nobody_looks(api: Api, autoretrain: CommandLine) -> None:
    api.says(f"GET {ALL}", page(summary("long " * 40 + "end")))
    assert "long end  v2" in autoretrain("strategies").out


@pytest.mark.parametrize(
    "command", [("strategies",), ("show", STRATEGY), ("resume", STRATEGY), ("unpin", STRATEGY)]
)
def test_name_that_others_have_written_does_nothing_to_the_terminal(
    command: tuple[str, ...], api: Api, autoretrain: CommandLine, look: Look
) -> None:
    strategy = answer(whole(name=HOSTILE, paused_reason=HOSTILE, waiting=model(line=HOSTILE)))
    api.says(f"GET {ALL}", page(summary(HOSTILE)))
    for route in (f"GET {ONE}", f"POST {ONE}/resume", f"POST {ONE}/unpin"):
        api.says(route, strategy)
    api.says(f"GET {ONE}/training-runs", page(run("failed", line=HOSTILE, reason=HOSTILE)))
    terminal = look("stdout", 200)

    assert autoretrain(*command).code == 0

    shown = terminal.getvalue()
    assert "safe" in shown
    assert re.search("safe.+<script>=cmd", shown)  # still on one line
    assert not OBEYED.search(shown)


def test_name_in_an_error_does_nothing_to_the_terminal(api: Api, autoretrain: CommandLine) -> None:
    api.says(f"GET {ALL}", page(summary(f"a {HOSTILE}"), summary(f"b {HOSTILE}", OTHER)))
    done = autoretrain("show", "safe")
    assert done.code == 65
    assert not OBEYED.search(done.err)


def test_show_tells_all_that_a_person_asks_for(api: Api, autoretrain: CommandLine) -> None:
    api.says(
        f"GET {ONE}",
        answer(
            whole(
                waiting=model("v3"),
                pin={"version": "v2", "since": "2020-01-01T00:00:00Z", "by": OTHER},
                paused_reason="failed 4 times: trainer_error",
                failures=4,
                live_run=run("running"),
            )
        ),
    )

    api.says(f"GET {ONE}/training-runs", page())
    done = autoretrain("show", "mean")

    for told in (
        f"{NAME} ({STRATEGY})",
        "paused: failed 4 times: trainer_error; `autoretrain resume mean` takes it up again",
        "v2, accuracy 0.68 (+0.03), ROC-AUC –, log-loss 0.460 on 57 trades; fitted on 800,",
        f"by {OTHER}; `autoretrain unpin mean` lets the gate decide",
        "v3, log-loss 0.508 → 0.460 on 57 trades; `autoretrain activate mean v3` approves it",
        "fitting 10/60, asked for",
        "50+ new trades since last training",
        "✓ new trades: 54 of 50",
        "activation_mode             if_better",
        "max_age_days                7",
        "model_max_age_days          none",
        'feature_weights             {"rsi": 1.5}',
    ):
        assert told in done.out


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "hourly check   on\n"),
        ({"is_active": False}, "off: the strategy is not active"),
        ({"champion": None, "ml_model_version": None}, "none: bots use the base rate"),
        ({"champion": model(below_base_rate=True)}, "not better than the base rate"),
        ({"failures": 2, "next_eligible_at": "2120-01-01T00:00:00Z"}, "2; the next attempt is in"),
        ({"last_decision": None, "ml_model_trained_at": None}, "last decision  none yet"),
        ({"champion": model(judged_rows=0, accuracy=None)}, "v2, not judged; fitted on 800, "),
        ({"champion": model(judged_rows=None, accuracy=None)}, "v2, not judged; fitted on 800, "),
    ],
)
def test_show_tells_how_a_strategy_stands(
    changes: dict[str, Any], told: str, api: Api, autoretrain: CommandLine
) -> None:
    api.says(f"GET {ONE}", answer(whole(**changes)))
    api.says(f"GET {ONE}/training-runs", page())
    assert told in autoretrain("show", STRATEGY).out


def with_limit(days: float | None, **changes: Any) -> dict[str, Any]:
    """The strategy with that `model_max_age_days`."""
    strategy = whole(**changes)
    strategy["settings"]["model_max_age_days"] = days
    return strategy


@pytest.mark.parametrize(("days", "expired"), [(None, False), (0.5, True), (36_500, False)])
def test_expired_champion_is_marked(
    days: float | None, expired: bool, api: Api, autoretrain: CommandLine
) -> None:
    champion = model(created_at="2020-01-01T00:00:00Z")
    api.says(f"GET {ONE}", answer(with_limit(days, champion=champion)))
    told = "; EXPIRED since 2020-01-01 12:00 UTC: bots use the base rate\n"
    assert (told in autoretrain("show", "mean").out) == expired

    api.says(f"GET {ONE}/models", page(champion, {**champion, "is_active": False}))
    listed = autoretrain("models", "mean").out
    assert listed.count("live, EXPIRED") == expired
    assert listed.count("EXPIRED") == expired


@pytest.mark.parametrize("paused", [None, "failed 4 times: trainer_error"])
def test_last_failure_is_shown_with_its_whole_message(
    paused: str | None, api: Api, autoretrain: CommandLine
) -> None:
    message = "the store cannot be read: " + "long " * 60
    ended = {"finished_at": "2020-01-01T00:00:00Z"}
    failed = run("failed", error={"code": "dependency", "message": message}, **ended)
    older = run("failed", error={"code": "older", "message": "older"}, **ended)
    api.says(f"GET {ONE}/training-runs", page(run("cancelled"), failed, older))
    next_one = {"next_eligible_at": "2120-01-01T00:00:00Z"}
    api.says(f"GET {ONE}", answer(whole(failures=4, paused_reason=paused, **next_one)))

    shown = autoretrain("show", "mean").out

    assert f"({RUN}): {message} (dependency)\n" in shown
    assert "older" not in shown
    assert ("next attempt" in shown) == (paused is None)
    assert api.requests[-1].url.params["limit"] == "3"

    api.says(f"GET {ONE}/training-runs", refusal(500, "internal_error"))
    assert autoretrain("show", "mean").out == ""


def test_failures_are_not_asked_for_when_there_are_none(api: Api, autoretrain: CommandLine) -> None:
    autoretrain("show", "mean")
    assert f"GET {ONE}/training-runs" not in api.said()


def test_show_tells_how_to_switch_the_hourly_check_on(api: Api, autoretrain: CommandLine) -> None:
    strategy = whole()
    strategy["settings"]["ml_training_enabled"] = False
    api.says(f"GET {ONE}", answer(strategy))
    told = "off; `autoretrain set 'mean reversion' ml_training_enabled=true` switches it on"
    assert told in autoretrain("show", "mean reversion").out


@pytest.mark.parametrize(
    "asked",
    [
        "Mean Reversion BTC",
        "mean reversion btc",
        "MEAN",  # the only one that begins with it
        "btc",  # the only one that holds it
        STRATEGY,
    ],
)
def test_strategy_is_found_by_what_tells_it_from_others(
    asked: str, api: Api, autoretrain: CommandLine
) -> None:
    api.says(f"GET {ALL}", page(summary(), summary("The Mean One", OTHER)))
    done = autoretrain("show", asked)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{NAME} ({STRATEGY})")


def test_exact_name_comes_before_one_that_only_begins_with_it(
    api: Api, autoretrain: CommandLine
) -> None:
    api.says(f"GET {ALL}", page(summary("btc 2", OTHER), summary("BTC", OTHER), summary("btc")))
    assert autoretrain("show", "btc").code == 0


def test_candidates_are_listed_when_the_name_is_ambiguous(
    api: Api, autoretrain: CommandLine
) -> None:
    many = [summary(f"Mean {number}", OTHER) for number in range(11)]
    api.says(f"GET {ALL}", page(summary(), *many))

    done = autoretrain("show", "mean")

    assert (done.code, done.out) == (65, "")
    assert done.err.startswith("error: 'mean' may mean any of these: say more of the name, or the")
    assert f"  {NAME} ({STRATEGY})\n" in done.err
    assert "  … and 2 more\n" in done.err


def test_strategy_that_is_not_there_is_told_with_where_to_look(
    api: Api, autoretrain: CommandLine
) -> None:
    api.says(f"GET {ALL}", page())
    done = autoretrain("check", "nothing")
    assert (done.code, done.out) == (66, "")
    assert done.err == (
        "error: no strategy's name holds 'nothing': `autoretrain strategies` lists them\n"
    )


def test_resume_takes_a_paused_strategy_up_again(api: Api, autoretrain: CommandLine) -> None:
    api.says(f"POST {ONE}/resume", answer(whole()))
    done = autoretrain("resume", "mean")
    assert done.out == f"{NAME}: not paused; the next hourly check looks at it\n"
    assert api.said()[-1] == f"POST {ONE}/resume"


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ({"failures": 1}, "no longer rests after 1 failure; "),
        ({"failures": 4, "paused_reason": "failed"}, "no longer rests after 4 failures; "),
        ({"next_eligible_at": "2120-01-01T00:00:00Z"}, "no longer rests; "),
        ({"next_eligible_at": "2020-01-01T00:00:00Z"}, ""),
    ],
)
def test_resume_tells_of_the_rest_that_it_ends(
    before: dict[str, Any], told: str, api: Api, autoretrain: CommandLine
) -> None:
    api.says(f"GET {ONE}", answer(whole(**before)))
    api.says(f"POST {ONE}/resume", answer(whole()))
    out = autoretrain("resume", "mean").out
    assert out == f"{NAME}: not paused; {told}the next hourly check looks at it\n"


@pytest.mark.parametrize(
    ("is_active", "enabled", "told"),
    [
        (False, True, "off: the strategy is not active"),
        (False, False, "off: the strategy is not active"),
        (True, False, "off; `autoretrain set mean ml_training_enabled=true` switches it on"),
    ],
)
def test_resume_promises_no_check_that_is_switched_off(
    is_active: bool, enabled: bool, told: str, api: Api, autoretrain: CommandLine
) -> None:
    strategy = whole(is_active=is_active)
    strategy["settings"]["ml_training_enabled"] = enabled
    api.says(f"POST {ONE}/resume", answer(strategy))
    assert autoretrain("resume", "mean").out == f"{NAME}: not paused; the hourly check is {told}\n"
