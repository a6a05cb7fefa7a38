"""Renders a model's report as one HTML page that loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from autoretrain_client.commands.charts import Curve, bars, safe, square
from autoretrain_client.commands.report_words import (
    NOT_ENOUGH,
    Figures,
    bins,
    facts,
    importance,
    not_explained,
    scores,
    series,
    verdict,
    weights,
)

_COLORS = ("a", "b")
_BARS = 20
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #68727f; --rule: #e3e7ec;
  --a: #0f62c4; --b: #c2571a; --page: #fff; --warn: #fff3d6 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #98a2b0; --rule: #2b323c;
  --a: #6aa9ff; --b: #f0975f; --page: #14181e; --warn: #3d3115 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 920px; margin: 2rem auto; padding: 0 1rem }
h2 { margin: 2rem 0 .5rem; font-size: 1.1rem }
.warning { background: var(--warn); padding: .6rem .9rem; border-radius: .4rem }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 1.5rem }
figure { margin: 0 } figcaption { font-weight: 600; margin-bottom: .4rem }
svg { width: 100%; height: auto } text { font-size: 11px; fill: var(--soft) }
.grid { stroke: var(--rule) } .line { fill: none; stroke-width: 1.8 }
.a { stroke: var(--a) } .b { stroke: var(--b) } .soft { stroke: var(--soft); stroke-dasharray: 4 4 }
circle.a, rect.a { fill: var(--a) } circle.b { fill: var(--b) }
.key { font-weight: 400; margin-left: .8rem; border-bottom: 3px solid var(--soft) }
.key.a { border-color: var(--a) } .key.b { border-color: var(--b) }
table { border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--rule) }
"""


def page(title: str, version: str, report: Figures) -> str:
    """The whole page; it is UTF-8."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{safe(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{safe(title)}</h1>{''.join(_body(version, report))}</body></html>\n"
    )


def _body(version: str, report: Figures) -> Iterator[str]:
    for warning in report.get("warnings", []):
        yield f'<p class="warning">Warning: {safe(warning)}</p>'
    if report.get("failed"):
        yield f"<p>The report could not be made: {safe(report['failed'])}</p>"
    else:
        yield f"<p>{safe(verdict(report))}</p>"
        yield _table(scores(version, report))
        yield from _curves(version, report)
        yield from _leans_on(report)
    yield "<h2>How it was made</h2>"
    yield _table([{"": name, " ": told} for name, told in facts(report).items()])


def _curves(version: str, report: Figures) -> Iterator[str]:
    judged = report["judged"]
    if judged is None:
        return
    yield "<h2>On the judged trades</h2>"
    if not judged["enough"]:
        yield (
            f"<p>{NOT_ENOUGH.capitalize()} for curves that mean something: {judged['wins']} wins"
            f" and {judged['losses']} losses of {judged['enough_rows']} each.</p>"
        )
    drawn = series(version, report)
    yield f'<div class="plots">{_roc(drawn)}{_precision(drawn)}{_reliability(drawn)}'
    yield f"{''.join(_pnl(whose, figures) for whose, figures in drawn)}</div>"
    yield "<h2>By probability</h2>"
    yield _table(bins(version, report))


def _roc(drawn: Sequence[tuple[str, Figures]]) -> str:
    curves = _lines(drawn, "roc")
    by_chance = Curve("by chance", "soft", [(0, 0), (1, 1)])
    return square("ROC", "losses called wins", "wins called wins", [*curves, by_chance])


def _precision(drawn: Sequence[tuple[str, Figures]]) -> str:
    curves = _lines(drawn, "precision_recall")
    return square("Precision and recall", "wins called wins", "called wins that won", curves)


def _lines(drawn: Sequence[tuple[str, Figures]], name: str) -> list[Curve]:
    return [
        Curve(whose, color, [(x, y) for x, y in figures[name] or []])
        for (whose, figures), color in zip(drawn, _COLORS, strict=False)
    ]


def _reliability(drawn: Sequence[tuple[str, Figures]]) -> str:
    perfect = Curve("perfect", "soft", [(0, 0), (1, 1)])
    dots = [
        _dots(whose, color, figures["reliability"])
        for (whose, figures), color in zip(drawn, _COLORS, strict=False)
    ]
    return square("Reliability", "probability told", "share that won", [*dots, perfect])


def _dots(whose: str, color: str, reliability: Sequence[Figures]) -> Curve:
    filled = [each for each in reliability if each["rows"]]
    return Curve(
        whose,
        color,
        [(each["probability"], each["win_rate"]) for each in filled],
        [
            f"{whose}, {each['rows']} trades: told {each['probability']:.1%},"
            f" won {each['win_rate']:.1%}{'' if each['enough'] else f', {NOT_ENOUGH}'}"
            for each in filled
        ],
    )


def _pnl(whose: str, figures: Figures) -> str:
    values = [
        (f"{each['from']:.1f}–{each['to']:.1f}, {each['rows']}", each["mean_pnl_pct"])
        for each in figures["pnl"]
        if each["enough"]
    ]
    title = f"P&L per trade by probability and trades, {whose}"
    if not values:
        return f"<p>{safe(title)}: {NOT_ENOUGH}.</p>"
    return bars(title, values, lambda value: f"{value:+.2f} %")


def _leans_on(report: Figures) -> Iterator[str]:
    yield "<h2>What it leans on</h2>"
    if highest := importance(report):
        yield bars("Mean |SHAP value|, log-odds", highest[:_BARS], lambda value: f"{value:.3f}")
    for line in (not_explained(report), weights(report)):
        if line is not None:
            yield f"<p>{safe(line)}</p>"


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{safe(name)}</th>" for name in rows[0])
    body = "".join(
        f"<tr>{''.join(f'<td>{safe(cell)}</td>' for cell in row.values())}</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
