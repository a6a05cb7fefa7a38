from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.client.command_line import NAME, ONE, Api, CommandLine, page, whole
from tests.unit.client.scripted import RUN, answer, model, refusal, report

ACTIVATE = f"POST {ONE}/models/v3/activate"
REFIT = "fitted anew on all trades it disagreed with what was judged, which is served"
PIN = {"version": "v3", "since": "2026-11-16T10:00:00Z", "by": None}


def test_models_are_listed_with_their_figures(api: Api, autoretrain: CommandLine) -> None:
    waiting = model("v3", is_active=False, awaiting_approval=True, improvement=-0.01)
    kept = model("v1", is_active=False, line=None, accuracy=None, judged_rows=None)
    api.says(f"GET {ONE}/models", page(waiting, model(), kept))

    done = autoretrain("models", "mean")

    rows = [re.split("  +", line) for line in done.out.splitlines()]
    line = "log-loss 0.508 → 0.460 on 57 trades"
    assert [[*row[:2], *row[3:]] for row in rows] == [
        ["VERSION", "STATE", "ACCURACY", "IMPROVEMENT", "ROC-AUC", "JUDGED ON", "VERDICT"],
        ["v3", "waits", "0.68", "-0.01", "–", "57", line],
        ["v2", "live", "0.68", "+0.03", "–", "57", line],
        ["v1", "–", "–", "+0.03", "–", "–", "–"],
    ]


def test_models_say_so_when_there_are_none(api: Api, autoretrain: CommandLine) -> None:
    api.says(f"GET {ONE}/models", page())
    assert autoretrain("models", "mean").out == "no models yet\n"


def test_one_model_is_told_by_what_was_concluded_of_it(api: Api, autoretrain: CommandLine) -> None:
    flagged = {"refit_disagrees": True, "below_base_rate": True}
    api.says(f"GET {ONE}/models/v2", answer(report() | flagged))

    done = autoretrain("models", "mean", "v2")

    assert "store.test" not in done.out  # whoever sees the link has the file
    title, *lines, last = done.out.splitlines()
    assert title == f"{NAME}, v2"
    told = dict(re.split("  +", line.strip(), maxsplit=1) for line in lines)
    assert told.pop("made").startswith("2026-11-16 10:01 UTC, ")
    assert told == {
        "state": "live",
        "verdict": "better: log-loss 0.508 → 0.460 on 57 trades",
        "judged against": "v1",
        "judged on": "57 trades",
        "accuracy": "0.68 (improvement +0.03)",
        "log-loss": "0.460 (improvement +0.048)",
        "ROC-AUC": "–",
        "fitted on": "800 trades, the last closed 2026-11-16 09:00 UTC",
        "run": RUN,
        "sha256": "a" * 64,
        "note": f"not better than the base rate; {REFIT}",
    }
    assert last == "`autoretrain report mean v2` shows how it was judged, --json every figure"


def test_model_that_was_not_judged_is_told_without_figures_of_it(
    api: Api, autoretrain: CommandLine
) -> None:
    unjudged = dict.fromkeys(("outcome", "line", "rival", "judged_rows", "run_id", "data_cutoff"))
    api.says(f"GET {ONE}/models/v1", answer(report("v1") | unjudged | {"is_active": False}))

    told = autoretrain("models", "mean", "v1").out

    assert re.search("^  state +not live$", told, re.MULTILINE)
    assert re.search("^  fitted on +800 trades$", told, re.MULTILINE)
    assert not re.search("^  (verdict|judged|run|note)", told, re.MULTILINE)
    assert "None" not in told


def test_unknown_version_is_not_found(api: Api, autoretrain: CommandLine) -> None:
    api.says(f"GET {ONE}/models/v9", refusal(404, "unknown_version", "there is no such version"))
    told = "error: there is no such version: `autoretrain models mean` lists them\n"
    assert autoretrain("models", "mean", "v9") == (66, "", told)


