from __future__ import annotations

import pytest

from autoretrain_local.doctor.examination import examine
from tests.local.doctor.looks import EVERY, FIRST, only
from tests.world import World


@pytest.mark.parametrize(
    ("change", "told", "todo"),
    [
        (
            "UPDATE trades SET win = (pnl_pct <= 0)",
            "a training would fail (too_many_bad_rows)",
            "win disagrees with pnl_pct: 200",
        ),
        (
            "UPDATE trades SET features = '{\"exit_price\": 1}'",
            "a training would fail (exit_only_feature)",
            "exit_price",
        ),
        (
            "UPDATE trades SET features = jsonb_build_object('oracle', pnl_pct)",
            "a training would fail (suspected_leak)",
            "oracle",
        ),
        (
            'UPDATE trades SET features = \'{"mood": "good"}\'',
            "no feature that is a number",
            "flat",
        ),
    ],
)
def test_trades_that_a_training_would_refuse_are_told(
    world: World, change: str, told: str, todo: str
) -> None:
    world.run(change)

    finding = only(world.url, "trades")
    assert told in finding.found
    assert todo in (finding.todo or "")


def test_trades_that_are_left_out_are_counted(world: World) -> None:
    world.run("UPDATE trades SET side = 'sideways' WHERE decided_at < %s", FIRST + 8 * EVERY)

    *_, finding = examine(world.url)
    assert "left out (unknown side: 8)" in finding.found
