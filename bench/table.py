"""Tells what every policy came to, one line per log and policy, and what it comes to together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.page import Page
from bench.recovery import Recovery

COLUMNS = "| log | policy | accuracy | AUC | Brier | P&L % | trainings | active | CPU s | × ARF |"


@dataclass(frozen=True, slots=True)
class Run:
    """One policy over one log with one seed; figures are None where they mean nothing."""

    accuracy: float | None
    roc_auc: float | None
    brier: float | None
    taken_pnl_pct: float | None
    trainings: float
    activations: float | None
    cpu_seconds: float
    recoveries: Sequence[Recovery] = ()
    paused: str | None = None
    """Why the product stopped training before the log ended."""


@dataclass(frozen=True, slots=True)
class Line:
    """One policy over one log: the runs, one per seed, and ARF's mean CPU seconds beside them."""

    log: str
    policy: str
    runs: Sequence[Run]
    arf_cpu_seconds: float | None

    def mean(self, name: str) -> float | None:
        found = [getattr(run, name) for run in self.runs]
        return None if None in found else fmean(found)

    @property
    def cpu_ratio(self) -> float | None:
        mean = self.mean("cpu_seconds")
        return mean / self.arf_cpu_seconds if mean and self.arf_cpu_seconds else None


def tell_table(page: Page, lines: Iterable[Line]) -> list[Line]:
    """Each line as soon as it is known: the whole takes long."""
    page.tell(COLUMNS)
    page.tell("|---|---|" + "---:|" * 8)
    told = []
    for line in lines:
        told.append(line)
        cells = [
            _told(line.mean("accuracy"), ".4f"),
            _told(line.mean("roc_auc"), ".4f"),
            _told(line.mean("brier"), ".4f"),
            _told(line.mean("taken_pnl_pct"), "+.3f"),
            _told(line.mean("trainings"), ".0f"),
            _told(line.mean("activations"), ".0f"),
            _told(line.mean("cpu_seconds"), ".1f"),
            _told(line.cpu_ratio, ".2f"),
        ]
        page.tell(f"| {line.log} | {line.policy} | {' | '.join(cells)} |")
    for line in told:
        if paused := next((run.paused for run in line.runs if run.paused), None):
            page.tell()
            page.tell(f"{line.log}, {line.policy}: paused after failed trainings: {paused}")
    return told


def tell_means(page: Page, lines: Sequence[Line], logs: Sequence[str]) -> None:
    """Over the trade logs that nothing is planted in, each weighing the same."""
    if len(logs) < 2:
        return
    page.tell(f"\nMean of {', '.join(logs)}:\n")
    page.tell("| policy | AUC | P&L % | × ARF |\n|---|---:|---:|---:|")
    for policy in dict.fromkeys(line.policy for line in lines):
        of = [line for line in lines if line.policy == policy and line.log in logs]
        auc, pnl = (_mean(line.mean(name) for line in of) for name in ("roc_auc", "taken_pnl_pct"))
        ratio = _mean(line.cpu_ratio for line in of)
        cells = (_told(auc, ".4f"), _told(pnl, "+.3f"), _told(ratio, ".2f"))
        page.tell(f"| {policy} | {' | '.join(cells)} |")


def tell_recoveries(page: Page, lines: Sequence[Line]) -> None:
    """Per flip the mean level before it, and after how many trades each seed was back."""
    told = [line for line in lines if any(run.recoveries for run in line.runs)]
    if not told:
        return
    page.tell(
        "\nTrades served after a planted flip before 200 in a row have an expected AUC, against\n"
        "the true probabilities, of 95 % of that of the policy's own 500 trades before the flip;\n"
        "one figure per seed, – where the regime ended first. In brackets the AUC before it:\n"
        "beside one near .5, of a policy that had nothing to lose, the figure means nothing.\n"
    )
    names = [one.flip for one in told[0].runs[0].recoveries]
    heads = " | ".join(f"{told[0].log}: {name}" for name in names)
    page.tell(f"| policy | {heads} |\n|---|" + "---:|" * len(names))
    for line in told:
        flips_of = zip(*(run.recoveries for run in line.runs), strict=True)
        page.tell(f"| {line.policy} | {' | '.join(map(_recovered, flips_of))} |")


def _recovered(found: Sequence[Recovery]) -> str:
    trades = ", ".join("–" if one.trades is None else str(one.trades) for one in found)
    return f"{trades} ({fmean(one.level for one in found):.3f})"


def _mean(values: Iterable[float | None]) -> float | None:
    found = list(values)
    known = [value for value in found if value is not None]
    return fmean(known) if found and len(known) == len(found) else None


def _told(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"
