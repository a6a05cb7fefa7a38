"""Plays the product's replay over every log of a folder, beside simpler ways to forecast it.

Every trade is forecast in turn by what was known when it was decided; scored are all decided after
the first 100 had closed. Inputs are the log's features, the side, and a code for the symbol. One
thread, trainings take no time, the mean over the seeds. "P&L" is percent per trade of those above
the running 70 % quantile of the last 500 probabilities, "CPU" the process's seconds for the whole
log, "× ARF" those as a multiple of river's forest in the same run.

A log is NAME.csv or NAME.csv.gz as `autoretrain replay` reads it. The true probabilities of
trades_NAME.csv.gz may stand in truth_NAME.csv.gz: with them the recovery after a flip is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

import numpy as np

if not __package__:
    # Run as a file, only its own folder is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from autoretrain.domain.gate import ActivationMode
from autoretrain.errors import AutoRetrainError, Invalid
from autoretrain_local.replay.scoring import score
from autoretrain_local.replay.serving import NO_MODEL, Said
from bench.baselines import BASELINES, SEEDED
from bench.forecasting import Build, forecast
from bench.logs import Case, cases
from bench.page import Page
from bench.product import ALWAYS, Product
from bench.recovery import flips, recovery
from bench.table import Line, Run, tell_means, tell_recoveries, tell_table

ARF = "arf10"
MODES = (ActivationMode.IF_BETTER, ActivationMode.IF_NOT_WORSE)
LEAST_TAKEN_SHARE = 0.1
"""Who takes fewer has no best 30 %: "no change" says yes or no, and hardly ever more than that."""

Play = Callable[[Case, int], Run]
"""Plays a log with a seed."""


def baseline(build: Build) -> Play:
    def play(case: Case, seed: int) -> Run:
        began = time.process_time()
        told = forecast(case.rows, build, seed)
        spent = time.process_time() - began
        version = np.where(told.by_model, 0, NO_MODEL)
        return _run(case, Said(told.probability, version, ["v1"]), told.trainings, None, spent)

    return play


def product(policy: Product) -> Play:
    def play(case: Case, seed: int) -> Run:
        played = policy.play(case.log, seed)
        trainings, activations = len(played.trainings), len(played.activations)
        run = _run(case, played.said, trainings, activations, played.cpu_seconds)
        return replace(run, paused=played.trainings[-1].line) if played.paused_at else run

    return play


def _run(
    case: Case, said: Said, trainings: int, activations: int | None, cpu_seconds: float
) -> Run:
    scores, truth = score(case.log, said), case.truth
    ranks = (scores.taken_share or 0) >= LEAST_TAKEN_SHARE
    return Run(
        accuracy=scores.accuracy,
        roc_auc=scores.roc_auc,
        brier=scores.brier,
        taken_pnl_pct=scores.taken_pnl_pct if ranks else None,
        trainings=trainings,
        activations=activations,
        cpu_seconds=cpu_seconds,
        recoveries=[recovery(truth, said.probability, flip) for flip in flips(truth.regime)]
        if truth
        else [],
    )


def compare(case: Case, policies: dict[str, Play], seeds: int) -> Iterator[Line]:
    """Every policy in turn; ARF is the first where it is among them."""
    arf_cpu_seconds = None
    for name, play in policies.items():
        drawn = seeds if name in SEEDED or name not in BASELINES else 1
        line = Line(case.name, name, [play(case, seed) for seed in range(drawn)], arf_cpu_seconds)
        if name == ARF:
            arf_cpu_seconds = line.mean("cpu_seconds")
            line = Line(case.name, name, line.runs, arf_cpu_seconds)
        yield line


def policies_of(baselines: Sequence[str], modes: Sequence[str]) -> dict[str, Play]:
    """In the order of the table. Raises Invalid for a name that there is not."""
    _refuse_unknown("baseline", baselines, [*BASELINES, *ALWAYS])
    _refuse_unknown("activation mode", modes, list(ActivationMode))
    found: dict[str, Play] = {
        name: baseline(build) for name, build in BASELINES.items() if name in baselines
    }
    found |= {name: product(of) for name, of in ALWAYS.items() if name in baselines}
    return found | {mode: product(Product(ActivationMode(mode))) for mode in modes}


def _refuse_unknown(what: str, names: Sequence[str], known: Sequence[str]) -> None:
    if unknown := set(names) - set(known):
        raise Invalid(f"no {what} {', '.join(sorted(unknown))}; there are: {', '.join(known)}")


def main() -> None:
    asked = _arguments()
    try:
        _run_all(asked)
    except AutoRetrainError as exc:
        sys.exit(str(exc))


def _run_all(asked: argparse.Namespace) -> None:
    seeds, most = (1, 1) if asked.quick else (asked.seeds, None)
    found = list(islice(cases(asked.data, asked.logs), most))
    policies, page = policies_of(asked.baselines, asked.modes), Page()
    lines = tell_table(page, (line for case in found for line in compare(case, policies, seeds)))
    tell_means(page, lines, [case.name for case in found if case.real])
    tell_recoveries(page, lines)
    if asked.json is not None:
        told = [asdict(line) | {"cpu_ratio": line.cpu_ratio} for line in lines]
        asked.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    if asked.markdown is not None:
        page.write(asked.markdown, "bench-learning")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    everything = [*BASELINES, *ALWAYS]
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of the logs")
    add("--logs", type=_names, help="only these, by file name without .csv.gz")
    add("--seeds", type=int, default=3)
    add("--modes", type=_names, default=list(MODES), help="activation modes of the product")
    add("--baselines", type=_names, default=everything, help=f"of {', '.join(everything)}")
    add("--json", type=Path, help="write every run's figures here")
    add("--markdown", type=Path, help="put the tables between this document's markers")
    add("--quick", action="store_true", help="the first log, one seed")
    return parser.parse_args()


def _names(told: str) -> list[str]:
    return [name.strip() for name in told.split(",") if name.strip()]


if __name__ == "__main__":
    main()
