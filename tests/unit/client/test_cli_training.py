from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.unit.client.command_line import (
    ALL,
    NAME,
    OF_RUN,
    ONE,
    OTHER,
    Api,
    CommandLine,
    Look,
    page,
    summary,
    whole,
)
from tests.unit.client.scripted import RUN, STRATEGY, answer, refusal, report, retrain, run

TRAIN = "POST /train-strategy"
CHECK = f"POST {ONE}/auto-retrain"
SUCCEEDED = run("succeeded", outcome="better", model_version="v2", activated=True)
GOES_ON = f"not waiting any more; the training goes on. Cancel it with `autoretrain cancel {RUN}`\n"


@pytest.fixture
def _training(api: Api) -> None:
    """A training that ends with a model."""
    api.says(TRAIN, answer(retrain(run("queued", phase=None)), 202))
    api.says(
        f"GET {OF_RUN}",
        answer(run("queued", phase=None)),
        answer(run("starting", phase=None)),
        answer(run("running", phase="loading", round=0, rounds=0)),
        answer(run("running", round=15)),
        answer(run("running", round=45)),
        answer(SUCCEEDED),
    )
    api.says(f"GET {ONE}/models/v2", answer(report()))


def test_check_says_no_and_why(api: Api, autoretrain: CommandLine) -> None:
    api.says(CHECK, answer(retrain(None, should_retrain=False, reason="12 of 50 new trades")))
    done = autoretrain("check", "mean")
    assert done == (0, "no: 12 of 50 new trades\n", "")
    assert api.body(CHECK) == {"force": False}


def test_check_says_why_it_trains_and_how_to_follow_it(api: Api, autoretrain: CommandLine) -> None:
    api.says(CHECK, answer(retrain(run("starting")), 202))
    done = autoretrain("check", "mean", "--force")
    assert done.code == 0
    assert done.out == (
        "retrain: 50+ new trades since last training\n"
        f"{NAME}: starting ({RUN})\n"
        "`autoretrain runs mean` shows what comes of it;"
        f" `autoretrain cancel {RUN}` cancels it\n"
    )
    assert api.body(CHECK) == {"force": True}


def test_check_says_why_it_does_not_train_when_it_should(
    api: Api, autoretrain: CommandLine
) -> None:
    why = {"code": "paused", "message": "paused: failed 4 times"}
    api.says(CHECK, answer(retrain(None, not_started=why)))
    done = autoretrain("check", "mean")
    assert done.code == 1
    assert done.out.endswith("\nnot started: paused: failed 4 times\n")


def test_check_that_a_live_run_answers_is_done(api: Api, autoretrain: CommandLine) -> None:
    why = {"code": "live_run", "message": "a training is already on its way"}
    api.says(CHECK, answer(retrain(run("running"), not_started=why), 202))
    assert autoretrain("check", "mean").code == 0


def test_train_sends_what_holds_for_this_training_only(api: Api, autoretrain: CommandLine) -> None:
    api.says(TRAIN, answer(retrain(run("queued", phase=None)), 202))
    weights = ["--feature-weight", "rsi=1.2", "--feature-weight", "atr=0"]

    done = autoretrain("train", "mean", "--min-trades", "80", *weights)

    assert done.code == 0
    assert done.out.startswith(f"{NAME}: queued ({RUN})\n")
    assert api.body(TRAIN) == {
        "strategy_id": STRATEGY,
        "min_trades": 80,
        "feature_weights": {"rsi": 1.2, "atr": 0},
    }


@pytest.mark.parametrize("weight", ["rsi", "=1", "rsi=much", "rsi=nan", "rsi="])
def test_weight_that_is_none_is_a_wrong_command_line(
    weight: str, api: Api, autoretrain: CommandLine
) -> None:
    done = autoretrain("train", "mean", "--feature-weight", weight)
    assert done.code == 2
    assert "NAME=VALUE" in done.err or "rsi: must be a number" in done.err
    assert api.said() == []


def test_train_that_starts_nothing_exits_with_1(api: Api, autoretrain: CommandLine) -> None:
    why = {"code": "strategy_gone", "message": "the strategy is not in the books any more"}
    api.says(TRAIN, answer(retrain(None, not_started=why)))
    done = autoretrain("train", "mean")
    assert done == (1, "not started: the strategy is not in the books any more\n", "")


