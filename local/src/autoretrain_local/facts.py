"""Turns the log's facts into the lines that people read.

A figure that a fact does not have, such as an accuracy of what was not judged, is absent from it.
"""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TextIO

Fact = Mapping[str, Any]


def read_fact(line: str) -> Fact | None:
    """A JSON log line of ours; None for anything else that a process writes."""
    fact = _read_json(line)
    return fact if "message" in fact else None


def read_figures(line: str) -> Fact | None:
    """A line of figures that CloudWatch would take from the log, not people: its embedded metric
    format."""
    figures = _read_json(line)
    return figures if "_aws" in figures else None


def _read_json(line: str) -> Fact:
    try:
        read = json.loads(line)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


@dataclass
class Tally:
    """What has come of the strategies since a check started: the last word on each run counts."""

    checked: int = 0
    runs: dict[str, str] = field(default_factory=dict)

    def count(self, fact: Fact) -> None:
        state = _state_of(fact)
        if state is not None:
            self.runs[fact["run_id"]] = state

    @property
    def activated(self) -> int:
        return self._of("activated")

    @property
    def unfinished(self) -> int:
        """Runs that failed, or wait for a later tick."""
        return self._of(FAILED) + self._of(WAITING)

    def line(self) -> str:
        kept = self._of("kept")
        retrained, others = self.activated + kept, ""
        for what in (FAILED, WAITING):
            others += f", {self._of(what)} {what}" if self._of(what) else ""
        skipped = max(0, self.checked - retrained - self.unfinished)
        return (
            f"🔄 Auto-retrain check complete: {retrained} retrained, {skipped} skipped{others}"
            f" ({self.activated} activated, {kept} kept)"
        )

    def _of(self, state: str) -> int:
        return sum(held == state for held in self.runs.values())


FAILED, WAITING = "failed", "to be trained by a later tick"
NOTIFIED = "auto-retrain notification sent"


def _state_of(fact: Fact) -> str | None:
    match fact:
        case {"message": "auto-retrain finished", "retrained": True, "activated": activated}:
            return "activated" if activated else "kept"
        case {"message": "auto-retrain finished"}:
            return "declined"
        case {"message": "auto-retrain launch", "outcome": "launched"}:
            return None
        case {"message": "auto-retrain failed"} | {"status": "failed"} | {"outcome": "refused"}:
            return FAILED
        case {"code": "superseded"}:
            return None  # whoever owns the run by now tells the rest
        case {"message": "auto-retrain given back" | "auto-retrain launch"} | {"status": "queued"}:
            return WAITING
    return None


class Narrator:
    """Tells each fact once, as lines; on a terminal also what a training is doing just now.

    Whether `notifications` that were sent get a line too: they repeat what other lines say.
    """

    def __init__(self, out: TextIO, notifications: bool = False) -> None:
        self.tally = Tally()
        self._out = out
        self._notifications = notifications
        self._lock = Lock()

    def hear(self, line: str) -> None:
        """Tell a log line; what is no fact of ours is passed on as it is."""
        fact = read_fact(line)
        if fact is None:
            if read_figures(line) is None:
                self.say(line.rstrip("\n"))
            return
        self._count(fact)
        if fact["message"] == "auto-retrain progress":
            self._show_progress(f"   {fact['strategy']}: {_phase(fact)} …")
        elif fact["message"] == NOTIFIED:
            if self._notifications:
                self.say(f"📣 Notified: {fact['subject']}")
        elif lines := lines_of(fact):
            self.say(lines)

    def say(self, text: str) -> None:
        self._write(f"{text}\n")

    def _count(self, fact: Fact) -> None:
        with self._lock:
            if fact["message"] == "auto-retrain check started":
                self.tally = Tally(fact["strategies"])
            self.tally.count(fact)

    def _show_progress(self, text: str) -> None:
        if self._out.isatty():
            self._write(text)

    def _write(self, text: str) -> None:
        with self._lock:
            try:
                self._out.write(f"{self._clear()}{text}")
                self._out.flush()
            except BrokenPipeError:
                # Whoever read this has gone: end as at Ctrl-C, and say no more.
                self._out = io.StringIO()
                signal.raise_signal(signal.SIGINT)

    def _clear(self) -> str:
        return "\r\x1b[K" if self._out.isatty() else ""


