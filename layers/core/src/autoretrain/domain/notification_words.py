"""What is told to people: what has happened, the figures with their units, and what to do.

A payload may lack what it is asked for, where an earlier version has written it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from autoretrain.domain.json import Json, JsonValue
from autoretrain.domain.notifications import Notification, Topic

SUBJECT_CHARACTERS = 99
"""Amazon SNS API reference, Publish: less than 100 characters, ASCII, none of them a control."""
_NAME_CHARACTERS = 40
_LINE_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class _Words:
    headline: str
    lines: list[str]
    to_do: str


def subject_of(note: Notification) -> str:
    """One line of at most 99 ASCII characters."""
    name = _shortened(_name(note), _NAME_CHARACTERS)
    line = " ".join(f"auto-retrain: {name}: {_words(note).headline}".split())
    plain = "".join(letter for letter in line if letter.isprintable())
    return _shortened(plain.encode("ascii", "replace").decode(), SUBJECT_CHARACTERS)


def text_of(note: Notification) -> str:
    """A few short paragraphs."""
    words = _words(note)
    lines = [
        f"{_name(note)}: {words.headline}.",
        "",
        *words.lines,
        "",
        f"What to do: {words.to_do}",
        "",
        f"{note.topic} at {note.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        f"Strategy {note.strategy_id}, event {note.event_id}",
    ]
    return "\n".join(_shortened(line, _LINE_CHARACTERS) for line in lines)


def _words(note: Notification) -> _Words:
    match note.topic:
        case Topic.MODEL_ACTIVATED:
            return _activated(note)
        case Topic.MODEL_KEPT:
            return _kept(note)
        case Topic.MODEL_DEGRADED:
            return _degraded(note)
        case Topic.APPROVAL_PENDING:
            return _pending(note)
        case Topic.TRAINING_FAILED:
            return _failed(note)
        case Topic.STRATEGY_PAUSED:
            return _paused(note)
    return _Words(note.topic, [], f"autoretrain show {note.strategy_id} says more.")


def _activated(note: Notification) -> _Words:
    told, previous = note.payload, note.payload.get("previous_version")
    back = f" To go back: autoretrain activate {note.strategy_id} {previous}" if previous else ""
    return _Words(
        f"{told.get('version')} is live",
        [f"Live before: {previous or 'no model'}", *_decided(told)],
        f"nothing, bots load it by themselves.{back}",
    )


def _kept(note: Notification) -> _Words:
    told, live = note.payload, note.payload.get("previous_version")
    return _Words(
        f"{told.get('version')} does not go live, {live or 'no model'} is",
        _decided(told),
        f"nothing. How it was judged: autoretrain report {note.strategy_id} {told.get('version')}",
    )


def _pending(note: Notification) -> _Words:
    told, live = note.payload, note.payload.get("previous_version")
    return _Words(
        f"{told.get('version')} waits for your approval",
        [f"Live until then: {live or 'no model'}", *_decided(told)],
        f"autoretrain activate {note.strategy_id} {told.get('version')}, or nothing: the next one"
        " that is good enough takes its place.",
    )


def _degraded(note: Notification) -> _Words:
    told = note.payload
    return _Words(
        f"{told.get('version')} has degraded",
        [f"Seen: {told.get('why')}", f"By the rule: {told.get('rule')}"],
        "nothing, the hourly check asks for a training by itself. To look closer:"
        f" autoretrain show {note.strategy_id}",
    )


def _failed(note: Notification) -> _Words:
    told, hours = note.payload, note.payload.get("rests_hours")
    to_do = "what the message says; another notification tells that the strategy is paused."
    if hours is not None:
        to_do = f"what the message says. The strategy rests for {hours} h, then is checked again."
    if told.get("error_code") == "launch_config":
        to_do = "what the message says, then deploy again. Until a trainer starts, trainings wait."
    return _Words(f"a training failed: {told.get('error_code')}", _error(told), to_do)


def _paused(note: Notification) -> _Words:
    told = note.payload
    return _Words(
        "is paused, nothing is trained any more",
        [f"Why: {told.get('paused_reason')}", *_error(told)],
        f"what the message says, then: autoretrain resume {note.strategy_id}",
    )


def _error(told: Json) -> list[str]:
    return [f"Message: {told.get('error_message')}", f"Training run: {told.get('run_id')}"]


def _decided(told: Json) -> list[str]:
    reason, why, verdict = (told.get(name) for name in ("reason", "why", "verdict"))
    lines = [f"Trained because: {reason}"] if reason else []
    return [*lines, f"Decided because: {why}", *_accuracies(verdict)]


def _accuracies(verdict: JsonValue) -> list[str]:
    """None where nothing could be judged; log-loss, which decides, stands in the reason."""
    if not isinstance(verdict, dict):
        return []
    new, old = (_accuracy(verdict.get(name)) for name in ("challenger", "champion"))
    if new is None or old is None:
        return []
    rows, rival = verdict.get("judged_rows"), verdict.get("rival")
    return [f"Accuracy on these {rows} trades: {new:.1%} ({rival}: {old:.1%})"]


def _accuracy(score: JsonValue) -> float | None:
    accuracy = score.get("accuracy") if isinstance(score, dict) else None
    return accuracy if isinstance(accuracy, int | float) else None


def _name(note: Notification) -> str:
    return note.strategy or f"strategy {note.strategy_id}"


def _shortened(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 3]}..."