def test_train_says_that_it_is_about_another_run_when_one_is_live(
    api: Api, autoretrain: CommandLine
) -> None:
    why = {"code": "live_run", "message": "a training is already on its way"}
    api.says(TRAIN, answer(retrain(run("running"), not_started=why), 202))
    done = autoretrain("train", "mean")
    assert done.code == 0
    assert "note: a training was on its way already, and this is about that one\n" in done.out


@pytest.mark.usefixtures("_training")
def test_waiting_tells_each_phase_in_a_line_when_nobody_looks(autoretrain: CommandLine) -> None:
    done = autoretrain("train", "mean", "--wait")
    assert done.err.splitlines() == [
        f"{NAME}: {phase}" for phase in ("queued", "starting", "loading", "fitting", "succeeded")
    ]
    assert done.out == ("v2 is live: accuracy 0.68 (+0.03); log-loss 0.508 → 0.460 on 57 trades\n")
    assert done.code == 0


@pytest.mark.usefixtures("_training")
def test_waiting_shows_phase_and_rounds_in_one_line_of_a_terminal(
    autoretrain: CommandLine, look: Look
) -> None:
    terminal = look("stderr", 80)
    assert autoretrain("train", "mean", "--wait").code == 0

    shown = terminal.getvalue()
    assert "\n" not in shown
    assert shown.endswith("\r\x1b[K")  # and nothing of it stays
    drawn = re.sub(r"  \d+:\d\d", "  TIME", shown).split("\r\x1b[K")
    assert f"{NAME}: starting  TIME" in drawn
    assert f"{NAME}: loading  TIME" in drawn
    assert f"{NAME}: fitting 15/60  [######------------------]  TIME" in drawn
    assert f"{NAME}: fitting 45/60  [##################------]  TIME" in drawn


@pytest.mark.usefixtures("_training")
def test_progress_stays_on_its_line_and_obeys_no_name(
    api: Api, autoretrain: CommandLine, look: Look
) -> None:
    terminal = look("stderr", 20)
    api.says(f"GET {ALL}", page(summary("\x1b[2Jmean " * 9)))
    autoretrain("train", "mean", "--wait")
    drawn = terminal.getvalue().split("\r\x1b[K")
    assert all(len(line) < 20 for line in drawn)
    assert not any("\x1b" in line for line in drawn)


@pytest.mark.usefixtures("_training")
def test_json_is_the_only_thing_on_stdout_when_waiting(autoretrain: CommandLine) -> None:
    done = autoretrain("train", "mean", "--wait", "--json")
    assert done.json["retrained"] is True
    assert done.json["model"]["version"] == "v2"
    assert done.json["training_run"]["queued_at"] == "2026-11-16T10:00:00Z"


@pytest.mark.parametrize(
    ("ended", "code", "told"),
    [
        (
            run("failed", error={"code": "leak", "message": "feature pnl knows the outcome"}),
            1,
            "failed: feature pnl knows the outcome (leak)\n",
        ),
        (run("cancelled", line="cancelled by hand"), 1, "cancelled: cancelled by hand\n"),
        (
            run("succeeded", outcome="insufficient_data", line="8 wins of 10"),
            1,
            "not trained: 8 wins of 10\n",
        ),
        (run("succeeded", outcome="nothing_new"), 1, "not trained: nothing new\n"),
    ],
)
def test_exit_code_of_waiting_is_how_the_training_ended(
    ended: dict[str, Any], code: int, told: str, api: Api, autoretrain: CommandLine
) -> None:
    api.says(TRAIN, answer(retrain(run("queued")), 202))
    api.says(f"GET {OF_RUN}", answer(ended))
    done = autoretrain("train", "mean", "--wait")
    assert (done.code, done.out) == (code, told)


def test_model_that_is_not_put_live_is_a_good_end(api: Api, autoretrain: CommandLine) -> None:
    api.says(TRAIN, answer(retrain(run("queued")), 202))
    api.says(f"GET {OF_RUN}", answer(SUCCEEDED | {"activated": False}))
    api.says(f"GET {ONE}/models/v2", answer(report() | {"below_base_rate": True}))
    done = autoretrain("train", "mean", "--wait")
    assert done.code == 0
    assert done.out.startswith("v2 is stored, and not live: accuracy 0.68")
    assert done.out.endswith("; not better than the base rate\n")


