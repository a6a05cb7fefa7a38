"""How often the gate lets a challenger through that is no better, or worse, than the champion.

Every judgement has a champion of its own: fitted, with a seed of its own, on what had closed by a
cutoff, and judged by the product's own code on the next n trades. It has the memory that the
product, playing the log, elected by then. The cutoffs are spread evenly over the log whose true
probabilities are known, once over the whole of it and once over what comes before its first flip.
No challenger here is better by design: refitting with another seed is the toss of a coin, and the
others are worse unless trades have come to be decided the other way round, which makes a champion
worse than nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

if not __package__:
    # Run as a file, only its own folder is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from autoretrain.domain import gate
from autoretrain.domain.gate import ActivationMode, Comparison, Rules
from autoretrain.domain.models import Memory
from autoretrain.errors import AutoRetrainError, Invalid
from autoretrain_local.replay.log import Log
from autoretrain_local.replay.reader import Encoded, LogReader
from autoretrain_trainer import judge
from autoretrain_trainer.fit import Course
from autoretrain_trainer.recall import rows_of
from autoretrain_trainer.rows import Floats, Trades, load_trades
from bench.logs import cases
from bench.page import Page
from bench.product import elections
from bench.recovery import flips

JUDGED = (20, 50, 100, 200, 1_000)
FIRST_CUTOFF = 300
TENTH = 0.1
_SEEDS = 1_000_000
_LATER = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pair:
    """What a champion and the challengers beside it say of the judged trades."""

    judged: Trades
    base_rate: float
    champion: Floats
    challengers: Mapping[str, Floats]

    def compare(self, challenger: str) -> Comparison:
        base = np.full(len(self.judged), self.base_rate)
        probability = self.challengers[challenger]
        return judge.compare(self.judged, probability, self.champion, base, "champion")


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """A log's trades, and which memory stood from which of their closings on."""

    trades: Trades
    elections: Sequence[tuple[int, Memory]]

    def memory(self, moment: int) -> Memory:
        stood = [memory for cutoff, memory in self.elections if cutoff <= moment]
        return stood[-1] if stood else Memory.LONG


def pair(past: Past, cutoff: int, judged: int, rng: np.random.Generator) -> Pair:
    """Champion and challengers learn what had closed when trade number `cutoff` was decided."""
    trades, moment = past.trades, int(past.trades.decided_at[cutoff])
    fitted = rows_of(past.memory(moment), trades.only(trades.closed_at < moment))
    asked = trades.only(slice(cutoff, cutoff + judged))

    def say(learnt: Trades) -> Floats:
        course = Course.of(trades, {}, seed=int(rng.integers(_SEEDS)))
        return course.fit(learnt, lambda *_: None).predict(asked)

    champion = say(fitted)
    challengers = {
        "a": say(fitted),
        "b": say(replace(fitted, win=rng.permutation(fitted.win))),
        "c": say(fitted.only(rng.random(len(fitted)) < TENTH)),
        "d": 1 - champion,
    }
    return Pair(asked, judge.base_rate(fitted), champion, challengers)


CHALLENGERS = {
    "a": "the champion refit with another seed",
    "b": "trained on shuffled labels",
    "c": "trained on a tenth of the rows",
    "d": "the champion, its probabilities inverted",
}


def goes_live(comparison: Comparison, mode: ActivationMode) -> bool:
    """The champion counts as old, which only `if_not_worse` asks; what waits for approval gets
    it."""
    verdict = gate.judge(comparison, Rules(mode, champion_is_stale=True))
    return verdict.activate or verdict.awaiting_approval


def shares(
    past: Past, judged: int, judgements: int, rng: np.random.Generator
) -> dict[str, dict[ActivationMode, float]]:
    """Per challenger and mode, the share of judgements after which it would be live."""
    last = len(past.trades) - judged
    if last < FIRST_CUTOFF:
        raise Invalid(f"{len(past.trades)} trades are too few to judge {judged} of them")
    live = {name: dict.fromkeys(ActivationMode, 0) for name in CHALLENGERS}
    for cutoff in np.linspace(FIRST_CUTOFF, last, judgements).astype(int).tolist():
        both = pair(past, cutoff, judged, rng)
        for name, counts in live.items():
            comparison = both.compare(name)
            for mode in counts:
                counts[mode] += goes_live(comparison, mode)
    return {
        name: {mode: count / judgements for mode, count in counts.items()}
        for name, counts in live.items()
    }


def trades_of(log: Log) -> Trades:
    """The whole log as a training would read it at its end."""
    reader = LogReader(log, Encoded(log), _LATER, len(log))
    return load_trades(reader, reader.features(), len(log))


def scopes(folder: Path) -> Iterator[tuple[str, Past]]:
    """The log with a planted flip, and its part before the first. Raises Invalid without one."""
    for case in cases(folder, None):
        found = flips(case.truth.regime) if case.truth else []
        if found:
            past = Past(trades_of(case.log), elections(case.log))
            yield f"{case.name}, all of it", past
            first = case.log.decided_at[found[0].at]
            before = past.trades.only(past.trades.decided_at < first)
            yield f"{case.name}, before its first flip", replace(past, trades=before)
            return
    raise Invalid(f"no log in {folder} has known probabilities that flip")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the logs")
    parser.add_argument("--judgements", type=int, default=500, help="per figure")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", type=Path, help="put the tables between its markers")
    asked = parser.parse_args()
    rng, page = np.random.default_rng(asked.seed), Page()
    page.tell("Share of challengers that go live, in percent; approve: that wait for a person.")
    try:
        for name, past in scopes(asked.data):
            tell_scope(page, name, past, asked.judgements, rng)
        if asked.markdown is not None:
            page.write(asked.markdown, "bench-gate")
    except AutoRetrainError as exc:
        sys.exit(str(exc))


def tell_scope(
    page: Page, name: str, past: Past, judgements: int, rng: np.random.Generator
) -> None:
    page.tell(f"\n{name}: {len(past.trades):,} trades, {judgements} judgements each\n")
    found = {judged: shares(past, judged, judgements, rng) for judged in JUDGED}
    page.tell(f"| challenger | mode | {' | '.join(map(str, JUDGED))} |")
    page.tell("|---|---|" + "---:|" * len(JUDGED))
    for letter, words in CHALLENGERS.items():
        for mode in ActivationMode:
            told = " | ".join(f"{100 * found[judged][letter][mode]:.1f}" for judged in JUDGED)
            page.tell(f"| ({letter}) {words} | {mode} | {told} |")


if __name__ == "__main__":
    main()
