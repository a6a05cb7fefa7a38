"""What must hold of the template, whoever edits it."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.template.cloudformation import nodes
from tests.template.conftest import Stack


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return of_type(template, "AWS::Serverless::Function")


def zipped(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: of for name, of in functions(template).items() if "CodeUri" in of}


@pytest.fixture(scope="session")
def task(nested: dict[str, dict[str, Any]]) -> dict[str, Any]:
    (only,) = of_type(nested["stacks/trainer.yaml"], "AWS::ECS::TaskDefinition").values()
    return only


@pytest.fixture(scope="session")
def container(task: dict[str, Any]) -> dict[str, Any]:
    (only,) = task["ContainerDefinitions"]
    return dict(only)


def test_every_function_runs_the_layer_on_its_python(template: dict[str, Any]) -> None:
    layer = of_type(template, "AWS::Serverless::LayerVersion")["CoreLayer"]
    for properties in zipped(template).values():
        assert properties["Runtime"] in layer["CompatibleRuntimes"]
        assert properties["Layers"][0] == {"Ref": "CoreLayer"}


def test_globals_suit_an_image_function_too(template: dict[str, Any]) -> None:
    assert not {"Runtime", "Handler", "Layers"} & template["Globals"]["Function"].keys()


def test_the_tick_is_hourly_and_can_be_switched_off(nested: dict[str, dict[str, Any]]) -> None:
    rules = of_type(nested["stacks/events.yaml"], "AWS::Events::Rule")
    assert {
        name: (rule["ScheduleExpression"], rule["State"])
        for name, rule in rules.items()
        if "ScheduleExpression" in rule
    } == {"HourlyRule": ("rate(1 hour)", {"Ref": "ScheduleState"})}


def test_no_environment_turns_on_the_logging_of_events(stack: Stack) -> None:
    for told in (*map(stack.variables, stack.functions), stack.container_variables):
        assert not {"POWERTOOLS_LOGGER_LOG_EVENT", "POWERTOOLS_DEV"} & told.keys()


def test_trainer_is_told_when_it_runs_out_of_memory(
    task: dict[str, Any], container: dict[str, Any]
) -> None:
    assert container["Memory"] == task["Memory"] == {"Ref": "TrainerMemory"}


def test_trainer_can_write_nowhere_but_in_tmp(container: dict[str, Any]) -> None:
    assert container["ReadonlyRootFilesystem"] is True
    assert [mount["ContainerPath"] for mount in container["MountPoints"]] == ["/tmp"]
    assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}


def test_trainer_has_time_to_hand_its_run_back(container: dict[str, Any]) -> None:
    assert container["StopTimeout"] == 120
    assert container["LinuxParameters"]["InitProcessEnabled"] is True


def test_models_are_private_encrypted_and_outlive_the_stack(template: dict[str, Any]) -> None:
    bucket = template["Resources"]["ModelBucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "BucketEncryption" in bucket["Properties"]


def test_only_what_nobody_refers_to_leaves_the_bucket(template: dict[str, Any]) -> None:
    bucket = template["Resources"]["ModelBucket"]["Properties"]
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule.keys() == {
        "Id",
        "Status",
        "AbortIncompleteMultipartUpload",
        "NoncurrentVersionExpiration",
        "ExpiredObjectDeleteMarker",
    }


def test_every_parameter_is_described_and_used(
    template: dict[str, Any], nested: dict[str, dict[str, Any]]
) -> None:
    for one in (template, *nested.values()):
        body = {name: one[name] for name in one.keys() - {"Parameters", "Rules"}}
        used = {node["Ref"] for node in nodes(body) if isinstance(node, dict) and "Ref" in node}
        substituted = re.findall(r"\$\{(\w+)\}", json.dumps(body))
        parameters = one.get("Parameters", {})
        assert parameters.keys() <= used.union(substituted)
        assert all(parameter["Description"] for parameter in parameters.values())


def test_deploying_asks_for_nothing_but_the_database(template: dict[str, Any]) -> None:
    assert [name for name, of in template["Parameters"].items() if "Default" not in of] == []


def test_sam_may_do_all_that_the_template_needs(root: Path) -> None:
    config = tomllib.loads((root / "samconfig.toml").read_text())["default"]["deploy"]
    assert config["parameters"]["resolve_image_repos"] is True
    assert config["parameters"]["capabilities"].split() == [
        "CAPABILITY_IAM",
        "CAPABILITY_AUTO_EXPAND",
    ]


def test_dispatcher_sends_one_strategy_per_event_unless_told_otherwise(
    template: dict[str, Any],
) -> None:
    variables = functions(template)["DispatcherFunction"]["Environment"]["Variables"]
    assert variables["STRATEGIES_PER_CHECK"] == {"Ref": "StrategiesPerCheck"}
    assert template["Parameters"]["StrategiesPerCheck"]["Default"] == 1


def test_dockerfile_copies_what_there_is_and_starts_the_trainer(root: Path) -> None:
    dockerfile = (root / "functions/trainer/Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE):
        *sources, _ = line.split()
        assert all((root / source).exists() for source in sources), line
    assert re.search(r'^ENTRYPOINT \[.*"-m", "autoretrain_trainer"\]$', dockerfile, re.MULTILINE)
    assert re.search(r"^USER 10001", dockerfile, re.MULTILINE)


@pytest.mark.parametrize("name", ["dispatcher", "condition_check", "task_stopped", "authorizer"])
def test_function_only_parses_calls_and_renders(root: Path, name: str) -> None:
    tree = ast.parse((root / "functions" / name / "app.py").read_text())
    imported = {
        module.split(".")[0]
        for node in ast.walk(tree)
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    ours = {"autoretrain", "aws_lambda_powertools"}
    assert imported - ours <= {
        "__future__",
        "collections",
        "datetime",
        "functools",
        "os",
        "typing",
        "uuid",
    }


def test_own_network_has_two_ways_out_and_none_in(nested: dict[str, dict[str, Any]]) -> None:
    network = nested["stacks/network.yaml"]
    kinds = [resource["Type"] for resource in network["Resources"].values()]
    assert kinds.count("AWS::EC2::Subnet") == 2
    assert "AWS::EC2::NatGateway" not in kinds
    zones = {
        of["AvailabilityZone"]["Fn::Select"][0]
        for of in of_type(network, "AWS::EC2::Subnet").values()
    }
    assert zones == {0, 1}
    routed = {
        of["SubnetId"]["Ref"]: of["RouteTableId"]
        for of in of_type(network, "AWS::EC2::SubnetRouteTableAssociation").values()
    }
    assert routed.keys() == of_type(network, "AWS::EC2::Subnet").keys()
    (out,) = of_type(network, "AWS::EC2::Route").values()
    assert out["GatewayId"] == {"Ref": "InternetGateway"}
    assert all(table == out["RouteTableId"] for table in routed.values())
    (group,) = of_type(network, "AWS::EC2::SecurityGroup").values()
    assert "SecurityGroupIngress" not in group
    assert not any(kind.endswith("Ingress") for kind in kinds)


def test_nested_stacks_are_plain_cloudformation(nested: dict[str, dict[str, Any]]) -> None:
    assert nested.keys() == {
        "stacks/events.yaml",
        "stacks/network.yaml",
        "stacks/observability.yaml",
        "stacks/trainer.yaml",
    }
    assert all("Transform" not in template for template in nested.values())
