"""A database with a strategy that has traded, and what the doctor finds wrong with it."""

from __future__ import annotations

from datetime import timedelta

from autoretrain_local.doctor.examination import examine
from autoretrain_local.doctor.findings import Finding, State
from tests.world import NOW, World

FIRST = NOW - timedelta(days=40)
EVERY = timedelta(hours=2)


def wrong(url: str) -> list[Finding]:
    return [finding for finding in examine(url) if finding.state is not State.GOOD]


def only(url: str, check: str) -> Finding:
    (finding,) = wrong(url)
    assert finding.check == check, finding
    return finding


def traded(world: World) -> World:
    results = [1.0 if n % 3 else -1.0 for n in range(200)]
    features = [{"rsi": float(n * 7 % 100)} for n in range(200)]
    world.trades(world.strategy(), results, first=FIRST, every=EVERY, features=features)
    return world


def only_role(url: str) -> Finding:
    """The trades are read in the trainer's role as well."""
    return next(finding for finding in wrong(url) if finding.check == "roles")
