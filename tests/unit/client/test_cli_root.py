from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from autoretrain_client.cli import PLUGS, main

COMMANDS = '''
import click

class Told(Exception):
    exit_code = 75

@click.command()
def works():
    """Do something."""
    click.echo("done")

@click.command()
def tells():
    raise Told("the moon is down")

@click.command()
def crashes():
    raise ZeroDivisionError

@click.command()
def opens():
    open("/no/such/folder/trades.csv")

@click.command()
def listens():
    raise TimeoutError

@click.command()
def chatters():
    print("\N{BRAIN} done")

@click.command()
def waits():
    raise KeyboardInterrupt

@click.command()
@click.pass_context
def leaves(ctx):
    ctx.exit(3)
'''
Plug = Callable[..., None]


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plug:
    """Install a package of that name whose module holds the source and plugs the commands in."""

    def install(package: str, source: str, *commands: str) -> None:
        (tmp_path / f"{package}.py").write_text(source)
        installed = tmp_path / f"{package}-1.0.dist-info"
        installed.mkdir()
        (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
        lines = [f"{command} = {package}:{command}" for command in commands]
        (installed / "entry_points.txt").write_text("\n".join([f"[{PLUGS}]", *lines]))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, package, raising=False)

    return install


@pytest.fixture
def _commands(plug: Plug) -> None:
    commands = "works", "tells", "crashes", "opens", "listens", "chatters", "waits", "leaves"
    plug("plugged_in", COMMANDS, *commands)


@pytest.mark.usefixtures("_commands")
def test_help_lists_what_other_packages_plug_in(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "works          Do something." in capsys.readouterr().out


@pytest.mark.usefixtures("_commands")
def test_command_runs_when_it_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["works"]) == 0
    assert capsys.readouterr().out == "done\n"


@pytest.mark.usefixtures("_commands")
def test_error_with_an_exit_code_becomes_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tells"]) == 75
    assert capsys.readouterr().err == "error: the moon is down\n"


@pytest.mark.usefixtures("_commands")
def test_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        main(["crashes"])


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("opens", "error: No such file or directory: /no/such/folder/trades.csv\n"),
        ("listens", "error: TimeoutError()\n"),  # neither a reason nor a file
    ],
)
@pytest.mark.usefixtures("_commands")
def test_what_the_system_refuses_becomes_one_line(
    command: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command]) == 74
    assert capsys.readouterr().err == message


@pytest.mark.usefixtures("_commands")
def test_help_is_printed_when_nothing_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    asked = capsys.readouterr()
    assert main([]) == 0
    assert capsys.readouterr() == asked


@pytest.mark.usefixtures("_commands")
def test_question_mark_is_printed_when_the_terminal_does_not_know_a_character(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(terminal, encoding="ascii"))
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # which has no encoding
    assert main(["chatters"]) == 0
    assert terminal.getvalue() == b"? done\n"


def _shell(command: str, stdout: int) -> subprocess.CompletedProcess[str]:
    program = "import sys; from autoretrain_client.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        ["sh", "-c", f'"$0" -c "$1" {command}', sys.executable, program],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},  # and none that turns buffering off
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["", "--help", "chatters", "chatters 2>&1"])
@pytest.mark.usefixtures("_commands")
def test_command_ends_without_a_word_when_nobody_reads_on(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = _shell(command, writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.usefixtures("_commands")
def test_command_runs_when_its_output_is_closed() -> None:
    done = _shell("chatters >&-", subprocess.DEVNULL)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("_commands")
def test_exit_code_is_130_when_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["waits"]) == 130
    assert capsys.readouterr().err.strip() == ""


@pytest.mark.usefixtures("_commands")
def test_exit_code_is_the_one_that_a_command_leaves_with() -> None:
    assert main(["leaves"]) == 3


@pytest.mark.parametrize("arguments", [["no-such-command"], ["works", "--no-such-option"]])
@pytest.mark.usefixtures("_commands")
def test_exit_code_is_2_when_the_command_line_is_wrong(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    usage, hint, _, error = capsys.readouterr().err.splitlines()
    assert usage.startswith("Usage: autoretrain ")
    assert hint.endswith(" --help' for help.")
    assert error.startswith("error: No such ")


@pytest.mark.parametrize(
    ("typed", "meant"), [("wroks", "(did you mean works?)"), ("zzz", "No such command 'zzz'\n")]
)
@pytest.mark.usefixtures("_commands")
def test_mistyped_command_is_told_with_the_nearest(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([typed]) == 2
    assert meant in capsys.readouterr().err


@pytest.mark.parametrize(
    "source",
    [
        "import a_library_that_is_not_there",
        "raise OSError('libgomp.so.1: cannot open shared object file')",
        "",  # an older version, without the command
    ],
)
@pytest.mark.usefixtures("_commands")
def test_command_that_cannot_be_loaded_is_told_in_one_line_and_spares_the_others(
    source: str, plug: Plug, capsys: pytest.CaptureFixture[str]
) -> None:
    plug("broken", source, "shatters")

    assert main(["shatters", "now", "--help"]) == 78
    told = capsys.readouterr().err
    assert told.startswith("error: `autoretrain shatters` cannot be loaded: ")
    assert told.count("\n") == 1

    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert "(cannot be loaded: " in listed
    assert "Do something." in listed
    assert main(["works"]) == 0


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"autoretrain, version {version('autoretrain-client')}\n"


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from autoretrain_client.cli import main; main(['--help']);"
        "sys.exit(bool({'psycopg2', 'boto3', 'moto', 'pandas', 'lightgbm'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
