"""What a caller may read of what went wrong inside: the words of AWS and of drivers name accounts,
roles and hosts, and are for the log."""

from __future__ import annotations

_LAUNCH = "no trainer could be started for it; the log says why"
_INSIDE = "something failed inside; the log says what"
_GONE = "its trainer was ended by the platform; the log says more"

_WORDS = {
    "launch_config": _LAUNCH,
    "launch_unavailable": _LAUNCH,
    "refused": _LAUNCH,
    "stopped": "trainers cannot be started at the moment; the log says why",
    "unavailable": "no trainer could be started now; the run waits for the next check",
    "unknown": "a trainer may be on its way; the next check looks for it",
    "lost": _GONE,
    "interrupted": _GONE,
    "trainer_exit": "its trainer ended on its own; the log says why",
    "db_unavailable": "the database did not answer",
    "artifact_unavailable": "the model store did not answer",
    "dependency_error": "a service did not answer",
    "internal_error": _INSIDE,
    "artifact_corrupt": _INSIDE,
}


def openly(code: str, message: str) -> str:
    """The message itself, where it speaks of the strategy and its trades."""
    return _WORDS.get(code, message)
