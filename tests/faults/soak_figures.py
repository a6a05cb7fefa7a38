"""What a soak has counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class SoakFigures:
    """`calls` and those of them that `failed` by service; `ticks_to_train` is the most that any
    strategy waited from becoming due until it was trained, without faults; `rows` by table, at the
    end."""

    strategies: int
    ticks: int
    trainings: int
    calls: Mapping[str, int]
    failed: Mapping[str, int]
    invocations_failed: int
    trainers_killed: int
    runs_lost: int
    ticks_to_train: int
    rows: Mapping[str, int]

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    def lines(self) -> Iterator[str]:
        yield (
            f"soak: {self.ticks:,} hourly ticks over {self.strategies:,} strategies,"
            f" {self.trainings:,} trainings, after each tick every rule of the books held"
        )
        failed = ", ".join(f"{self.failed[name]:,} of {name}" for name in sorted(self.failed))
        calls, failures = sum(self.calls.values()), sum(self.failed.values())
        yield f"  of {calls:,} calls {failures:,} failed: {failed}"
        yield (
            f"  {self.invocations_failed:,} invocations failed with them, {self.trainers_killed:,}"
            f" trainers were killed, {self.runs_lost:,} attempts lost"
        )
        yield f"  with no faults any more, who was due was trained by tick {self.ticks_to_train}"
        rows = ", ".join(f"{count:,} {name}" for name, count in self.rows.items())
        yield f"  rows at the end: {rows}"
