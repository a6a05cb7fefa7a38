"""Plays the shipped policy with short memories of several lengths over every log of some folders.

One seed. The logs may be real ones or the jumping ones of `bench/streams.py`. "CPU" is the
process's seconds for the whole log.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

if not __package__:
    # Run as a file, only its own folder is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from autoretrain.domain.gate import ActivationMode
from autoretrain_local.replay.scoring import score
from autoretrain_trainer import recall
from autoretrain_trainer.recipe import SHORT_MEMORY_ROWS
from bench.logs import Case, cases
from bench.page import Page, arguments
from bench.product import Product

LENGTHS = (350, 500, 700, 1_000)
POLICY = Product(ActivationMode.IF_BETTER)


def compare(case: Case, lengths: Sequence[int]) -> Iterator[str]:
    """A line per length of the short memory; the shipped one is marked."""
    for length in lengths:
        # The product has one length, which nobody may set.
        with patch.object(recall, "SHORT_MEMORY_ROWS", length):
            played = POLICY.play(case.log, 0)
        scores = score(case.log, played.said)
        marked = f"**{length:,}**" if length == SHORT_MEMORY_ROWS else f"{length:,}"
        auc = "–" if scores.roc_auc is None else f"{scores.roc_auc:.4f}"
        figures = (f"{scores.accuracy:.4f}", auc, f"{scores.brier:.4f}")
        spent = f"{played.cpu_seconds:.1f}"
        yield f"| {case.name} | {marked} | {' | '.join(figures)} | {spent} |"


def main() -> None:
    asked, page = arguments(__doc__), Page()
    page.tell(
        "| log | short memory | accuracy | AUC | Brier | CPU s |\n|---|---:|---:|---:|---:|---:|"
    )
    for case in (case for folder in asked.data for case in cases(folder, None)):
        for line in compare(case, LENGTHS):
            page.tell(line)
    if asked.markdown is not None:
        page.write(asked.markdown, "bench-memories")


if __name__ == "__main__":
    main()
