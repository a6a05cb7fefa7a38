"""What was measured, as a table: the suite of every day beside the long runs, each as it left its
figures in `results`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from tests.faults.figures import MUTANTS
from tests.faults.table import HOLDS

RESULTS = Path(__file__).parent / "results"
SHORT, LONG = ["short.json"], ["soak.json", "load.json"]
NOTHING = "–"

Lines = Iterator[tuple[str, str]]


def measured(results: Path = RESULTS) -> str:
    short, long = (_told(results / name for name in names) for names in (SHORT, LONG))
    lines = [
        f"| {what} | {short.get(what, NOTHING)} | {long.get(what, NOTHING)} |"
        for what in {**short, **long}
    ]
    head = ["| what was counted | `make test-faults` | `make soak`, `make load` |", "|---|---|---|"]
    return "\n".join([*head, *lines])


def _told(files: Iterator[Path]) -> dict[str, str]:
    """Each figure by what it counts, of those runs that have left theirs."""
    found = [json.loads(file.read_text()) for file in files if file.exists()]
    return dict(chain.from_iterable(map(_lines, found)))


def _lines(figures: Mapping[str, Any]) -> Lines:
    yield from _suite(figures)
    if figures.get("soak"):
        yield from _soak(figures["soak"])
    if figures.get("load"):
        yield from _load(figures["load"])


def _suite(figures: Mapping[str, Any]) -> Lines:
    if rows := figures.get("rows"):
        held = list(rows.values()).count(HOLDS)
        yield "rows of the two tables that hold", f"{held} of {len(rows)}"
    if mutants := figures.get("mutants"):
        yield "mutants of the product that are caught", f"{len(mutants)} of {len(MUTANTS)}"
    if steps := figures.get("steps"):
        yield "steps of the model test, no rule broken", f"{steps:,}"
    if failed := figures.get("calls_failed"):
        yield "single calls to database, S3 and ECS that failed", f"{failed:,}"
    if races := figures.get("races"):
        yield "rounds of threaded races", f"{sum(races.values()):,}"
    if inputs := figures.get("inputs"):
        yield "bad inputs tried, none of them harmful", f"{sum(inputs.values()):,}"
    if seconds := figures.get("recovery_seconds"):
        yield "killed trainer, nobody tells: its run is free again after", f"{seconds} s"


def _soak(soak: Mapping[str, Any]) -> Lines:
    calls, failed = sum(soak["calls"].values()), sum(soak["failed"].values())
    yield "soak: strategies", f"{soak['strategies']:,}"
    yield "soak: hourly ticks, no rule broken after any", _hours(soak["ticks"])
    yield "soak: trainings", f"{soak['trainings']:,}"
    yield "soak: calls that failed", f"{failed:,} of {calls:,}"
    yield "soak: invocations that failed with them", f"{soak['invocations_failed']:,}"
    yield "soak: trainers killed", f"{soak['trainers_killed']:,}"
    yield "soak: attempts lost, and made again", f"{soak['runs_lost']:,}"
    yield "soak: faults over, whoever is due is trained within", _ticks(soak["ticks_to_train"])
    for name, rows in soak["rows"].items():
        yield f"soak: rows at the end, {name.replace('_', ' ')}", f"{rows:,}"


def _hours(ticks: int) -> str:
    return f"{ticks:,}, or {ticks / 24:g} days"


def _ticks(count: int) -> str:
    return f"{count} tick" if count == 1 else f"{count} ticks"


def _load(load: Mapping[str, Any]) -> Lines:
    first, following = load["tick_seconds"]
    yield "load: promises kept", f"{load['promises_kept']} of {load['promises']}"
    yield "load: strategies trained, due at once", f"{load['trained']:,} of {load['strategies']:,}"
    yield "load: runs that it took", f"{load['runs']:,}"
    yield "load: all trained after", f"{load['seconds']:,} s, {load['cores']} cores"
    yield "load: all checked after the tick", f"{first:,} s"
    yield "load: all checked after the next tick, amid the trainings", f"{following:,} s"
    yield "load: trainers at work at once", f"{load['busy_at_once']}"
    yield "load: connections at once", f"{load['connections']} of {load['connections_allowed']}"
    for kind, peak in load["peak_mb"].items():
        grown = f"at most {peak:,} MB, grown by {load['growth_mb'][kind]:+g} MB"
        yield f"load: memory of one process, {kind}", grown
    yield "load: calls to the API meanwhile", f"{load['calls']:,} of {load['clients']} clients"
    yield "load: rollbacks among them", f"{load['rollbacks']:,}"
    yield "load: answers 5xx", f"{load['server_errors']:,}"
    yield "load: answers, p50 and p99", f"{load['p50_ms']:,} ms, {load['p99_ms']:,} ms"
