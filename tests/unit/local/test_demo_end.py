from __future__ import annotations

import io
import json
from collections.abc import Mapping

import pytest

from autoretrain.errors import InternalError
from autoretrain_local.demo.show import NOTHING_BETTER, conclude
from autoretrain_local.facts import Narrator

NAMES = {"strategy": "s", "strategy_id": "1", "run_id": "r", "reason": "x", "decided_by": "y"}
KEPT = NAMES | {
    "message": "auto-retrain finished",
    "retrained": True,
    "activated": False,
    "model_version": "v2",
    "below_base_rate": False,
}


def narrated(*facts: Mapping[str, object]) -> tuple[Narrator, io.StringIO]:
    out = io.StringIO()
    narrator = Narrator(out)
    for fact in ({"message": "auto-retrain check started", "strategies": 2}, *facts):
        narrator.hear(json.dumps(fact))
    return narrator, out


def test_demo_says_that_nothing_was_better_when_every_challenger_lost() -> None:
    narrator, out = narrated(KEPT)
    conclude(narrator)
    assert NOTHING_BETTER in out.getvalue()


def test_demo_does_not_say_so_when_one_went_live() -> None:
    narrator, out = narrated(KEPT | {"activated": True})
    conclude(narrator)
    assert NOTHING_BETTER not in out.getvalue()


def test_demo_ends_in_an_error_when_a_training_did_not_end() -> None:
    failed = NAMES | {"message": "auto-retrain failed", "code": "x", "why": "y"}
    narrator, out = narrated(KEPT, failed)
    with pytest.raises(InternalError, match="the lines above say why"):
        conclude(narrator)
    assert NOTHING_BETTER not in out.getvalue()
