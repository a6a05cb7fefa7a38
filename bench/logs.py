"""Finds the logs of a folder, and what was planted in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from autoretrain.errors import Invalid
from autoretrain_local.replay.log import Log, logs_of
from autoretrain_local.trade_file import read_trades
from bench.forecasting import Rows
from bench.recovery import Truth, read_truth

ENDS = (".csv", ".csv.gz")


@dataclass(frozen=True)
class Case:
    """One strategy's log, and what was planted in it where that is known."""

    name: str
    log: Log
    truth: Truth | None
    real: bool

    @cached_property
    def rows(self) -> Rows:
        return rows_of(self.log)


def rows_of(log: Log) -> Rows:
    """What a baseline may see: an outcome that never counts never comes."""
    symbol = [log.symbol] if len(log.symbols) > 1 else []
    return Rows(
        decided_at=log.decided_at,
        closed_at=np.where(log.usable, log.closed_at, np.iinfo(np.int64).max),
        win=log.pnl_pct > 0,
        inputs=np.column_stack([log.values, log.side, *symbol]),
    )


def cases(folder: Path, names: Sequence[str] | None) -> Iterator[Case]:
    """The named logs, in that order, or all. Raises Invalid for one that is not there."""
    if not folder.is_dir():
        raise Invalid(f"{folder} is no folder: name the one that holds the logs")
    files = {_name(path): path for path in sorted(folder.iterdir()) if path.name.endswith(ENDS)}
    logs = [name for name in files if not name.startswith("truth_")]
    if unknown := set(names or ()) - set(logs):
        raise Invalid(f"no log {', '.join(sorted(unknown))} in {folder}; there are: {logs}")
    for name in names or logs:
        yield from _cases(files[name], files.get(f"truth_{name.removeprefix('trades_')}"))


def _cases(path: Path, truth: Path | None) -> Iterator[Case]:
    read = read_trades(path, None)
    logs = logs_of(read.trades, read.features)
    for strategy, log in logs.items():
        name = _name(path) if len(logs) == 1 else f"{_name(path)}/{strategy}"
        planted = read_truth(truth, log.trade_ids) if truth else None
        yield Case(name, log, planted, real=truth is None and name.startswith("trades_"))


def _name(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".csv")