@pytest.mark.usefixtures("_training")
def test_interrupted_waiting_says_that_the_training_goes_on(
    api: Api, autoretrain: CommandLine
) -> None:
    def interrupt(_: httpx.Request) -> None:
        if api.said().count(f"GET {OF_RUN}") == 3:
            raise KeyboardInterrupt

    api.before = interrupt
    done = autoretrain("train", "mean", "--wait")
    assert (done.code, done.out) == (130, "")
    assert GOES_ON in done.err
    assert f"POST {OF_RUN}/cancel" not in api.said()


@pytest.mark.usefixtures("_training")
def test_waiting_that_fails_says_that_the_training_goes_on(
    api: Api, autoretrain: CommandLine
) -> None:
    api.says(f"GET {OF_RUN}", answer(run("running")), httpx.ConnectError)
    done = autoretrain("train", "mean", "--wait")
    assert (done.code, done.out) == (69, "")
    assert GOES_ON in done.err
    assert "error: https://api.test does not answer" in done.err


def test_refused_training_tells_the_servers_words(api: Api, autoretrain: CommandLine) -> None:
    api.says(TRAIN, refusal(422, "invalid_request", "min_trades: must be from 60 to 1000000"))
    done = autoretrain("train", "mean", "--wait", "--min-trades", "1")
    assert done == (65, "", "error: min_trades: must be from 60 to 1000000\n")


def test_runs_are_listed_newest_first_and_not_endlessly(api: Api, autoretrain: CommandLine) -> None:
    failed = run(
        "failed", manual=False, error={"code": "x", "message": "out of memory"}, rows_used=1234
    )
    live = run("running", reason="trained by hand")
    ended = {**SUCCEEDED, "training_seconds": 3.14, "line": "better"}
    api.says(f"GET {ONE}/training-runs", page(live, ended, failed, *[failed] * 40))

    done = autoretrain("runs", "mean", "--limit", "3")

    header, *rows = [re.split("  +", line) for line in done.out.splitlines()]
    assert header == ["ASKED FOR", "ID", "STATUS", "MODEL", "TRADES", "SECONDS"]
    due = "50+ new trades since last training"
    assert [row[1:] for row in rows] == [
        [RUN, "fitting 10/60", "–", "–", "–"],
        ["trained by hand"],
        [RUN, "succeeded", "v2, went live", "–", "3.1"],
        [f"{due}: better"],
        [RUN, "failed", "–", "1,234", "–"],
        [f"{due}: out of memory"],
    ]


@pytest.mark.parametrize("columns", [52, 80, 120])
def test_neither_id_nor_error_of_a_run_is_cut(
    columns: int, api: Api, autoretrain: CommandLine, look: Look
) -> None:
    message = "the store cannot be read: " + "long " * 60 + "end"
    api.says(
        f"GET {ONE}/training-runs", page(run("failed", error={"code": "x", "message": message}))
    )
    terminal = look("stdout", columns)
    autoretrain("runs", "mean")
    header, row, told = terminal.getvalue().splitlines()
    assert RUN in row
    assert max(len(header), len(row)) <= columns
    assert told.endswith(message)


ANOTHER = "abcdef12-0000-0000-0000-00000000000b"
NEAR = "abcdef34-0000-0000-0000-00000000000b"


@pytest.mark.parametrize("asked", ["abcdef1", "ABCDEF12-00", ANOTHER])
def test_run_is_shown_whole_by_what_tells_it_from_others(
    asked: str, api: Api, autoretrain: CommandLine
) -> None:
    meant = run("failed", id=ANOTHER, error={"code": "x", "message": "out of memory"})
    api.says(f"GET {ONE}/training-runs", page(run(), run(id=NEAR), meant))
    api.says(f"GET /training-runs/{ANOTHER}", answer(meant))

    done = autoretrain("runs", "mean", asked)

    assert done.code == 0
    shown = set(re.findall("^ +(.*?)  +(.*)$", done.out, re.MULTILINE))
    assert shown >= {
        ("id", ANOTHER),
        ("queued_at", "2026-11-16 10:00 UTC"),
        ("error", "out of memory (x)"),
        ("feature_weights rsi", "2"),
        ("model_version", "–"),
    }
    assert autoretrain("runs", "mean", asked, "--json").json["id"] == ANOTHER


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        ("abcdef", 65, f"say more of the id\n  {ANOTHER}\n  {NEAR}\n"),
        ("abcde", 65, "6 or more characters"),
        ("no-run", 65, "6 or more characters"),
        ("123456", 66, "no run begins with '123456': `autoretrain runs mean` lists them"),
    ],
)
def test_run_that_is_not_found_by_its_beginning_is_told(
    asked: str, code: int, told: str, api: Api, autoretrain: CommandLine
) -> None:
    api.says(f"GET {ONE}/training-runs", page(run(id=ANOTHER), run(id=NEAR)))
    done = autoretrain("runs", "mean", asked)
    assert (done.code, done.out) == (code, "")
    assert told in done.err


