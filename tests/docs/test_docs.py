"""The documents say what the code does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

from autoretrain import settings
from autoretrain.domain.conditions.decision import CONDITIONS
from autoretrain.domain.degradation import GUARANTEE, NEWEST_TRADES
from autoretrain.domain.gate import ActivationMode
from autoretrain.domain.models import Policy
from autoretrain.domain.runs import FAILURES_BEFORE_PAUSE, Status, back_off
from autoretrain.storage.contract import RELATIONS
from autoretrain.storage.control import OWN_SETTINGS, SETTINGS
from autoretrain.storage.migrate import migrations
from autoretrain_client.cli import root
from tests.world import World

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
README = (ROOT / "README.md").read_text()
PROCESSES = {
    "dispatcher": (settings.DispatcherSettings,),
    "condition_check": (settings.ConditionCheckSettings,),
    "task_stopped": (settings.TaskStoppedSettings,),
    "api": (settings.ApiSettings, settings.ConsoleSettings),
    "authorizer": (settings.AuthorizerSettings,),
    "deployment": (settings.DeploymentSettings,),
    "trainer": (settings.TrainerSettings,),
}


def rows_of_table(page: str, first_cell: str) -> Iterator[list[str]]:
    """The cells of the table whose header starts with that cell."""
    text = (ROOT / page).read_text()
    table = text[text.index(f"| {first_cell} |") :].split("\n\n")[0]
    for line in table.splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def names(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        code = re.findall(r"`make ([a-z -]+)`|^make ([a-z-]+)", page.read_text(), re.MULTILINE)
        named = {target for pair in code for words in pair for target in words.split()}
        assert named <= targets, page.name


def test_every_subcommand_that_a_page_names_exists() -> None:
    commands = {point.name for point in entry_points(group="autoretrain.commands")}
    for page in PAGES:
        named = set(re.findall(r"(?:bin/|`)autoretrain ([a-z][a-z-]+)", page.read_text()))
        assert named <= commands, page.name


def test_command_page_names_every_subcommand() -> None:
    rows = rows_of_table("docs/command.md", "command")
    documented = {names(command).pop().split()[1] for command, _ in rows}

    assert documented == {point.name for point in entry_points(group="autoretrain.commands")}


def test_command_page_gives_the_exit_codes_that_the_help_gives() -> None:
    told = root.get_help(click.Context(root, info_name="autoretrain"))

    for code, meaning in rows_of_table("docs/command.md", "code"):
        assert re.search(rf"^ +{code}  {re.escape(meaning)}$", told, re.MULTILINE), code


def test_settings_table_names_every_variable_and_its_readers() -> None:
    documented = [
        (names(variable).pop(), reader.strip())
        for variable, readers, _ in rows_of_table("docs/architecture.md", "variable")
        for reader in readers.split(",")
    ]

    read = [
        (field.name.upper(), process)
        for process, kinds in PROCESSES.items()
        for field in {field.name: field for kind in kinds for field in fields(kind)}.values()
    ]
    assert sorted(documented) == sorted(read)


def test_settings_of_a_strategy_are_all_documented() -> None:
    documented = {names(row[0]).pop() for row in rows_of_table("docs/conditions.md", "setting")}

    assert documented == {*SETTINGS, *OWN_SETTINGS}


def test_settings_of_a_strategy_have_the_defaults_of_a_new_one(clone: str) -> None:
    world = World(clone)
    kept = world.one(
        "SELECT * FROM autoretrain.strategy_training JOIN ai_strategies ON id = strategy_id"
        " WHERE strategy_id = %s",
        world.strategy(),
    )

    for setting, default, *_ in rows_of_table("docs/conditions.md", "setting"):
        value = getattr(kept, names(setting).pop())
        assert default.strip("`") == told_default(value), setting


def told_default(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "none" if value is None else str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if value >= 1 else f"{value:.2f}"
    return "{}" if value in ([], {}) else str(value)


@pytest.mark.parametrize("setting", ["activation_mode", "degradation_rule"])
def test_settings_that_are_words_are_documented_with_what_the_api_takes(setting: str) -> None:
    told = {names(row[0]).pop(): row[2] for row in rows_of_table("docs/conditions.md", "setting")}[
        setting
    ]
    contract = json.loads((ROOT / "functions/api/openapi.json").read_text())
    asked = contract["components"]["schemas"]["SettingsRequest"]["properties"][setting]

    assert names(told) == set(asked["enum"])


def test_database_page_gives_what_the_degradation_test_promises() -> None:
    page = " ".join((ROOT / "docs/database.md").read_text().split())

    assert GUARANTEE.replace("%", " %") in page
    assert f"the newest {NEWEST_TRADES:,} trades" in page


def test_api_page_names_every_route_with_its_scope() -> None:
    contract = json.loads((ROOT / "functions/api/openapi.json").read_text())
    wanted = {
        f"{method.upper()} {path}": bool(operation.get("security"))
        for path, operations in contract["paths"].items()
        for method, operation in operations.items()
    }

    documented = {
        route: scope != "–"
        for routes, scope, _ in rows_of_table("docs/api.md", "route")
        for route in names(routes)
    }
    assert documented == wanted


def test_database_page_names_every_column_of_the_contract() -> None:
    documented = {
        names(table).pop(): names(columns)
        for table, columns in rows_of_table("docs/database.md", "table")
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
    page = (ROOT / "docs/database.md").read_text()

    assert made <= names(page[page.index("## Our side") :])


def test_readme_gives_the_conditions_and_their_defaults() -> None:
    policy = Policy()

    table = {
        names(name).pop(): default for name, _, default in rows_of_table("README.md", "condition")
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
    text = (ROOT / "docs/concepts.md").read_text()
    states = text[text.index("## The states of a run") :].split("```")[1]

    assert all(status in states for status in Status)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target
