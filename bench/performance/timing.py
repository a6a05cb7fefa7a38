"""Times what is compared: round by round in turn, the medians of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

Work = Callable[[], object]


def seconds_of(work: Work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def interleaved(rounds: int, variants: Mapping[str, Work]) -> dict[str, list[float]]:
    """Seconds of each variant in each round; within a round they take turns, so that what disturbs
    one disturbs the others too. The order turns with every round."""
    taken: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            taken[name].append(seconds_of(variants[name]))
    return taken


def medians(rounds: int, variants: Mapping[str, Work]) -> dict[str, float]:
    """The median seconds of each variant."""
    return {name: median(taken) for name, taken in interleaved(rounds, variants).items()}


def each(calls: int, work: Work) -> Callable[[], object]:
    """The work so many times, as one piece."""

    def repeated() -> None:
        for _ in range(calls):
            work()

    return repeated