def live(run_id: str, **changes: Any) -> dict[str, Any]:
    """A strategy's line, with a live run."""
    doing = {"id": run_id, "status": "queued", "phase": None, "round": None, "rounds": None}
    return summary(live_run=doing, **changes)


def test_live_run_is_cancelled_by_the_beginning_of_its_id(
    api: Api, autoretrain: CommandLine
) -> None:
    api.says(f"GET {ALL}", page(summary(), live(ANOTHER), live(NEAR)))
    api.says(f"POST /training-runs/{ANOTHER}/cancel", answer(run("cancelled", id=ANOTHER)))
    assert autoretrain("cancel", "abcdef1") == (0, f"{ANOTHER}: cancelled at once\n", "")

    ambiguous = autoretrain("cancel", "abcdef")
    assert (ambiguous.code, ambiguous.out) == (65, "")
    assert autoretrain("cancel", "123456") == (
        66,
        "",
        "error: no live run begins with '123456', and no strategy's name holds it\n",
    )


def test_strategy_whose_name_could_begin_an_id_is_meant_where_no_run_does(
    api: Api, autoretrain: CommandLine
) -> None:
    api.says(f"GET {ALL}", page(summary("decade")))
    api.says(f"GET {ONE}", answer(whole(live_run=run())))
    api.says(f"POST {OF_RUN}/cancel", answer(run("cancelled")))
    assert autoretrain("cancel", "decade").code == 0


def test_runs_ask_for_no_more_than_they_show(api: Api, autoretrain: CommandLine) -> None:
    more = answer({"items": [run()] * 3, "next": "more"})
    api.says(f"GET {ONE}/training-runs", more, page())
    autoretrain("runs", "mean", "--limit", "3")
    [asked] = [each.url.params for each in api.requests if "training-runs" in each.url.path]
    assert dict(asked) == {"limit": "3"}


def test_runs_say_so_when_there_are_none(api: Api, autoretrain: CommandLine) -> None:
    api.says(f"GET {ONE}/training-runs", page())
    assert autoretrain("runs", "mean").out == "no trainings yet\n"


def test_run_is_cancelled_by_its_id(api: Api, autoretrain: CommandLine) -> None:
    api.says(f"POST {OF_RUN}/cancel", answer(run("cancelled")))
    done = autoretrain("cancel", RUN)
    assert done == (0, f"{RUN}: cancelled at once\n", "")


@pytest.mark.parametrize("asked", ["mean", STRATEGY])
def test_live_run_is_cancelled_by_its_strategy(
    asked: str, api: Api, autoretrain: CommandLine
) -> None:
    api.says(f"GET {ONE}", answer(whole(live_run=run("running"))))
    cancelled = run("cancelled", running_at="2026-11-16T10:00:00Z")
    api.says(f"POST /training-runs/{STRATEGY}/cancel", refusal(404, "unknown_run"))
    api.says(f"POST {OF_RUN}/cancel", answer(cancelled))
    done = autoretrain("cancel", asked)
    assert done.code == 0
    assert done.out == f"{RUN}: cancelled; its trainer stops at its next heartbeat\n"


def test_nothing_to_cancel_is_told(autoretrain: CommandLine) -> None:
    done = autoretrain("cancel", "mean")
    assert done == (73, "", f"error: {NAME} has no live run: there is nothing to cancel\n")


def test_id_of_neither_run_nor_strategy_is_not_found(api: Api, autoretrain: CommandLine) -> None:
    api.says(f"POST /training-runs/{OTHER}/cancel", refusal(404, "unknown_run", "no such run"))
    told = refusal(404, "unknown_strategy", "there is no such strategy")
    api.says(f"GET {ALL}/{OTHER}", told)
    assert autoretrain("cancel", OTHER) == (66, "", "error: no such run or strategy\n")