def lines_of(fact: Fact) -> str:
    """What people read of a fact: nothing where the lines of another fact say it."""
    tell = _TELLERS.get(fact["message"])
    if tell is not None:
        return tell(fact)
    if fact.get("level") in ("WARNING", "ERROR", "CRITICAL"):
        why = fact.get("why") or fact.get("exception") or fact.get("code") or ""
        return f"⚠️  {fact['message']}: {_who(fact)}{why}"
    return ""


def _started(fact: Fact) -> str:
    count = fact["strategies"]
    return f"🔄 Auto-retrain check started\nChecking {count} strategy(ies) for auto-retraining"


def _decision(fact: Fact) -> str:
    if fact["should_retrain"]:
        return ""
    return f"⏭️  Skipped strategy: {_name(fact)}\n  reason: {fact['reason']}"


def _not_started(fact: Fact) -> str:
    return f"⏭️  Skipped strategy: {_name(fact)}\n  reason: {fact['why']}"


def _training(fact: Fact) -> str:
    return f"⏳ Training strategy: {_name(fact)}"


def _finished(fact: Fact) -> str:
    if not fact["retrained"]:
        return f"⏭️  Skipped strategy: {_name(fact)}\n  reason: {_words(fact)}"
    kept = fact.get("previous_version", "the base rate (no model is active)")
    title = (
        "✅ Auto-retrained strategy"
        if fact["activated"]
        else (f"➖ Auto-retrained strategy, kept {kept}")
    )
    lines = [
        f"{title}: {_name(fact)}",
        f"  reason: {fact['reason']}",
        f"  model_version: {fact['model_version']}",
        f"  accuracy: {_figure(fact.get('accuracy'), '.2f')}",
        f"  improvement: {_figure(fact.get('improvement'), '+.2f')}",
        f"  decided by: {fact['decided_by']}",
    ]
    if dropped := fact.get("rows_dropped"):
        told = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
        lines.append(f"  trades left out: {told}")
    if fact["below_base_rate"] and fact["activated"]:
        lines.append("  note: better than the previous model, but not better than the base rate")
    return "\n".join(lines)


def _failed(fact: Fact) -> str:
    return f"❌ Auto-retrain failed: {_name(fact)}\n  {fact['code']}: {fact['why']}"


def _silent(_fact: Fact) -> str:
    return ""


def _phase(fact: Fact) -> str:
    rounds = f" {fact['round']}/{fact['rounds']}" if fact.get("rounds") else ""
    return f"{fact['phase']}{rounds}"


def _words(fact: Fact) -> str:
    return f"{fact['outcome'].replace('_', ' ')}: {fact['decided_by']}"


def _figure(value: float | None, style: str) -> str:
    return "not judged" if value is None else format(value, style)


def _name(fact: Fact) -> str:
    return f"{fact['strategy']} ({fact['strategy_id']})"


def _who(fact: Fact) -> str:
    if "strategy" in fact:
        return f"{_name(fact)}: "
    return f"strategy {fact['strategy_id']}: " if "strategy_id" in fact else ""


_TELLERS: dict[str, Callable[[Fact], str]] = {
    "auto-retrain check started": _started,
    "auto-retrain check complete": _silent,  # the stack itself tells it as soon as it is so
    "auto-retrain decision": _decision,
    "auto-retrain not started": _not_started,
    "auto-retrain training started": _training,
    "auto-retrain finished": _finished,
    "auto-retrain failed": _failed,
}
