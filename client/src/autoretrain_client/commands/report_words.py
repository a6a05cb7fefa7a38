"""Says what a model's report holds; the page and the terminal share the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autoretrain_client.commands.printing import ABSENT, details, figure, table

Figures = Mapping[str, Any]

NOT_ENOUGH = "not enough evidence"
_SCORES = (
    ("log-loss", "log_loss", ".4f"),
    ("accuracy", "accuracy", ".1%"),
    ("ROC-AUC", "roc_auc", ".3f"),
    ("Brier", "brier", ".4f"),
    ("P&L per trade taken, %", "pnl_pct", "+.2f"),
    ("trades taken", "taken", ","),
)
_FEATURES_SHOWN = 10


def lines(title: str, version: str, report: Figures) -> Iterator[str]:
    """The whole report for a terminal."""
    yield title
    for warning in report.get("warnings", []):
        yield f"  WARNING: {warning}"
    if report.get("failed"):
        yield f"  the report could not be made: {report['failed']}"
    else:
        yield f"  {verdict(report)}"
        yield from _section("", table(scores(version, report)))
        yield from _section("by probability, on the judged trades", table(bins(version, report)))
        yield from _section("what it leans on", _leans_on(report))
    yield from _section("how it was made", details(facts(report)))


def verdict(report: Figures) -> str:
    """Which one is better, as far as anybody can tell."""
    evidence = report["evidence"]
    if "needed" in evidence:
        seen = f"{evidence['rows']} of {evidence['needed']} trades that neither model has seen"
        return f"against {evidence['rival']}: {NOT_ENOUGH}, {seen}"
    told = "" if evidence["enough"] else f": {NOT_ENOUGH} that either is better"
    reused = evidence["rows_reused"]
    again = f", {reused} of them judged before" if reused else ""
    rival = evidence["champion"] or evidence["base_rate"]
    return (
        f"against {evidence['rival']}, on {evidence['rows']} trades decided"
        f" {_day(evidence['judged_from'])} to {_day(evidence['judged_until'])}{again}:"
        f" log-loss {rival['log_loss']:.3f} → {evidence['challenger']['log_loss']:.3f},"
        f" P(better) {evidence['p_better']:.2f}{told}"
    )


def scores(version: str, report: Figures) -> list[dict[str, str]]:
    """Both models and the base rate side by side; empty where nothing was judged."""
    evidence = report["evidence"]
    if "needed" in evidence:
        return []
    columns = {version: evidence["challenger"], "base rate": evidence["base_rate"]}
    if evidence["champion"] is not None:
        columns = {version: evidence["challenger"], evidence["rival"]: evidence["champion"]} | {
            "base rate": evidence["base_rate"]
        }
    return [
        {"on the judged trades": told}
        | {whose: figure(score[name], style) for whose, score in columns.items()}
        for told, name, style in _SCORES
    ]


def bins(version: str, report: Figures) -> list[dict[str, str]]:
    """Each tenth of win probability that has trades: what came of them."""
    judged = report["judged"]
    if judged is None:
        return []
    return [
        row
        for whose, drawn in series(version, report)
        for row in _bins(whose, drawn, judged["enough_rows"])
    ]


def series(version: str, report: Figures) -> list[tuple[str, Figures]]:
    """Whose curves there are: the model's own first, then those of the champion it was judged
    against."""
    judged = report["judged"] or {}
    named = {"challenger": version, "champion": report["evidence"]["rival"]}
    return [(name, judged[whose]) for whose, name in named.items() if whose in judged]


def facts(report: Figures) -> dict[str, str]:
    """Rows, window, recipe and the election, by name."""
    rows, recipe, memory = report["rows"], report["recipe"], report["memory"]
    dropped = ", ".join(f"{reason}: {count:,}" for reason, count in rows["dropped"].items())
    told = {
        "rows used": f"{rows['fitted']:,} of {rows['usable']:,}",
        "rows purged": f"{rows['purged']:,}, still open when the first judged one was decided",
        "rows dropped": dropped or "none",
        "trades": f"{_day(report['data_from'])} to {_day(report['data_cutoff'])}",
        "win rate": f"{report['win_rate']:.1%}",
        "recipe": f"{recipe['version']}: {recipe['trees']} trees of at most"
        f" {recipe['params']['num_leaves']} leaves, LightGBM {report['lightgbm']}",
        "memory": _memory(memory),
    }
    if "filtering" in report:
        told["filtered data"] = report["filtering"]["line"]
    return told


def importance(report: Figures) -> list[tuple[str, float]]:
    """Inputs by how much they move the log-odds, the most first."""
    told = report["importance"] or {"highest": []}
    return [(_input(each), each["log_odds"]) for each in told["highest"]]


def weights(report: Figures) -> str | None:
    """What the feature weights are worth, None where there are none or nobody has looked."""
    told = report["weights"]
    if told is None:
        return None
    end = "" if told["enough"] else f": {NOT_ENOUGH} that they help or hurt"
    return (
        f"feature weights: log-loss {told['log_loss']:.4f}, without them"
        f" {told['uniform_log_loss']:.4f}, z {told['z']:+.2f}{end}"
    )


def not_explained(report: Figures) -> str | None:
    """Why there is no importance."""
    if report["importance"] is not None:
        return None
    return (
        "looked at for models that may go live, and in trainings that a person asks for"
        " (`autoretrain train`)"
    )


def _bins(whose: str, drawn: Figures, needed: int) -> Iterator[dict[str, str]]:
    for told, earned in zip(drawn["reliability"], drawn["pnl"], strict=True):
        if told["rows"]:
            yield {
                "model": whose,
                "probability": f"{told['from']:.1f} to {told['to']:.1f}",
                "trades": figure(told["rows"]),
                "told": figure(told["probability"], ".1%"),
                "won": enough(told, figure(told["win_rate"], ".1%"), needed),
                "taken by the bot": figure(earned["rows"]),
                "P&L each, %": enough(earned, figure(earned["mean_pnl_pct"], "+.2f"), needed),
            }


def enough(bin: Figures, told: str, needed: int) -> str:
    """The figure, or that there are too few trades for one."""
    return told if bin["enough"] else f"{NOT_ENOUGH} ({bin['rows']} of {needed})"


def _leans_on(report: Figures) -> Iterator[str]:
    highest = importance(report)[:_FEATURES_SHOWN]
    yield from details({name: f"{value:.3f} log-odds" for name, value in highest})
    for line in (not_explained(report), weights(report)):
        if line is not None:
            yield f"  {line}"


def _section(title: str, told: Iterator[str]) -> Iterator[str]:
    body: Sequence[str] = list(told)
    if body:
        yield ""
        if title:
            yield f"  {title}"
        yield from body


def _memory(memory: Figures) -> str:
    stood = f"the {memory['stood']} one stood"
    z = "" if memory["z"] is None else f", z {memory['z']:+.2f} (the short one above 2)"
    note = f"; {memory['note']}" if memory["note"] else ""
    return f"{stood}; {memory['scored']:,} earlier trades told{z}{note}"


def _input(stored: Figures) -> str:
    if "feature" in stored:
        return str(stored["feature"])
    return f"the trade's {stored.get('trade', ABSENT)}"


def _day(moment: str) -> str:
    return moment[:10]
