"""How PostgreSQL runs what is inside a function of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.world import World


def scans_of_trades(world: World, function: str, **arguments: str) -> list[dict[str, Any]]:
    """Every node that reads trades, as `EXPLAIN (ANALYZE)` has it; arguments are SQL."""
    source = world.one("SELECT prosrc FROM pg_proc WHERE proname = %s", function).prosrc
    inside = re.search(r"RETURN QUERY(.*);\s*END", source, re.DOTALL)
    assert inside, source
    query = inside[1]
    for name, value in arguments.items():
        query = re.sub(rf"\b{name}\b", value, query)
    return trades_scanned(world, query)


def trades_scanned(world: World, query: str) -> list[dict[str, Any]]:
    """The same of a whole query, whose values stand in it."""
    plan = world.one("EXPLAIN (ANALYZE, FORMAT json) " + query)[0][0]["Plan"]
    return [node for node in _nodes(plan) if node.get("Relation Name") == "trades"]


def rows_read(scans: list[dict[str, Any]]) -> float:
    return float(sum(scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) for scan in scans))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)
