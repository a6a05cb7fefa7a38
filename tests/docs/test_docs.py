"""The documents say what the code does."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import fields
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

from autoretrain import errors, settings
from autoretrain.domain import degradation, drift
from autoretrain.domain.conditions.decision import CONDITIONS
from autoretrain.domain.degradation import GUARANTEE
from autoretrain.domain.gate import ActivationMode, Outcome
from autoretrain.domain.models import Policy
from autoretrain.domain.runs import FAILURES_BEFORE_PAUSE, TRAINER_EXIT, Loss, Status, back_off
from autoretrain.storage.contract import RELATIONS
from autoretrain.storage.control import OWN_SETTINGS, SETTINGS
from autoretrain.storage.migrate import migrations
from autoretrain_client.cli import root
from tests.docs.reading import PAGES, ROOT, names, page, rows
from tests.world import World

README = page("README.md")
HELP = page("docs/command.md")
CORE = ROOT / "layers/core/src"
FAIL_A_RUN = (
    errors.ArtifactCorrupt,
    errors.ArtifactMissing,
    errors.ContractError,
    errors.InternalError,
    errors.InvalidMetric,
    errors.LaunchRefused,
)
"""What ends a training that nobody but its owner, or we, can put right."""
PROCESSES = {
    "dispatcher": (settings.DispatcherSettings,),
    "condition_check": (settings.ConditionCheckSettings,),
    "task_stopped": (settings.TaskStoppedSettings,),
    "api": (settings.ApiSettings, settings.ConsoleSettings),
    "authorizer": (settings.AuthorizerSettings,),
    "deployment": (settings.DeploymentSettings,),
    "trainer": (settings.TrainerSettings,),
}


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for each in PAGES:
        code = re.findall(r"`make ([a-z -]+)`|^make ([a-z-]+)", each.read_text(), re.MULTILINE)
        named = {target for pair in code for words in pair for target in words.split()}
        assert named <= targets, each.name


@pytest.mark.parametrize(("named", "passed"), [((), ""), (("PORT=8002",), " --port 8002")])
def test_make_run_passes_the_port_on(named: tuple[str, ...], passed: str) -> None:
    made = subprocess.run(
        ["make", "--dry-run", "--directory", ROOT, "run", *named],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f".venv/bin/autoretrain up{passed}\n" in made.stdout.replace(" \n", "\n")


def test_every_subcommand_that_a_page_names_exists() -> None:
    commands = {point.name for point in entry_points(group="autoretrain.commands")}
    for each in PAGES:
        named = set(re.findall(r"(?:bin/|`)autoretrain ([a-z][a-z-]+)", each.read_text()))
        assert named <= commands, each.name


@pytest.mark.parametrize("source", PAGES, ids=lambda source: source.name)
def test_every_option_that_a_page_gives_a_command_is_in_its_help(source: Path) -> None:
    helps = dict(re.findall(r"^### autoretrain ([a-z -]+)\n(.*?)^```$", HELP, re.DOTALL | re.M))
    for typed in re.findall(r"(?:bin/|[`(\s])autoretrain ([a-z][^`\n|#)]*)", source.read_text()):
        named = [command for command in helps if f"{typed} ".startswith(f"{command} ")]
        for option in re.findall(r" (--[a-z-]+)", typed):
            assert not named or option in helps[max(named, key=len)], typed


def test_command_page_names_every_subcommand() -> None:
    table = rows(page("docs/command.md"), "command")
    documented = {names(command).pop().split()[1] for command, _ in table}

    assert documented == {point.name for point in entry_points(group="autoretrain.commands")}


def test_command_page_gives_the_exit_codes_that_the_help_gives() -> None:
    told = root.get_help(click.Context(root, info_name="autoretrain"))

    for code, meaning in rows(page("docs/command.md"), "code"):
        assert re.search(rf"^ +{code}  {re.escape(meaning)}$", told, re.MULTILINE), code


def test_settings_table_names_every_variable_and_its_readers() -> None:
    documented = [
        (names(variable).pop(), reader.strip())
        for variable, readers, _ in rows(page("docs/architecture.md"), "variable")
        for reader in readers.split(",")
    ]

    read = [
        (field.name.upper(), process)
        for process, kinds in PROCESSES.items()
        for field in {field.name: field for kind in kinds for field in fields(kind)}.values()
    ]
    assert sorted(documented) == sorted(read)


def test_settings_of_a_strategy_are_all_documented() -> None:
    documented = {names(row[0]).pop() for row in rows(page("docs/conditions.md"), "setting")}

    assert documented == {*SETTINGS, *OWN_SETTINGS}


def test_settings_of_a_strategy_have_the_defaults_of_a_new_one(clone: str) -> None:
    world = World(clone)
    kept = world.one(
        "SELECT * FROM autoretrain.strategy_training JOIN ai_strategies ON id = strategy_id"
        " WHERE strategy_id = %s",
        world.strategy(),
    )

    for setting, default, *_ in rows(page("docs/conditions.md"), "setting"):
        value = getattr(kept, names(setting).pop())
        assert default.strip("`") == told_default(value), setting


def told_default(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "none" if value is None else str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if value >= 1 else f"{value:.2f}"
    return str(value)


@pytest.mark.parametrize("setting", ["activation_mode", "degradation_rule"])
def test_settings_that_are_words_are_documented_with_what_the_api_takes(setting: str) -> None:
    told = {names(row[0]).pop(): row[2] for row in rows(page("docs/conditions.md"), "setting")}[
        setting
    ]
    contract = json.loads((ROOT / "functions/api/openapi.json").read_text())
    asked = contract["components"]["schemas"]["SettingsRequest"]["properties"][setting]

    assert set(names(told)) == set(asked["enum"])


def test_conditions_page_gives_what_the_degradation_test_promises() -> None:
    text = " ".join(page("docs/conditions.md").split())

    assert GUARANTEE.replace("%", " %") in text
    assert f"the newest {degradation.NEWEST_TRADES:,} trades" in text


def test_conditions_page_gives_what_drift_looks_at() -> None:
    text = " ".join(page("docs/conditions.md").split())

    assert f"the deciles of the {drift.MOST_FEATURES} features" in text
    assert f"{drift.LEAST_TRADES} to {drift.NEWEST_TRADES} of them" in text
    assert drift.CHANCE == 0.01  # once in a hundred checks


def test_api_page_names_every_route_with_its_scope() -> None:
    contract = json.loads((ROOT / "functions/api/openapi.json").read_text())
    wanted = {
        f"{method.upper()} {path}": bool(operation.get("security"))
        for path, operations in contract["paths"].items()
        for method, operation in operations.items()
    }

    documented = {
        route: scope != "–"
        for routes, scope, _ in rows(page("docs/api.md"), "route")
        for route in names(routes)
    }
    assert documented == wanted


def test_database_page_names_every_column_of_the_contract() -> None:
    documented = {
        names(table).pop(): set(names(columns))
        for table, columns in rows(page("docs/database.md"), "table")
    }

    assert documented == {
        relation.name: {column.name for column in relation.columns} for relation in RELATIONS
    }


def test_database_page_names_every_table_of_ours() -> None:
    made = {
        table
        for _, script in migrations()
        for table in re.findall(r"^CREATE (?:TABLE|VIEW) autoretrain\.(\w+)", script, re.MULTILINE)
    }
    text = page("docs/database.md")

    assert made <= set(names(text[text.index("## Our side") :]))


def test_readme_gives_the_conditions_and_their_defaults() -> None:
    policy = Policy()

    table = {
        names(name).pop(): default for name, _, default in rows(page("README.md"), "condition")
    }

    assert table == {
        "initial_training": str(policy.min_trades),
        "new_trades": str(policy.new_trades),
        "performance_degradation": f"{policy.degradation_ratio:.2f}",
        "weekly_schedule": f"{policy.max_age_days:g}",
        "feature_drift": "off" if policy.feature_drift_psi is None else "on",
    }
    assert table.keys() == {judge.__name__ for judge in CONDITIONS}


def test_readme_gives_every_activation_mode_and_the_rests_after_failures() -> None:
    rests = [back_off(failures) for failures in range(1, FAILURES_BEFORE_PAUSE)]
    hours = ", ".join(f"{rest.total_seconds() / 3600:g}" for rest in rests if rest)

    assert all(f"`{mode}`" in README for mode in ActivationMode)
    assert f"rest {hours} hours" in " ".join(README.split())


def test_concepts_page_gives_the_states_of_a_run() -> None:
    text = page("docs/concepts.md")
    states = text[text.index("## The states of a run") :].split("```")[1]

    assert all(status in states for status in Status)


def test_troubleshooting_page_names_every_end_that_a_run_may_have() -> None:
    sources = [*(ROOT / "functions/trainer/src").rglob("*.py"), *CORE.rglob("*.py")]
    written = "\n".join(source.read_text() for source in sources)
    made = set(re.findall(r'(?:DataError\(|error_code=)\s*"([a-z_]+)"', written))
    known = {each.code for each in FAIL_A_RUN}

    table = rows(page("docs/troubleshooting.md"), "what the run ended with")
    documented = {name for codes, _ in table for name in names(codes)}
    assert documented == made | known | {*Loss, Outcome.INSUFFICIENT_DATA, TRAINER_EXIT}


@pytest.fixture(scope="module")
def files() -> set[str]:
    """Every file's path and every end of it: pages name files as short as it goes."""
    folders = [
        "layers",
        "functions",
        "client",
        "local",
        "console/src",
        "tests",
        "checks",
        "stacks",
        "bench",
        "docs",
    ]
    found = [*ROOT.glob("*.*"), *(each for name in folders for each in (ROOT / name).rglob("*.*"))]
    paths = [each.relative_to(ROOT).parts for each in found]
    return {"/".join(parts[start:]) for parts in paths for start in range(len(parts))}


@pytest.mark.parametrize("source", PAGES, ids=lambda source: source.name)
def test_files_that_a_page_names_exist(source: Path, files: set[str]) -> None:
    text = re.sub(r"^```.*?^```", "", source.read_text(), flags=re.MULTILINE | re.DOTALL)
    named = re.findall(r"`(?:…/)?([\w./-]+\.(?:py|sql|yaml|yml|toml|ts|tsx|md))`", text)

    assert set(named) <= files


@pytest.mark.parametrize("source", PAGES, ids=lambda source: source.name)
def test_links_between_pages_lead_somewhere(source: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", source.read_text()):
        assert (source.parent / target).exists(), target
