"""Draws what was played as one HTML page that loads nothing: money, accuracy, calibration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from autoretrain_client.commands.charts import Point, safe
from autoretrain_local.replay.charts import Chart, Line
from autoretrain_local.replay.log import Log
from autoretrain_local.replay.play import Variant
from autoretrain_local.replay.report import Result, lines
from autoretrain_local.replay.scoring import TAKEN_SHARE, scored, taken
from autoretrain_local.replay.serving import Said
from autoretrain_trainer.metrics import tenths
from autoretrain_trainer.rows import Bools, Floats, Ints, to_datetime, to_microseconds

ROLLING_TRADES = 200
_MOST_POINTS = 1_000
_COLORS = {
    Variant.POLICY: "a",
    Variant.NEVER_RETRAIN: "b",
    Variant.ALWAYS_RETRAIN: "c",
}
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #8a94a3; --rule: #e3e7ec;
  --a: #0f62c4; --b: #c2571a; --c: #12805c; --page: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #8f99a8; --rule: #2b323c;
  --a: #6aa9ff; --b: #f0975f; --c: #5fcfa5; --page: #14181e } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 900px; margin: 2rem auto; padding: 0 1rem }
figure { margin: 1.5rem 0 } figcaption { font-weight: 600; margin-bottom: .4rem }
svg { width: 100%; height: auto } text { font-size: 11px; fill: var(--soft) }
.grid { stroke: var(--rule) } .mark { stroke: var(--a) }
.line { fill: none; stroke-width: 1.6 }
.a { stroke: var(--a) } .b { stroke: var(--b) } .c { stroke: var(--c) }
.soft { stroke: var(--soft); stroke-dasharray: 4 4 } circle.a { fill: var(--a) }
.key { font-weight: 400; margin-left: 1rem; border-bottom: 3px solid }
.key.a { border-color: var(--a) } .key.b { border-color: var(--b) }
.key.c { border-color: var(--c) } .key.soft { border-color: var(--soft) }
pre { overflow-x: auto; font-size: 13px }
"""


def page(name: str, results: Sequence[Result]) -> str:
    """The whole page, in UTF-8."""
    body = "".join(map(_section, results))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Replay of {safe(name)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>Replay of {safe(name)}</h1>{body}</body></html>\n"
    )


def _section(result: Result) -> str:
    table = "\n".join(map(safe, lines(result)))
    charts = "".join(chart.svg() for chart in _charts(result))
    return (
        f"<section><h2>{safe(result.log.strategy or 'All trades')}</h2>{charts}"
        f"<pre>{table}</pre></section>"
    )


def _charts(result: Result) -> Iterator[Chart]:
    log, rows = result.log, scored(result.log)
    said, times = result.policy.said, log.decided_at[rows]
    take = taken(said)[rows]
    pnl_pct = log.pnl_pct[rows]
    yield Chart(
        "Cumulative P&L, percent of a stake",
        [
            Line(f"best {TAKEN_SHARE:.0%}", "a", _points(times, np.cumsum(pnl_pct * take))),
            Line("all trades", "b", _points(times, np.cumsum(pnl_pct))),
        ],
        _day,
        lambda value: f"{value:+,.0f}",
    )
    yield Chart(
        f"Accuracy over {ROLLING_TRADES} trades; marks are activations of the policy",
        [
            Line(variant.replace("_", " "), _COLORS[variant], _rolling(log, played.said, rows))
            for variant, played in result.played.items()
        ],
        _day,
        lambda value: f"{value:.0%}",
        marks=[to_microseconds(one.at) for one in result.policy.activations],
    )
    yield _calibration(log, said, rows)


def _points(times: Ints, values: Floats) -> list[Point]:
    """No more than can be seen; the last one is always there."""
    step = max(1, len(values) // _MOST_POINTS)
    kept = np.unique(np.append(np.arange(0, len(values), step), len(values) - 1))
    return [(float(times[row]), float(values[row])) for row in kept] if len(values) else []


def _rolling(log: Log, said: Said, rows: Bools) -> list[Point]:
    right = (said.probability[rows] >= 0.5) == (log.pnl_pct[rows] > 0)
    if len(right) < ROLLING_TRADES:
        return []
    sums = np.cumsum(np.append(0, right))
    means = (sums[ROLLING_TRADES:] - sums[:-ROLLING_TRADES]) / ROLLING_TRADES
    return _points(log.decided_at[rows][ROLLING_TRADES - 1 :], means)


def _calibration(log: Log, said: Said, rows: Bools) -> Chart:
    win, probability = log.pnl_pct[rows] > 0, said.probability[rows]
    bins = tenths(probability)
    dots: list[tuple[Point, str]] = []
    for tenth in np.unique(bins):
        here = bins == tenth
        told, won = float(probability[here].mean()), float(win[here].mean())
        dots.append(((told, won), f"{int(here.sum()):,} trades: told {told:.1%}, won {won:.1%}"))
    points = [point for point, _ in dots]
    diagonal = Line("perfect", "soft", [(0, 0), (1, 1)])
    return Chart(
        "Calibration: win rate against the probability told",
        [Line("policy", "a", points), diagonal],
        lambda value: f"{value:.0%}",
        lambda value: f"{value:.0%}",
        dots=dots,
        square=True,
    )


def _day(moment: float) -> str:
    return f"{to_datetime(int(moment)):%Y-%m-%d}"
