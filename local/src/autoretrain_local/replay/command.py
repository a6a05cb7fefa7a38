"""`autoretrain replay`: what it takes, what it writes, and how it shows that it gets on."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autoretrain_local.replay.log import Log
    from autoretrain_local.replay.play import Pace, Played, Variant
    from autoretrain_local.replay.report import Result
    from autoretrain_local.replay.settings import Settings

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_OUT = click.Path(path_type=Path, dir_okay=False, writable=True)
_SHOWN_ROWS = 10


@click.command()
@click.argument("file", metavar="TRADES", type=_FILE)
@click.option("--policy", type=_FILE, help="JSON or TOML with settings of a strategy, by name.")
@click.option("--strategy", help="Play this one only, where the file has several.")
@click.option("--predictions", type=_OUT, help="Write each trade's probability to this CSV.")
@click.option("--json", "json_out", type=_OUT, help="Write every figure to this JSON.")
@click.option("--plot", type=_OUT, help="Draw it into this HTML page, which stands alone.")
@click.option(
    "--training-minutes",
    type=click.FloatRange(0, 10_000),
    default=0,
    show_default=True,
    help="How long a training takes.",
)
@click.option(
    "--tick-minutes",
    type=click.IntRange(1, 10_000),
    default=60,
    show_default=True,
    help="How often the conditions are checked.",
)
def replay(
    file: Path,
    policy: Path | None,
    strategy: str | None,
    predictions: Path | None,
    json_out: Path | None,
    plot: Path | None,
    training_minutes: float,
    tick_minutes: int,
) -> None:
    """Play the hourly policy over the past of a trade log.

    What would have been retrained when and why, what would have gone live, and what it would have
    been worth: by the very code that decides, trains and judges in production, beside never
    retraining (the first model only) and always retraining (no gate). Needs no stack.

    TRADES is CSV in UTF-8, plain or gzipped, as import-trades takes it, optionally with a column
    strategy. A check sees the trades that had closed by then; what it trains serves the trades
    decided later. Nothing that came after a decision has any part in its probability.

    The policy's settings are those of `autoretrain set`: ml_min_trades_for_training (or
    min_trades), new_trades_threshold, degradation_ratio, max_age_days, activation_mode and so on;
    what is left out has its default.
    """
    from autoretrain.domain.gate import ActivationMode
    from autoretrain_local.replay.play import Pace
    from autoretrain_local.replay.report import lines, write_predictions
    from autoretrain_local.replay.settings import Settings, read_settings

    settings = read_settings(policy) if policy else Settings()
    if settings.activation_mode is ActivationMode.APPROVE:
        click.echo("activation_mode approve: nobody approves here, so nothing goes live", err=True)
    logs = _logs(file, strategy)
    for log in logs:
        _refuse_unknown_weights(log, settings)
    results = [_play(log, settings, Pace(tick_minutes, training_minutes)) for log in logs]
    if predictions is not None:
        with predictions.open("w", encoding="utf-8", newline="") as out:
            write_predictions(results, out)
    if json_out is not None:
        _write_json(json_out, file, settings, results)
    if plot is not None:
        from autoretrain_local.replay.plot import page

        plot.write_text(page(file.name, results), encoding="utf-8")
    for result in results:
        for line in lines(result):
            click.echo(line)
    for written, content in (
        (predictions, "predictions"),
        (json_out, "figures"),
        (plot, "drawings"),
    ):
        if written is not None:
            click.echo(f"{written} holds the {content}")


def _logs(file: Path, strategy: str | None) -> Sequence[Log]:
    from autoretrain.errors import DataError
    from autoretrain_local.replay.log import logs_of
    from autoretrain_local.trade_file import read_trades

    size = file.stat().st_size
    with click.progressbar(
        length=size, label="reading", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        read = read_trades(file, None, bar.update)
    for row in read.bad_rows[:_SHOWN_ROWS]:
        click.echo(f"left out: {row}", err=True)
    if len(read.bad_rows) > _SHOWN_ROWS:
        click.echo(f"… and {len(read.bad_rows) - _SHOWN_ROWS:,} more rows left out", err=True)
    logs = logs_of(read.trades, read.features)
    if not logs:
        raise DataError("trade_file", "the file holds no trade that can be read")
    if strategy is None:
        return list(logs.values())
    if strategy not in logs:
        names = ", ".join(logs)
        raise DataError("trade_file", f"the file has no strategy {strategy!r}; it has: {names}")
    return [logs[strategy]]


def _refuse_unknown_weights(log: Log, settings: Settings) -> None:
    """At once, and not at every training."""
    from autoretrain_trainer.inputs import inputs_of
    from autoretrain_trainer.weights import contributions

    contributions(settings.feature_weights, inputs_of(log.features, log.symbols))


def _play(log: Log, settings: Settings, pace: Pace) -> Result:
    from autoretrain_local.replay.play import Variant, play
    from autoretrain_local.replay.report import Result

    played: dict[Variant, Played] = {}
    for variant in Variant:
        label = f"{log.strategy or 'trades'}, {variant.replace('_', ' ')}"
        with _progress(label, len(log)) as tell:
            played[variant] = play(log, settings, variant, pace, tell)
    return Result(log, played)


@contextmanager
def _progress(label: str, trades: int) -> Iterator[Callable[[int], object]]:
    """A bar on a terminal, a line per tenth in a log."""
    if sys.stderr.isatty():
        with click.progressbar(length=trades, label=label, file=sys.stderr) as bar:
            yield bar.update
        return
    seen = tenths = 0

    def tell(more: int) -> None:
        nonlocal seen, tenths
        seen += more
        while tenths < seen * 10 // trades:
            tenths += 1
            click.echo(f"{label}: {tenths * 10} %", err=True)

    yield tell


def _write_json(out: Path, file: Path, settings: Settings, results: Sequence[Result]) -> None:
    import json

    from autoretrain_local.replay.report import to_json
    from autoretrain_local.replay.settings import to_told

    told = {
        "file": file.name,
        "settings": to_told(settings),
        "strategies": [to_json(result) for result in results],
    }
    out.write_text(json.dumps(told, indent=2, allow_nan=False) + "\n", encoding="utf-8")
