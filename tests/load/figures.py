"""What is promised of the busiest hour, and what was measured in it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from tests.load.hour import TASKS, TICK_SECONDS, Hour
from tests.load.watch import AWS, POSTGRES, STACK, TRAINER

FLAT = (STACK, TRAINER, POSTGRES)
GROWTH_MB = 64.0
"""What a process may have grown by at the end of the hour: the allocator's own waves."""


def promises(hour: Hour) -> Iterator[tuple[str, bool]]:
    """Each with what was measured of it, and whether it was kept."""
    yield _trained(hour)
    yield from _ticks(hour)
    watch, allowed = hour.watch, hour.connections_allowed
    yield f"{watch.busy} runs with a trainer at once, of {TASKS} allowed", watch.busy <= TASKS
    told = f"{watch.connections} connections at once, of {allowed} allowed"
    yield told, watch.connections <= allowed
    for kind in FLAT:
        grown, peak = watch.growth_mb(kind), watch.peak_mb(kind)
        told = f"memory of the {kind}: at most {peak:.0f} MB, grown by {grown:+.0f} MB"
        yield told, grown < GROWTH_MB
    yield _answered(hour)


def _trained(hour: Hour) -> tuple[str, bool]:
    wanted = hour.sizes.strategies
    told = (
        f"{hour.succeeded:,} of {wanted:,} strategies trained, by {hour.runs:,} runs and"
        f" {hour.models:,} models, {hour.repeated:,} of them at a second attempt"
    )
    made = hour.runs, hour.strategies, hour.succeeded, hour.models, wanted + hour.repeated
    return told, set(made) == {wanted}


def _ticks(hour: Hour) -> Iterator[tuple[str, bool]]:
    everybody = hour.sizes.strategies + hour.sizes.clients
    for name, seconds, checked in zip(("first", "next"), hour.ticks, hour.checked, strict=True):
        told = f"the {name} tick has had all {checked:,} strategies checked after {seconds:,.0f} s"
        yield told, checked == everybody and seconds < TICK_SECONDS


def _answered(hour: Hour) -> tuple[str, bool]:
    calls, errors = hour.calls, hour.calls.server_errors
    told = (
        f"{len(calls.seconds):,} calls of {hour.sizes.clients} clients in {hour.sizes.minutes:g}"
        f" min, {calls.rollbacks:,} of them rollbacks, {sum(errors.values())} answered 5xx"
    )
    return told, not errors and calls.rollbacks > 0


def lines(hour: Hour) -> Iterator[str]:
    for told, holds in promises(hour):
        yield f"{'holds' if holds else 'FAILS':<8}{told}"
    calls, answers = hour.calls, sorted(hour.calls.answers.items())
    p50, p99 = calls.percentile_ms(0.5), calls.percentile_ms(0.99)
    yield f"        answers of the API: p50 {p50} ms, p99 {p99} ms"
    yield from (f"        {count:>7,} × {status} {what}" for (what, status), count in answers)
    if calls.errors_at:
        yield f"        5xx after {', '.join(f'{at:.0f}' for at in sorted(calls.errors_at))} s"
    yield (
        f"        {hour.training_seconds:,.0f} s in all,"
        f" {hour.succeeded / hour.training_seconds:.1f} trainings a second;"
        f" the stand-in for S3 keeps all models in {hour.watch.peak_mb(AWS):.0f} MB"
    )


def to_json(hour: Hour) -> dict[str, object]:
    watch, calls, kept = hour.watch, hour.calls, [holds for _, holds in promises(hour)]
    return {
        "promises": len(kept),
        "promises_kept": sum(kept),
        "cores": os.cpu_count(),
        "strategies": hour.sizes.strategies,
        "trained": hour.succeeded,
        "runs": hour.runs,
        "seconds": round(hour.training_seconds),
        "tick_seconds": [round(seconds) for seconds in hour.ticks],
        "busy_at_once": watch.busy,
        "connections": watch.connections,
        "connections_allowed": hour.connections_allowed,
        "peak_mb": {kind: round(watch.peak_mb(kind)) for kind in FLAT},
        "growth_mb": {kind: round(watch.growth_mb(kind), 1) for kind in FLAT},
        "clients": hour.sizes.clients,
        "minutes": hour.sizes.minutes,
        "calls": len(calls.seconds),
        "rollbacks": calls.rollbacks,
        "server_errors": sum(calls.server_errors.values()),
        "p50_ms": calls.percentile_ms(0.5),
        "p99_ms": calls.percentile_ms(0.99),
    }
