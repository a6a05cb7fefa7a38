"""What every combination of parameters deploys, holds together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.template.cloudformation import NO_VALUE, references
from tests.template.conftest import Stack

QUEUE = {"Fn::GetAtt": ["FailureQueue", "Arn"]}
TICK_SECONDS = 3600


def dependencies(stack: Stack) -> dict[str, set[str]]:
    """What each resource of the root waits for, straight away: a nested stack is one of them."""
    return {
        name: {name for name, _ in references(resource.get("Properties"))}
        | ({resource["DependsOn"]} if "DependsOn" in resource else set())
        for name, resource in stack.root.items()
    }


def needed(straight: dict[str, set[str]], name: str) -> set[str]:
    """Everything that a resource cannot be made before, however indirectly."""
    found: set[str] = set()
    waiting = {name}
    while waiting:
        new = straight[waiting.pop()] - found
        waiting |= new
        found |= new
    return found


def test_all_combinations_are_looked_at(stacks: list[Stack]) -> None:
    assert len({str(stack.choice) for stack in stacks}) == 2**8


def test_nothing_refers_to_what_is_not_there(stacks: list[Stack]) -> None:
    for stack in stacks:
        wanted = {name for name, _ in references([stack.resources, stack.outputs])}
        wanted |= {
            resource["DependsOn"]
            for resource in stack.resources.values()
            if "DependsOn" in resource
        }
        assert wanted <= stack.resources.keys(), stack.choice


def test_nested_stack_is_given_what_it_takes(
    stacks: list[Stack], nested: dict[str, dict[str, Any]]
) -> None:
    for stack in stacks:
        children = stack.of_type("AWS::CloudFormation::Stack")
        for child in children.values():
            template = nested[child["TemplateURL"]]
            assert child.get("Parameters", {}).keys() == template.get("Parameters", {}).keys()


def test_every_output_of_a_nested_stack_is_asked_for(
    template: dict[str, Any], nested: dict[str, dict[str, Any]]
) -> None:
    asked = set(references([template["Resources"], template["Outputs"]]))
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::CloudFormation::Stack":
            outputs = nested[resource["Properties"]["TemplateURL"]].get("Outputs", {})
            found = {attribute for stack, attribute in asked if stack == name}
            assert found == {f"Outputs.{output}" for output in outputs}


def test_every_rule_may_invoke_its_function(stacks: list[Stack]) -> None:
    for stack in stacks:
        allowed = {
            (permission["SourceArn"]["Fn::GetAtt"][0], permission["FunctionName"]["Fn::GetAtt"][0])
            for permission in stack.of_type("AWS::Lambda::Permission").values()
            if permission["Principal"] == "events.amazonaws.com"
        }
        wanted = {
            (name, target["Arn"]["Fn::GetAtt"][0])
            for name, rule in stack.of_type("AWS::Events::Rule").items()
            for target in rule["Targets"]
        }
        assert allowed == wanted
        assert {("HourlyRule", "DispatcherFunction"), ("StackReadyRule", "DispatcherFunction")} < (
            wanted
        )


def test_every_route_and_the_authorizer_may_be_invoked(stack: Stack) -> None:
    allowed = [
        str(permission["FunctionName"])
        for permission in stack.of_type("AWS::Lambda::Permission").values()
        if permission["Principal"] == "apigateway.amazonaws.com"
    ]
    for name in ("ApiFunction", "RetrainFunction", "AuthorizerFunction"):
        assert any(name in function for function in allowed), name


def asynchronous(stack: Stack) -> set[str]:
    """Functions that rules, other functions and CloudFormation hand events to without waiting."""
    targets = {
        target["Arn"]["Fn::GetAtt"][0]
        for rule in stack.of_type("AWS::Events::Rule").values()
        for target in rule["Targets"]
    }
    by_functions = {
        name
        for function in stack.functions
        for name, _ in references(stack.variables(function))
        if name in stack.functions
    }
    custom = {
        resource["Properties"]["ServiceToken"]["Fn::GetAtt"][0]
        for resource in stack.resources.values()
        if resource["Type"].startswith("Custom::")
    }
    return targets | by_functions | custom


def test_every_asynchronous_function_reports_what_it_never_handled(stacks: list[Stack]) -> None:
    for stack in stacks:
        configured = {
            config["FunctionName"]["Ref"]: config["DestinationConfig"]["OnFailure"]
            for config in stack.of_type("AWS::Lambda::EventInvokeConfig").values()
        }
        assert configured == {name: {"Destination": QUEUE} for name in asynchronous(stack)}
        for name in configured:
            sends = [
                statement
                for statement in stack.role(stack.functions[name]["Role"]["Fn::GetAtt"][0])
                if statement["Action"] == "sqs:SendMessage" and statement["Resource"] == QUEUE
            ]
            assert len(sends) == 1, name


def test_every_rule_keeps_what_it_could_not_deliver(stacks: list[Stack]) -> None:
    for stack in stacks:
        rules = stack.of_type("AWS::Events::Rule")
        (policy,) = stack.of_type("AWS::SQS::QueuePolicy").values()
        statement = policy["PolicyDocument"]["Statement"][0]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        senders = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        assert {sender["Fn::GetAtt"][0] for sender in senders} == rules.keys()
        for rule in rules.values():
            assert all(target["DeadLetterConfig"] == {"Arn": QUEUE} for target in rule["Targets"])


def test_nothing_runs_before_the_database_has_its_schema(stacks: list[Stack]) -> None:
    for stack in stacks:
        straight, users = dependencies(stack), stack.zipped.keys() - {"DeploymentFunction"}
        for name in {*users, "Events"}:
            assert "DatabaseSchema" in needed(straight, name), name
        for name in ("DeploymentFunction", "DatabaseSchema", "Trainer"):
            assert not users & needed(straight, name), name


def test_nothing_waits_for_itself(stacks: list[Stack]) -> None:
    for stack in stacks:
        straight = dependencies(stack)
        assert [name for name in straight if name in needed(straight, name)] == []


def test_new_image_is_a_new_task_definition_with_its_own_repository(stack: Stack) -> None:
    (container,) = stack.task["ContainerDefinitions"]
    assert container["Image"] == {"Fn::GetAtt": ["TrainerImage", "ImageUri"]}
    version = stack.resources["TrainerImage"]["Properties"]["FunctionVersionArn"]["Ref"]
    assert stack.resources[version]["Type"] == "AWS::Lambda::Version"
    assert stack.resources[version]["Properties"]["FunctionName"] == {"Ref": "TrainerFunction"}
    pulls = [
        grant["Resource"]
        for grant in stack.role("TrainerExecutionRole")
        if "ecr:BatchGetImage" in grant["Action"]
    ]
    assert pulls == [{"Fn::GetAtt": ["TrainerImage", "RepositoryArn"]}]


def test_image_never_runs_as_a_function(stacks: list[Stack]) -> None:
    for stack in stacks:
        image = stack.functions["TrainerFunction"]
        assert image["ReservedConcurrentExecutions"] == 0
        assert "VpcConfig" not in image
        assert image["TracingConfig"] == {"Mode": "PassThrough"}
        assert stack.role("TrainerFunctionRole") == []


def test_one_tick_is_over_before_the_next_one_comes(stack: Stack) -> None:
    ages = {
        config["FunctionName"]["Ref"]: config["MaximumEventAgeInSeconds"]
        for config in stack.of_type("AWS::Lambda::EventInvokeConfig").values()
    }
    timeouts = {name: function["Timeout"] for name, function in stack.functions.items()}
    for rule in ("HourlyRule", "StackReadyRule"):
        (target,) = stack.of_type("AWS::Events::Rule")[rule]["Targets"]
        latest = (
            target["RetryPolicy"]["MaximumEventAgeInSeconds"]
            + ages["DispatcherFunction"]
            + timeouts["DispatcherFunction"]
            + ages["ConditionCheckFunction"]
        )
        assert latest <= TICK_SECONDS
    for name, age in ages.items():
        assert timeouts[name] <= age, name  # a second attempt is worth something


def test_cloudformation_waits_longer_than_the_deployment_may_take(stack: Stack) -> None:
    timeout = stack.functions["DeploymentFunction"]["Timeout"]
    for name in ("DatabaseSchema", "TrainerImage"):
        assert timeout < stack.resources[name]["Properties"]["ServiceTimeout"] <= 3600
    config = stack.resources["DeploymentFunctionEventInvokeConfig"]["Properties"]
    assert config["MaximumRetryAttempts"] == 0  # its second answer would not be heard


def test_every_log_is_kept_for_the_chosen_time(stacks: list[Stack]) -> None:
    for stack in stacks:
        groups = stack.of_type("AWS::Logs::LogGroup")
        used = {
            function["LoggingConfig"]["LogGroup"]["Ref"] for function in stack.functions.values()
        }
        (container,) = stack.task["ContainerDefinitions"]
        used.add(container["LogConfiguration"]["Options"]["awslogs-group"]["Ref"])
        (stage,) = stack.of_type("AWS::ApiGatewayV2::Stage").values()
        used.add(stage["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0])
        assert used == groups.keys()
        assert {group["RetentionInDays"] for group in groups.values()} == {30}
        assert len({group["LogGroupName"] for group in groups.values()}) == len(groups)


def test_every_output_that_people_need_is_there(stacks: list[Stack]) -> None:
    for stack in stacks:
        assert {
            "ApiUrl",
            "DashboardUrl",
            "ModelBucketName",
            "ClusterName",
            "FailureQueueUrl",
            "NotificationTopicArn",
            "TrainerTaskDefinitionArn",
            "DispatcherFunctionName",
            "ConditionCheckFunctionName",
            "TaskStoppedFunctionName",
        } <= stack.outputs.keys()
        assert NO_VALUE not in [one["Value"] for one in stack.outputs.values()]


def test_every_handler_is_a_function_of_a_file(
    stack: Stack, template: dict[str, Any], root: Path
) -> None:
    assert stack.zipped
    for name in stack.zipped:
        properties = template["Resources"][name]["Properties"]
        module, handler = properties["Handler"].split(".")
        source = (root / properties["CodeUri"] / f"{module}.py").read_text()
        assert re.search(rf"^def {handler}\(", source, re.MULTILINE), name


def test_handler_of_the_image_is_a_function_of_a_file(template: dict[str, Any], root: Path) -> None:
    config = template["Resources"]["TrainerFunction"]["Properties"]["ImageConfig"]
    assert config["EntryPoint"] == ["python", "-m", "awslambdaric"]
    (command,) = config["Command"]
    module, _, handler = command.rpartition(".")
    path = root / "functions/trainer/src" / f"{module.replace('.', '/')}.py"
    assert re.search(rf"^def {handler}\(", path.read_text(), re.MULTILINE)


def test_newest_migration_is_the_one_that_a_deployment_asks_for(stack: Stack, root: Path) -> None:
    migrations = root / "layers/core/src/autoretrain/storage/migrations"
    newest = max(path.name for path in migrations.glob("*.sql"))
    asked = stack.resources["DatabaseSchema"]["Properties"]["SchemaVersion"]
    assert newest.startswith(f"{asked}_")
