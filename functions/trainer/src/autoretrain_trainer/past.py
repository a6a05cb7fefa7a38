"""Carries the election on from one training to the next: its record, and both memories."""

from __future__ import annotations

from dataclasses import dataclass, field

from autoretrain.domain.json import Json
from autoretrain.domain.models import Election, Memory
from autoretrain_trainer.election import Record, elect
from autoretrain_trainer.exam import Exam
from autoretrain_trainer.fit import Course, Model, Rounds
from autoretrain_trainer.memories import Kept, Memories, course_json
from autoretrain_trainer.recall import has_short, rows_of
from autoretrain_trainer.rows import Trades, to_microseconds


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What the last training has left, and the record as it is by now.

    `note` says why there is none where there should be one.
    """

    memories: Memories | None = None
    record: Record = field(default_factory=Record.empty)
    note: str | None = None

    def elect(self, first_judged: int | None) -> Election:
        """See `election.elect`."""
        return elect(self.record, first_judged, self.note)

    def go_on(
        self, exam: Exam, refit: Model, trades: Trades, course: Course, report: Rounds
    ) -> Memories:
        """Both memories as fitted for judging, whatever the verdict will be.

        Where no single model was judged, they are those of all the trades.
        """
        memory, described = exam.election.memory, course_json(course)
        if exam.seat:
            kept = {memory: Kept.of(exam.seat.model, exam.seat.fitted)}
        else:
            kept = {memory: Kept.of(refit, rows_of(memory, trades))}
        if has_short(exam.known):
            other = Memory.SHORT if memory is Memory.LONG else Memory.LONG
            kept[other] = self._other(rows_of(other, exam.known), other, course, described, report)
        long = kept.get(Memory.LONG) or kept[memory]
        read_at = to_microseconds(trades.as_of)
        return Memories(read_at, described, long, kept.get(Memory.SHORT), self.record)

    def _other(
        self, rows: Trades, memory: Memory, course: Course, described: Json, report: Rounds
    ) -> Kept:
        """The memory that did not stand: only its probabilities count, so it may lag a little."""
        if self.memories is not None and self.memories.course == described:
            kept = self.memories.of(memory)
            if kept is not None and kept.is_fresh(rows):
                return kept
        return Kept.of(course.fit(rows, report), rows)
