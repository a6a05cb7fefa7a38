"""What keeps the loop from working, in words that give no value away: everybody may ask."""

from __future__ import annotations

from dataclasses import dataclass

from autoretrain.errors import AutoRetrainError, BadSetting
from autoretrain.ports import Vitals

WORDS = {
    "db_unavailable": "the database does not answer",
    "contract": "the database is not ready: run `autoretrain migrate`",
    "launches_stopped": "ECS refuses to start trainers: the condition check's log says why",
    "dependency_error": "a service that this depends on does not answer",
}


@dataclass(frozen=True, slots=True)
class Problem:
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Health:
    books: Vitals

    def problems(self) -> list[Problem]:
        try:
            codes = self.books.ailments()
        except BadSetting as exc:
            return [Problem(exc.code, str(exc))]  # names it, never its value
        except AutoRetrainError as exc:
            # Its own text may name hosts and users.
            codes = [exc.code]
        return [Problem(code, WORDS.get(code, "something is wrong: see the log")) for code in codes]
