"""Any service may act next, anything may break while it does, and after every move all rules of
the books must hold."""

from __future__ import annotations

from hypothesis import seed, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.faults.bench import Bench
from tests.faults.calm import calm_down
from tests.faults.moves import MOVES, Move
from tests.faults.play import Play


class Machine(RuleBasedStateMachine):
    """One rule only: of several, Hypothesis leaves out about half in every example, and the loop
    would hardly ever go round."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._figures = bench.figures
        self._play = Play(bench)
        self._sound = True
        self._figures.examples += 1
        self._figures.steps -= 1  # the rules are looked at once before the first move

    @rule(move=MOVES)
    def somebody_makes(self, move: Move) -> None:
        self._sound = False
        move.make(self._play)

    @invariant()
    def the_books_are_sound(self) -> None:
        self._sound = False
        self._play.look()
        self._figures.steps += 1
        self._sound = True

    def teardown(self) -> None:
        if self._sound:
            calm_down(self._play)


def play(bench: Bench, how: settings, number: int = 0) -> None:
    """As many examples as the settings say; the same ones for the same number."""

    class OnBench(Machine):
        def __init__(self) -> None:
            super().__init__(bench)

    run_state_machine_as_test(seed(number)(OnBench), settings=how)
