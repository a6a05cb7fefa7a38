from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from autoretrain_client.cli import PLUGS
from tests.unit.client.command_line import CommandLine

PROGRAM = """
import atexit, sys
from autoretrain_client.cli import main
atexit.register(lambda: print("loaded:", *sorted(
    name for name in sys.modules if name.startswith("autoretrain") or name == "httpx"
), file=sys.stderr))
sys.exit(main([]))
"""


def complete(*words: str) -> tuple[set[str], str]:
    """What bash would offer for the last word, and which modules that has loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={
            "PYTHONPATH": os.pathsep.join(sys.path),
            "_AUTORETRAIN_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(["autoretrain", *words]),
            "COMP_CWORD": str(len(words)),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    offered = {line.partition(",")[2] for line in done.stdout.splitlines() if line}
    return offered, done.stderr


def test_every_command_is_offered_and_none_loaded() -> None:
    offered, loaded = complete("")
    assert offered == set(entry_points(group=PLUGS).names)
    assert "commands.tokens" not in loaded
    assert "autoretrain_local" not in loaded
    assert "httpx" not in loaded


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("un",), {"unpin"}),
        (("--ver",), {"--version"}),
        (("train", "mean", "--w"), {"--wait"}),
        (("tokens", "cr"), {"create"}),
        (("tokens", "create", "--user"), {"--user-id"}),
        (("tokens", "create", "--scope", "r"), {"read", "retrain"}),
        (("strategies", "--sort", "tr"), {"trained_at"}),
        (("set", "mean", "max"), {"max_age_days="}),
        (("set", "mean", "max_age_days=3", "ml_t"), {"ml_training_enabled="}),
        (("no-such-command", "x"), set()),
    ],
)
def test_word_is_completed_by_what_may_stand_there(
    words: tuple[str, ...], offered: set[str]
) -> None:
    assert complete(*words)[0] == offered


@pytest.mark.parametrize(
    ("shell", "speaks"),
    [("bash", "complete -o nosort -F"), ("zsh", "#compdef autoretrain"), ("fish", "complete --no")],
)
def test_completion_prints_the_shells_script_and_how_to_install_it(
    shell: str, speaks: str, autoretrain: CommandLine
) -> None:
    done = autoretrain("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert speaks in done.out
    assert "_AUTORETRAIN_COMPLETE" in done.out
    assert done.out.splitlines()[-1].startswith("# To install")
    assert f"autoretrain completion {shell}" in done.out.splitlines()[-1]


def test_shell_that_is_not_known_is_a_wrong_command_line(autoretrain: CommandLine) -> None:
    done = autoretrain("completion", "tcsh")
    assert done.code == 2
    assert "'bash', 'zsh', 'fish'" in done.err