def test_number_is_that_of_the_version_when_none_is_called_so(
    api: Api, autoretrain: CommandLine
) -> None:
    unknown = refusal(404, "unknown_version", "there is no such version")
    for version in ("3", "9", "v9"):
        api.says(f"POST {ONE}/models/{version}/activate", unknown)
    api.says(ACTIVATE, answer(whole(champion=model("v3"), pin=PIN)))
    api.says(f"GET {ONE}/models/2", unknown)
    api.says(f"GET {ONE}/models/v2", answer(report()))

    assert autoretrain("activate", "mean", "3").out.startswith(f"{NAME}: v3 is live, and pinned")
    assert "version" in autoretrain("models", "mean", "2").out
    assert autoretrain("activate", "mean", "9") == (
        66,
        "",
        "error: there is no such version: `autoretrain models mean` lists them\n",
    )


def test_version_that_is_a_number_is_meant_where_there_is_one(
    api: Api, autoretrain: CommandLine
) -> None:
    api.says(f"POST {ONE}/models/3/activate", answer(whole(champion=model("3"), pin=PIN)))
    assert autoretrain("activate", "mean", "3").out.startswith(f"{NAME}: 3 is live")
    assert ACTIVATE not in api.said()


def test_activating_says_that_it_pins_and_how_to_unpin(api: Api, autoretrain: CommandLine) -> None:
    api.says(ACTIVATE, answer(whole(champion=model("v3"), pin=PIN)))

    done = autoretrain("activate", "mean", "v3", "--reason", "v2 trades too much")

    assert done.code == 0
    assert done.out == (
        f"{NAME}: v3 is live, and pinned: nothing else is until `autoretrain unpin mean`\n"
    )
    assert api.body(ACTIVATE) == {"reason": "v2 trades too much", "force": False}


def test_activating_what_is_not_pinned_by_it_says_how_to_pin(
    api: Api, autoretrain: CommandLine
) -> None:
    api.says(ACTIVATE, answer(whole(champion=model("v3"))))
    done = autoretrain("activate", "mean", "v3")
    pins = "`autoretrain activate mean v3 --force` pins it"
    assert done == (0, f"{NAME}: v3 is live, and not pinned: {pins}\n", "")


def test_forced_activation_is_sent_as_one(api: Api, autoretrain: CommandLine) -> None:
    api.says(ACTIVATE, answer(whole(champion=model("v3"), pin=PIN)))
    assert autoretrain("activate", "mean", "v3", "--force").code == 0
    assert api.body(ACTIVATE) == {"force": True}


@pytest.mark.parametrize(
    ("changes", "live"),
    [
        ({"champion": model("v4")}, "v4"),
        ({"champion": None, "ml_model_version": "old"}, "old"),
        ({"champion": None, "ml_model_version": None}, "no model"),
    ],
)
def test_activating_says_what_is_live_when_that_is_something_else_by_now(
    changes: dict[str, Any], live: str, api: Api, autoretrain: CommandLine
) -> None:
    api.says(ACTIVATE, answer(whole(**changes)))
    told = f"{NAME}: v3 is not live: {live} is\n"
    assert autoretrain("activate", "mean", "v3") == (0, told, "")


def test_help_says_that_pinning_what_is_live_takes_force(autoretrain: CommandLine) -> None:
    shown = " ".join(autoretrain("activate", "--help").out.split())
    assert "live already stays as it is; pinning it needs --force" in shown


def test_refused_activation_tells_the_servers_words(api: Api, autoretrain: CommandLine) -> None:
    told = "v3 was judged against v1, and v2 is active by now: use force"
    api.says(ACTIVATE, refusal(409, "champion_changed", told))
    assert autoretrain("activate", "mean", "v3") == (73, "", f"error: {told}\n")


def test_unpinning_says_what_is_live(api: Api, autoretrain: CommandLine) -> None:
    api.says(f"POST {ONE}/unpin", answer(whole()))
    told = f"{NAME}: not pinned; v2 is live, and the gate decides what follows it\n"
    assert autoretrain("unpin", "mean") == (0, told, "")
