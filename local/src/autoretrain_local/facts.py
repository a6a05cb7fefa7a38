"""Turns the log's facts into the lines that people read.

A figure that a fact does not have, such as an accuracy of what was not judged, is absent from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, TextIO

Fact = Mapping[str, Any]


def read_fact(line: str) -> Fact | None:
    """A JSON log line of ours; None for anything else that a process writes."""
    try:
        fact = json.loads(line)
    except ValueError:
        return None
    return fact if isinstance(fact, dict) and "message" in fact else None


@dataclass
class Tally:
    """What has come of the strategies since the last check started."""

    checked: int = 0
    activated: int = 0
    kept: int = 0

    @property
    def retrained(self) -> int:
        return self.activated + self.kept

    def count(self, fact: Fact) -> None:
        if fact["message"] == "auto-retrain check started":
            self.checked, self.activated, self.kept = fact["strategies"], 0, 0
        if fact["message"] == "auto-retrain finished" and fact["retrained"]:
            self.activated += fact["activated"]
            self.kept += not fact["activated"]

    def line(self) -> str:
        return (
            f"🔄 Auto-retrain check complete: {self.retrained} retrained,"
            f" {max(0, self.checked - self.retrained)} skipped"
            f" ({self.activated} activated, {self.kept} kept)"
        )


class Narrator:
    """Tells each fact once, as lines; on a terminal also what a training is doing just now."""

    def __init__(self, out: TextIO) -> None:
        self.tally = Tally()
        self._out = out
        self._lock = Lock()

    def hear(self, line: str) -> None:
        """Tell a log line; what is no fact of ours is passed on as it is."""
        fact = read_fact(line)
        if fact is None:
            self.say(line.rstrip("\n"))
            return
        with self._lock:
            self.tally.count(fact)
        if fact["message"] == "auto-retrain progress":
            self._show_progress(f"   {fact['strategy']}: {fact['phase']} …")
        elif lines := lines_of(fact):
            self.say(lines)

    def say(self, text: str) -> None:
        with self._lock:
            self._out.write(f"{self._clear()}{text}\n")
            self._out.flush()

    def _show_progress(self, text: str) -> None:
        if self._out.isatty():
            with self._lock:
                self._out.write(f"{self._clear()}{text}")
                self._out.flush()

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
    kept = fact.get("champion", "the base rate (no model is active)")
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
    if fact["below_base_rate"] and fact["activated"]:
        lines.append("  note: better than the previous model, but not better than the base rate")
    return "\n".join(lines)


def _failed(fact: Fact) -> str:
    return f"❌ Auto-retrain failed: {_name(fact)}\n  {fact['code']}: {fact['why']}"


def _silent(_fact: Fact) -> str:
    return ""


def _words(fact: Fact) -> str:
    return f"{fact['outcome'].replace('_', ' ')}: {fact['decided_by']}"


def _figure(value: float | None, style: str) -> str:
    return "not judged" if value is None else format(value, style)


def _name(fact: Fact) -> str:
    return f"{fact['strategy']} ({fact['strategy_id']})"


def _who(fact: Fact) -> str:
    return f"{_name(fact)}: " if "strategy" in fact else ""


_TELLERS: dict[str, Callable[[Fact], str]] = {
    "auto-retrain check started": _started,
    "auto-retrain check complete": _silent,  # the stack itself tells it as soon as it is so
    "auto-retrain decision": _decision,
    "auto-retrain not started": _not_started,
    "auto-retrain training started": _training,
    "auto-retrain finished": _finished,
    "auto-retrain failed": _failed,
}
