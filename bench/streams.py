"""Writes trade logs from river's synthetic streams: concepts that jump, drift, or stay.

Each log is NAME.csv.gz as `autoretrain replay` reads it: one trade an hour that closes an hour
later, and a share of outcomes that is chance. Those in OUT/long are longer than the long memory:
what is chosen for the one long real log can be held against them. Those in OUT/jumps are as long as
most real ones, and change their rule a few times at once: for what is chosen for the one log with
planted flips.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib
import io
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any

Row = tuple[dict[Any, float], int]
"""A trade's features, and 1 where it is won."""

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
CHANCE = 0.3
"""The share of outcomes that are drawn: every second one of them turns out wrong."""

JUMP_EVERY = 5_000
JUMP_SOONER = 2_000
JUMPING_TRADES = 8_000
CENTROIDS = 30
SEED = 1

_TRADE = ("trade_id", "strategy", "symbol", "side", "decided_at", "closed_at")


def jumping(rules: Iterator[Iterator[Row]], every: int = JUMP_SOONER) -> Iterator[Row]:
    """So many trades of each rule."""
    return chain.from_iterable(islice(rule, every) for rule in rules)


def agrawal(synth: Any, rules: range) -> Iterator[Iterator[Row]]:
    """Some of Agrawal's ten rules."""
    return (synth.Agrawal(classification_function=rule, seed=SEED + rule) for rule in rules)


def agrawal_jumps(synth: Any) -> Iterator[Row]:
    """Another of Agrawal's ten rules every 5,000 trades."""
    return jumping(agrawal(synth, range(10)), JUMP_EVERY)


def rbf_drifts(synth: Any) -> Iterator[Row]:
    """Clusters that move a little with every trade."""
    moving = {"change_speed": 0.0005, "n_drift_centroids": CENTROIDS}
    return iter(synth.RandomRBFDrift(SEED, SEED, n_centroids=CENTROIDS, n_features=8, **moving))


def rbf_stays(synth: Any) -> Iterator[Row]:
    """The same kind of clusters, which never move."""
    return iter(synth.RandomRBF(SEED, SEED, n_centroids=CENTROIDS, n_features=8))


def plane_turns(synth: Any) -> Iterator[Row]:
    """A hyperplane that turns slowly."""
    return iter(synth.Hyperplane(SEED, n_features=8, n_drift_features=4, mag_change=0.001))


LONG = {
    "agrawal_jumps": agrawal_jumps,
    "plane_turns": plane_turns,
    "rbf_drifts": rbf_drifts,
    "rbf_stays": rbf_stays,
}


def agrawal_0_to_3(synth: Any) -> Iterator[Row]:
    return jumping(agrawal(synth, range(4)))


def agrawal_5_to_8(synth: Any) -> Iterator[Row]:
    return jumping(agrawal(synth, range(5, 9)))


def mixed(synth: Any) -> Iterator[Row]:
    """A rule and its contrary in turn."""
    return jumping(synth.Mixed(classification_function=n % 2, seed=SEED + n) for n in range(4))


def sea(synth: Any) -> Iterator[Row]:
    """A threshold that moves a little at each jump."""
    return jumping(synth.SEA(variant=n, seed=SEED + n) for n in range(4))


def sine(synth: Any) -> Iterator[Row]:
    """Four curves, beside two features that say nothing."""
    return jumping(
        synth.Sine(classification_function=n, seed=SEED + n, has_noise=True) for n in range(4)
    )


JUMPS = {
    "agrawal_0_to_3": agrawal_0_to_3,
    "agrawal_5_to_8": agrawal_5_to_8,
    "mixed": mixed,
    "sea": sea,
    "sine": sine,
}


def write(stream: Iterator[Row], path: Path, trades: int) -> None:
    """The first trades of a stream as a log."""
    drawn = random.Random(SEED)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        _write(islice(stream, trades), file, path.name.partition(".")[0], drawn)


def _write(rows: Iterator[Row], file: io.TextIOBase, name: str, drawn: random.Random) -> None:
    table = csv.writer(file)
    for number, (features, won) in enumerate(rows):
        if number == 0:
            # Some would say "commission", which a training takes for what ends with the trade.
            table.writerow([*_TRADE, *(f"f_x_{name}" for name in features), "pnl_pct"])
        win = drawn.random() < 0.5 if drawn.random() < CHANCE else won == 1
        decided_at = BEGIN + timedelta(hours=number)
        times = decided_at.isoformat(), (decided_at + timedelta(hours=1)).isoformat()
        values = [round(float(value), 6) for value in features.values()]
        table.writerow([f"{number:06}", name, "", "long", *times, *values, 1 if win else -1])


def write_all(
    streams: Mapping[str, Callable[[Any], Iterator[Row]]], folder: Path, trades: int
) -> None:
    """One log per stream."""
    synth = importlib.import_module("river.datasets").synth
    folder.mkdir(parents=True, exist_ok=True)
    for name, stream in streams.items():
        write(stream(synth), folder / f"{name}.csv.gz", trades)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the folders of logs")
    parser.add_argument("--trades", type=int, default=20_000, help="how many a long log holds")
    asked = parser.parse_args()
    write_all(LONG, asked.out / "long", asked.trades)
    write_all(JUMPS, asked.out / "jumps", JUMPING_TRADES)


if __name__ == "__main__":
    main()
