"""What each choice of parameters changes, whatever else is chosen."""

from __future__ import annotations

from typing import Any

from tests.template.conftest import GIVEN_NETWORK, GIVEN_SECRET, RESERVED, Stack

LAUNCHERS = ("ConditionCheckFunction", "ApiFunction", "RetrainFunction")


def test_one_architecture_holds_everywhere(stacks: list[Stack]) -> None:
    names = {"x86_64": "X86_64", "arm64": "ARM64"}
    for stack in stacks:
        chosen = stack.choice["architecture"]
        layers = stack.of_type("AWS::Lambda::LayerVersion").values()
        assert all(of["Architectures"] == [chosen] for of in stack.functions.values())
        # Pages are the same on every processor: their layer names none.
        named = [of["CompatibleArchitectures"] for of in layers if "CompatibleArchitectures" in of]
        assert named == [[chosen]]
        assert stack.task["RuntimePlatform"]["CpuArchitecture"] == names[chosen]


def test_layer_is_built_for_the_architecture_of_the_functions(template: dict[str, Any]) -> None:
    layer = template["Resources"]["CoreLayer"]
    assert layer["Metadata"]["BuildArchitecture"] == {"Ref": "Architecture"}
    assert layer["Properties"]["CompatibleArchitectures"] == [{"Ref": "Architecture"}]


def test_own_network_is_the_trainers_alone(stacks: list[Stack]) -> None:
    for stack in (one for one in stacks if one.choice["network"] == "own"):
        assert "Network" in stack.resources
        assert not any("VpcConfig" in function for function in stack.functions.values())
        for name in LAUNCHERS:
            told = stack.variables(name)
            assert told["TRAINER_SUBNETS"]["Fn::Join"] == [
                ",",
                [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}],
            ]
            assert told["TRAINER_SECURITY_GROUPS"] == {"Ref": "TrainerSecurityGroup"}
            assert told["TRAINER_ASSIGN_PUBLIC_IP"] == "ENABLED"
        assert "ec2" not in str(stack.resources["EveryFunctionPolicy"])


def test_given_network_takes_trainers_and_functions_in(stacks: list[Stack]) -> None:
    for stack in (one for one in stacks if one.choice["network"] == "given"):
        assert "Network" not in stack.resources
        inside = {
            "SubnetIds": GIVEN_NETWORK["SubnetIds"].split(","),
            "SecurityGroupIds": GIVEN_NETWORK["SecurityGroupIds"].split(","),
        }
        assert all(function["VpcConfig"] == inside for function in stack.zipped.values())
        for name in LAUNCHERS:
            told = stack.variables(name)
            assert told["TRAINER_SUBNETS"] == GIVEN_NETWORK["SubnetIds"]
            assert told["TRAINER_SECURITY_GROUPS"] == GIVEN_NETWORK["SecurityGroupIds"]
            assert told["TRAINER_ASSIGN_PUBLIC_IP"] == GIVEN_NETWORK["AssignPublicIp"]
        assert "ec2:CreateNetworkInterface" in str(stack.resources["EveryFunctionPolicy"])
        assert stack.outputs["VpcId"]["Value"] == GIVEN_NETWORK["VpcId"]


def test_capacity_providers_are_there_for_spot_only(stacks: list[Stack]) -> None:
    for stack in stacks:
        providers = stack.resources["Cluster"].get("Properties", {}).get("CapacityProviders")
        assert providers == (["FARGATE", "FARGATE_SPOT"] if stack.choice["spot"] else None)
        told = stack.variables("ConditionCheckFunction")["TRAINER_SPOT"]
        assert told == ("true" if stack.choice["spot"] else "false")


def test_nothing_is_reserved_unless_it_is_asked_for(stacks: list[Stack]) -> None:
    for stack in stacks:
        reserved = {
            name: function["ReservedConcurrentExecutions"]
            for name, function in stack.functions.items()
            if "ReservedConcurrentExecutions" in function
        }
        asked = {
            f"{name.removesuffix('Concurrency')}Function": number
            for name, number in RESERVED.items()
        }
        assert reserved == {"TrainerFunction": 0} | (asked if stack.choice["reserved"] else {})


def test_traces_are_sent_when_they_are_asked_for(stacks: list[Stack]) -> None:
    for stack in stacks:
        mode = "Active" if stack.choice["traced"] else "PassThrough"
        assert all(of["TracingConfig"] == {"Mode": mode} for of in stack.zipped.values())
        assert ("xray" in str(stack.resources)) is stack.choice["traced"]


def test_schedule_can_be_switched_off(stacks: list[Stack]) -> None:
    for stack in stacks:
        state = "ENABLED" if stack.choice["schedule"] else "DISABLED"
        rules = stack.of_type("AWS::Events::Rule")
        assert {rules[name]["State"] for name in ("HourlyRule", "StackReadyRule")} == {state}
        assert rules["TaskStoppedRule"].get("State", "ENABLED") == "ENABLED"
        watched = stack.resources["Observability"]["Properties"]["Parameters"]["ScheduleState"]
        assert watched == state


def test_somebody_is_told_by_mail_when_there_is_an_address(stacks: list[Stack]) -> None:
    for stack in stacks:
        told = [
            (of["Protocol"], of["Endpoint"], of["TopicArn"])
            for of in stack.of_type("AWS::SNS::Subscription").values()
        ]
        mail = ("email", "people@example.com", {"Ref": "NotificationTopic"})
        assert told == ([mail] if stack.choice["email"] else [])


def test_everybody_reads_the_one_secret(stacks: list[Stack]) -> None:
    for stack in stacks:
        is_made = stack.choice["secret"] == "made"
        secret = {"Ref": "DatabaseSecret"} if is_made else GIVEN_SECRET["DatabaseSecretArn"]
        assert ("DatabaseSecret" in stack.resources) is is_made
        environments = [*map(stack.variables, stack.functions), stack.container_variables]
        assert all(one["DATABASE_SECRET_ARN"] == secret for one in environments)
        assert stack.resources["DatabaseSchema"]["Properties"]["SecretArn"] == secret
        assert stack.outputs["DatabaseSecretArn"]["Value"] == secret
