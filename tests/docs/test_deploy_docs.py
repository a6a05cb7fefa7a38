"""What the pages about AWS say is what the templates, the code and the calculator say."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from autoretrain import metrics
from autoretrain.domain.conditions.decision import CONDITIONS
from autoretrain.domain.conditions.feature_drift import feature_drift
from autoretrain_client.commands.cost import cost
from autoretrain_client.cost import bill, limits, workload
from autoretrain_local.template import TemplateLoader
from tests.docs.reading import PAGES, ROOT, names, page, rows

TEMPLATES = ("template.yaml", *(f"stacks/{path.name}" for path in ROOT.glob("stacks/*.yaml")))
REASONS = [judge.__name__ for judge in CONDITIONS if judge is not feature_drift]
"""Those that are on for everybody."""
TRAINERS = ("Fargate cores", "Fargate memory", "Public IPv4")
MESSAGE = re.compile(r'"(auto-retrain [a-z ]+)"')
WRITERS = {"incoming": "understood", "outgoing": "send_notifications"}
"""What of the core logs, and what is called to have it log."""


@cache
def read(template: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((ROOT / template).read_text(), TemplateLoader)
    return loaded


def of_type(template: str, kind: str) -> dict[str, dict[str, Any]]:
    resources = read(template)["Resources"].items()
    return {name: each["Properties"] for name, each in resources if each["Type"] == kind}


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings, without their code marks and links."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# ------------------------------------------------------------------------------ deploy.md


def test_deploy_page_gives_every_parameter_with_its_default() -> None:
    documented = {
        names(name).pop(): default.strip("`").replace("–", "")
        for name, default, _ in rows(page("docs/deploy.md"), "parameter")
    }

    parameters = read("template.yaml")["Parameters"]
    assert documented == {name: str(given["Default"]) for name, given in parameters.items()}


# SAM asks for a hidden parameter until it is given something, whatever its default.
def test_hidden_question_may_be_answered_with_a_dash() -> None:
    parameters = read("template.yaml")["Parameters"]
    hidden = {name: given for name, given in parameters.items() if given.get("NoEcho")}

    assert "no empty answer to a hidden question" in page("docs/deploy.md")
    assert [
        name for name, given in hidden.items() if not re.fullmatch(given["AllowedPattern"], "-")
    ] == []


@pytest.mark.parametrize(
    "name", ["docs/deploy.md", "docs/operations.md", "docs/cost-and-limits.md"]
)
def test_words_that_look_like_parameters_are_parameters_or_outputs(name: str) -> None:
    sections = ("Parameters", "Outputs", "Resources")
    known = {one for path in TEMPLATES for part in sections for one in read(path).get(part, ())}
    known |= {metric.name for metric in metrics.METRICS}
    known |= {"Throttles", "ApproximateNumberOfMessagesVisible", "ActiveModel"}

    looks_like_one = {
        word
        for words in names(re.sub(r"^```.*?^```", "", page(name), flags=re.M | re.S))
        for word in re.findall(r"^([A-Z][a-z]+(?:[A-Z][A-Za-z]*)+)(?:=\S+)?$", words)
    }
    assert looks_like_one <= known


# ------------------------------------------------------------------------------ operations.md


def test_every_alarm_leads_to_its_section() -> None:
    operations = page("docs/operations.md")
    alarms = of_type("stacks/observability.yaml", "AWS::CloudWatch::Alarm")
    told = [
        re.findall(r"docs/operations\.md#(\S+)", each["AlarmDescription"])
        for each in alarms.values()
    ]

    assert all(len(found) == 1 for found in told)
    sections = {f"alarm-{name}" for name in _alarm_sections(operations)}
    assert {found[0] for found in told} == sections <= anchors(operations)


def test_table_of_alarms_gives_what_each_looks_at() -> None:
    alarms = of_type("stacks/observability.yaml", "AWS::CloudWatch::Alarm").values()
    looked_at = {each["AlarmDescription"].partition("#")[2]: _metric(each) for each in alarms}

    documented = {
        re.findall(r"#([\w-]+)", link)[0]: names(metric).pop()
        for link, metric, _ in rows(page("docs/operations.md"), "alarm")
    }
    assert documented == looked_at


def _alarm_sections(operations: str) -> set[str]:
    titles = re.findall(r"^### Alarm: (.+)$", operations, re.MULTILINE)
    return {title.lower().replace(" ", "-") for title in titles}


def _metric(alarm: Mapping[str, Any]) -> str:
    if "MetricName" in alarm:
        return str(alarm["MetricName"])
    (found,) = {
        each["MetricStat"]["Metric"]["MetricName"]
        for each in alarm["Metrics"]
        if "MetricStat" in each
    }
    return str(found)


def test_saved_queries_are_those_of_the_stack() -> None:
    queries = of_type("stacks/observability.yaml", "AWS::Logs::QueryDefinition").values()
    saved = {each["Name"]["Fn::Sub"].replace("${Namespace}", "auto-retrain") for each in queries}

    documented = {names(name).pop() for name, _ in rows(page("docs/operations.md"), "query")}
    assert documented == saved


def test_log_table_gives_every_message_and_who_writes_it() -> None:
    written = {
        (message, process.name)
        for process in (ROOT / "functions").iterdir()
        for source in process.rglob("*.py")
        for message in _messages(source)
    }

    documented = {
        (names(message).pop(), writer)
        for message, writers, _ in rows(page("docs/operations.md"), "message")
        for writer in writers.split(", ")
    }
    assert documented == written


def _messages(source: Path) -> set[str]:
    """Those that the file logs itself, or by what it calls of the core to do so."""
    text = source.read_text()
    for name, call in WRITERS.items():
        if f"{call}(" in text:
            text += (ROOT / f"layers/core/src/autoretrain/{name}.py").read_text()
    return set(MESSAGE.findall(text))


def test_no_other_part_of_the_core_logs() -> None:
    sources = (ROOT / "layers/core/src").rglob("*.py")

    assert {each.stem for each in sources if MESSAGE.search(each.read_text())} == set(WRITERS)


def test_log_groups_are_those_of_the_stack() -> None:
    told = page("docs/operations.md")
    groups = of_type("template.yaml", "AWS::Logs::LogGroup").values()
    processes = {
        each["LogGroupName"]["Fn::Sub"].rpartition("/")[2]
        for each in groups
        if each["LogGroupName"]["Fn::Sub"].startswith("/${AWS::StackName}/")
    }

    sentence = told[told.index("`/auto-retrain/dispatcher`") :].partition(". ")[0]
    assert {name.rpartition("/")[2] for name in names(sentence)} == processes


# ------------------------------------------------------------------------------ security.md


def test_roles_page_gives_every_role_with_its_actions() -> None:
    documented = {
        names(role).pop(): {name for name in names(may) if re.fullmatch(r"\w+:\w+|\w+Policy", name)}
        for role, _, may in rows(page("docs/security.md"), "role or policy")
    }

    assert documented == {
        name: _allowed(properties)
        for template in TEMPLATES
        for kind in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy")
        for name, properties in of_type(template, kind).items()
    }


def _allowed(properties: Mapping[str, Any]) -> set[str]:
    """The actions, and the policies that bring more."""
    attached = set(map(_policy, properties.get("ManagedPolicyArns", [])))
    inline = [each["PolicyDocument"] for each in properties.get("Policies", [])]
    documents = [properties["PolicyDocument"]] if "PolicyDocument" in properties else inline
    statements = [each for document in documents for each in document["Statement"]]
    return attached.union(*map(_actions, statements))


def _policy(reference: Mapping[str, Any]) -> str:
    """One of another stack is an output there, of its own name."""
    name = reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][1]
    return str(name).removeprefix("Outputs.")


def _actions(statement: Mapping[str, Any]) -> set[str]:
    if "Fn::If" in statement:
        return _actions(statement["Fn::If"][1])
    if statement["Effect"] != "Allow":
        return set()
    action = statement["Action"]
    return {action} if isinstance(action, str) else set(action)


# ------------------------------------------------------------------------------ cost-and-limits.md


def run_cost(*arguments: str) -> str:
    done = CliRunner().invoke(cost, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def bills() -> list[tuple[list[str], str]]:
    """The arguments of every command of the page whose output follows it, and that output."""
    found = re.findall(
        r"^autoretrain cost ([^\n]+)\n```\n\n```text\n(.*?)^```",
        page("docs/cost-and-limits.md"),
        re.MULTILINE | re.DOTALL,
    )
    return [(shlex.split(arguments), output) for arguments, output in found]


@pytest.mark.parametrize(("arguments", "output"), bills())
def test_bill_is_what_the_command_prints(arguments: list[str], output: str) -> None:
    assert run_cost(*arguments) == output


def test_short_table_is_the_bills_in_short() -> None:
    assert [
        [cell.replace(",", "") for cell in row]
        for row in rows(page("docs/cost-and-limits.md"), "strategies")
    ] == [_in_short(arguments) for arguments, _ in bills()]


def _in_short(arguments: list[str]) -> list[str]:
    told = json.loads(run_cost(*arguments, "--json"))
    without_bots = json.loads(run_cost(*arguments, "--bots", "0", "--json"))
    trainers = sum(line["usd"] for line in told["lines"] if line["name"] in TRAINERS)
    polling = told["usd_per_month"] - without_bots["usd_per_month"]
    figures = (told["usd_per_month"], polling, trainers)
    return [str(told["workload"]["strategies"]), *(f"{figure:.0f}" for figure in figures)]


def test_readme_gives_what_an_idle_stack_costs() -> None:
    told = json.loads(
        run_cost(*["--strategies", "1", "--bots", "0", "--trainings-per-day", "0", "--json"])
    )

    assert f"about {told['usd_per_month']:.0f} dollars a month" in page("README.md")


def test_formulas_give_every_assumption() -> None:
    told = page("docs/cost-and-limits.md")
    formulas = told[told.index("## The formulas") : told.index("## What limits it")]

    assumed = {name: value for name, value in vars(workload).items() if name.isupper()}
    del assumed["DAYS"]  # told as 730 / 24
    for name, value in assumed.items():
        figure = f"{value:,}" if isinstance(value, int) else f"{value:g}"
        assert re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d.,]*\d)", formulas), name


LAMBDA_MB_OF_A_CORE = 1_769
"""By AWS's documentation of a function's memory."""
MEASURED = [
    ("fanout.rate", workload.SEND_SECONDS),
    ("check.1_per_event", workload.CHECK_SECONDS + workload.CHECK_SECONDS_PER_STRATEGY),
    ("check.200_per_event", workload.CHECK_SECONDS_PER_STRATEGY),
    ("start.dispatcher", workload.TICK_SECONDS),
    ("retrain.drain", workload.TRAINING_SECONDS),
]


@pytest.mark.parametrize(("row", "assumed"), MEASURED)
def test_calculator_reckons_with_the_seconds_that_were_measured(row: str, assumed: float) -> None:
    slower = LAMBDA_MB_OF_A_CORE / (bill.SMALL_GB * 1024)
    measured = {one["name"]: one["ours"] for one in json.loads(page("bench/results/latest.json"))}
    seconds = {
        "fanout.rate": measured["fanout.rate"] / 1000 * slower,
        "check.1_per_event": measured["check.1_per_event"] / 10_000 * slower,
        "check.200_per_event": measured["check.200_per_event"] / 10_000 * slower,
        "start.dispatcher": measured["start.dispatcher"],  # a start has more than its share
        "retrain.drain": measured["retrain.drain"] / 200 * 2,  # half a core of Fargate
    }[row]

    assert seconds <= assumed <= 8 * seconds, "on the safe side, and no further"


def test_calculator_reckons_with_the_stack_as_it_is() -> None:
    functions = of_type("template.yaml", "AWS::Serverless::Function")
    default = read("template.yaml")["Globals"]["Function"]["MemorySize"]
    parameters = read("template.yaml")["Parameters"]
    alarms = of_type("stacks/observability.yaml", "AWS::CloudWatch::Alarm").values()

    assert {
        functions[f"{name}Function"].get("MemorySize", default) / 1024
        for name in ("Dispatcher", "ConditionCheck", "TaskStopped")
    } == {bill.SMALL_GB}
    assert {
        functions[f"{name}Function"].get("MemorySize", default) / 1024
        for name in ("Api", "Authorizer")
    } == {bill.LARGE_GB}
    assert functions["DispatcherFunction"]["Timeout"] == limits.DISPATCHER_TIMEOUT_SECONDS
    assert parameters["ApiRateLimit"]["Default"] == limits.API_RATE_LIMIT
    assert sum(map(_metrics_looked_at, alarms)) == bill.ALARM_METRICS
    assert _metric_series() == bill.METRIC_SERIES
    given = {parameter.name: parameter.default for parameter in cost.params}
    assert {
        "max_concurrent_tasks": parameters["MaxConcurrentTasks"]["Default"],
        "strategies_per_check": parameters["StrategiesPerCheck"]["Default"],
        "checks_per_second": parameters["ChecksPerSecond"]["Default"],
        "cpu": parameters["TrainerCpu"]["Default"],
        "memory": int(parameters["TrainerMemory"]["Default"]),
    }.items() <= given.items()


def _metric_series() -> int:
    """The decisions that a check knows are its conditions, and two ways of saying no."""
    without_dimension = [metric for metric in metrics.METRICS if metric.dimension is None]
    (decisions, runs) = (metric for metric in metrics.METRICS if metric.dimension is not None)
    assert (decisions.name, runs.name) == ("Decisions", "Runs")
    return len(without_dimension) + len(REASONS) + 2 + len(metrics.RunOutcome)


def _metrics_looked_at(alarm: Mapping[str, Any]) -> int:
    return sum("MetricStat" in each for each in alarm.get("Metrics", [])) or 1


# ------------------------------------------------------------------------------ all pages


@pytest.mark.parametrize("source", PAGES, ids=lambda path: path.name)
def test_links_lead_to_a_heading(source: Path) -> None:
    for file, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", source.read_text()):
        target = source.parent / file if file else source
        assert anchor in anchors(target.read_text()), f"{file}#{anchor}"
