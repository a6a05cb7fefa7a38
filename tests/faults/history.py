"""What may never happen, whatever fails: rules on the books as they are, and on how they came to
be so."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from psycopg2.extensions import connection

from autoretrain.domain.models import Assignment
from autoretrain.domain.runs import LIVE

_LOOK = """
SELECT json_build_object(
    'runs', (SELECT coalesce(json_agg(x ORDER BY x.queued_at), '[]') FROM (
        SELECT id, strategy_id, slot, status, fence, attempt, model_version, queued_at
        FROM autoretrain.training_runs) x),
    'strategies', (SELECT coalesce(json_agg(x), '[]') FROM (
        SELECT t.strategy_id, t.fence, t.champion, s.ml_model_version AS shown,
            (SELECT coalesce(json_agg(m.version), '[]') FROM public.ai_strategy_ml_models m
            WHERE m.strategy_id = s.id AND m.is_active) AS active
        FROM autoretrain.strategy_training t
        JOIN public.ai_strategies s ON s.id = t.strategy_id) x),
    'models', (SELECT coalesce(json_agg(x), '[]') FROM (
        SELECT strategy_id, version, run_id, artifact_key FROM autoretrain.model_artifacts) x),
    'activations', (SELECT coalesce(json_agg(x ORDER BY x.id), '[]') FROM (
        SELECT id, strategy_id, version, previous_version
        FROM autoretrain.model_activations) x),
    'told', (SELECT coalesce(json_agg(x ORDER BY x.id), '[]') FROM (
        SELECT id, strategy_id, payload ->> 'version' AS version
        FROM autoretrain.outbox WHERE topic = 'ModelActivated') x)
)
"""


_ATTEMPT = "attempt"


class Run(NamedTuple):
    id: str
    strategy_id: str
    slot: str | None
    status: str
    fence: int
    attempt: int
    model_version: str | None
    queued_at: str

    @property
    def lives(self) -> bool:
        return self.status in LIVE

    def ended_as(self) -> tuple[Any, ...]:
        """All of it but its time, which tests move."""
        return self[:-1]


class Strategy(NamedTuple):
    strategy_id: str
    fence: int
    champion: str | None
    shown: str | None
    active: list[str]


class Model(NamedTuple):
    strategy_id: str
    version: str
    run_id: str
    artifact_key: str

    @property
    def attempt(self) -> tuple[str, int] | None:
        """Who wrote it, where the key tells."""
        kind, run_id, fence = [*self.artifact_key.split("/"), "", ""][:3]
        return (run_id, int(fence)) if kind == _ATTEMPT else None


class Activation(NamedTuple):
    id: int
    strategy_id: str
    version: str
    previous_version: str | None


class Told(NamedTuple):
    id: int
    strategy_id: str
    version: str


class Books(NamedTuple):
    """Everything that the rules are about, at one moment."""

    runs: list[Run]
    strategies: list[Strategy]
    models: list[Model]
    activations: list[Activation]
    told: list[Told]


def look(opened: connection) -> Books:
    with opened.cursor() as cursor:
        cursor.execute(_LOOK)
        (seen,) = cursor.fetchone() or ({},)
    opened.rollback()
    return Books(
        [Run(**row) for row in seen["runs"]],
        [Strategy(**row) for row in seen["strategies"]],
        [Model(**row) for row in seen["models"]],
        [Activation(**row) for row in seen["activations"]],
        [Told(**row) for row in seen["told"]],
    )


def artifact_key(run_id: UUID, fence: int) -> str:
    """Where an attempt puts its model, so that the row tells who wrote it."""
    return f"{_ATTEMPT}/{run_id}/{fence}"


class History:
    """All that has been seen since the beginning; every look must go on from the last one."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.activations: list[Activation] = []
        self._fences: dict[str, int] = {}
        self._over: set[tuple[str, int]] = set()
        self._begun: set[tuple[str, int]] = set()
        self._promised: set[str] = set()

    def saw(self, books: Books) -> None:
        self._one_live_run_holds_the_fence(books)
        self._runs_only_go_on(books)
        self._slots_are_used_once(books)
        self._models_are_of_attempts_that_held_their_run(books)
        self._activations_are_only_added(books)
        self._one_model_is_active_everywhere(books)
        self._each_activation_is_told_once(books)

    def began(self, assignment: Assignment) -> None:
        attempt = (str(assignment.run_id), assignment.fence)
        assert attempt not in self._begun, "two trainers began the same attempt"
        self._begun.add(attempt)

    def promised(self, run_id: UUID) -> None:
        """Somebody was told of the run."""
        self._promised.add(str(run_id))

    def accepted(self, run_id: UUID, fence: int) -> None:
        """The books have taken something from the attempt."""
        assert (str(run_id), fence) not in self._over, "a lost attempt was listened to"

    def _one_live_run_holds_the_fence(self, books: Books) -> None:
        fences = {strategy.strategy_id: strategy.fence for strategy in books.strategies}
        live = [run for run in books.runs if run.lives]
        assert len({run.strategy_id for run in live}) == len(live), "two live runs of a strategy"
        for run in live:
            assert run.fence == fences[run.strategy_id], "the live run is fenced out"
        for strategy_id, fence in fences.items():
            assert fence >= self._fences.get(strategy_id, 0), "a fence went back"
        self._fences = fences

    def _runs_only_go_on(self, books: Books) -> None:
        now = {run.id: run for run in books.runs}
        for before in self.runs.values():
            assert before.id in now, "a run has vanished"
            after = now[before.id]
            if not before.lives:
                assert after.ended_as() == before.ended_as(), "a run that had ended has changed"
            elif after.fence != before.fence:
                assert after.attempt > before.attempt, "a new fence without a new attempt"
                self._over.add((before.id, before.fence))
        assert self._promised <= now.keys(), "somebody was told of a run that is not there"
        self._over |= {(run.id, run.fence) for run in books.runs if not run.lives}
        self.runs = now

    def _slots_are_used_once(self, books: Books) -> None:
        used = [(run.strategy_id, run.slot) for run in books.runs if run.slot is not None]
        assert len(set(used)) == len(used), "two runs of a strategy in one slot"

    def _models_are_of_attempts_that_held_their_run(self, books: Books) -> None:
        models = {model.run_id: model for model in books.models}
        assert len(models) == len(books.models), "two models of one run"
        for model in books.models:
            run = self.runs[model.run_id]
            assert run.status == "succeeded", f"a {run.status} run has published"
            by = model.attempt or (run.id, run.fence)
            assert by == (run.id, run.fence), "a lost attempt has published"
        for run in books.runs:
            made = models[run.id].version if run.id in models else None
            assert run.model_version == made, "a run names a model that it has not made"

    def _activations_are_only_added(self, books: Books) -> None:
        known = len(self.activations)
        assert books.activations[:known] == self.activations, "the log of activations has changed"
        last: dict[str, str] = {}
        for activation in books.activations:
            previous = last.get(activation.strategy_id)
            assert activation.previous_version == previous, "the log of activations has a gap"
            last[activation.strategy_id] = activation.version
        self.activations = books.activations

    def _one_model_is_active_everywhere(self, books: Books) -> None:
        last = {activation.strategy_id: activation.version for activation in books.activations}
        for strategy in books.strategies:
            champion = last.get(strategy.strategy_id)
            assert strategy.champion == champion, "the pointer and the log disagree"
            assert strategy.shown == champion, "the strategy shows another model than is active"
            assert strategy.active == ([champion] if champion else []), "not one model is active"

    def _each_activation_is_told_once(self, books: Books) -> None:
        put_live = [
            (activation.strategy_id, activation.version)
            for activation in books.activations
            if activation.version != activation.previous_version
        ]
        told = [(note.strategy_id, note.version) for note in books.told]
        assert told == put_live, "what was told is not what went live"
