"""What must hold of the template, whoever edits it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from autoretrain import settings
from autoretrain_local.gateway.plan import read_api

LOGGING = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"}
SETTINGS = {
    "DispatcherFunction": settings.DispatcherSettings,
    "ConditionCheckFunction": settings.ConditionCheckSettings,
    "TaskStoppedFunction": settings.TaskStoppedSettings,
    "ApiFunction": settings.ApiSettings,
    "RetrainFunction": settings.ApiSettings,
    "AuthorizerFunction": settings.AuthorizerSettings,
}
# SAM adds the log and failure-queue permissions, and its secret policy, by itself.
ACTIONS = {
    "DispatcherFunction": {"lambda:InvokeFunction", "ecs:ListTasks"},
    "ConditionCheckFunction": set(),
    "TaskStoppedFunction": set(),
    "ApiFunction": {"s3:GetObject"},
    "RetrainFunction": set(),
    "AuthorizerFunction": set(),
    "StartTrainerPolicy": {"ecs:RunTask", "iam:PassRole"},
    "TrainerTaskRole": {
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "secretsmanager:GetSecretValue",
    },
    "TrainerExecutionRole": {
        "ecr:GetAuthorizationToken",
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    },
}
# Task size table of the ECS developer guide, in CPU units and MiB.
FARGATE_MEMORY = {
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
}
STARTERS = {"ConditionCheckFunction", "RetrainFunction"}
OPEN = {"GET /", "GET /assets/{file}", "GET /health", "GET /openapi.json"}
RETRAIN = {
    "POST /api/ai-strategies/{id}/auto-retrain",
    "POST /auto-retrain",
    "POST /train-strategy",
}
# What the access log may tell of a request: nothing that the caller has written but the route.
LOGGED = {
    "requestId": "$context.requestId",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "ip": "$context.identity.sourceIp",
    "integrationError": "$context.integrationErrorMessage",
    "authorizerError": "$context.authorizer.error",
    "latencyMs": "$context.responseLatency",
}
QUEUE = {"Fn::GetAtt": ["FailureQueue", "Arn"]}


def variables_of(kind: type[Any]) -> set[str]:
    """The environment variables that a process reads its settings from."""
    return {field.name.upper() for field in fields(kind)}


def of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def functions(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return of_type(template, "AWS::Serverless::Function")


def api(template: dict[str, Any]) -> dict[str, Any]:
    (only,) = of_type(template, "AWS::Serverless::HttpApi").values()
    return only


def behind_the_api(template: dict[str, Any]) -> frozenset[str]:
    return read_api(template).functions


def container(template: dict[str, Any]) -> dict[str, Any]:
    (task,) = of_type(template, "AWS::ECS::TaskDefinition").values()
    (only,) = task["ContainerDefinitions"]
    return dict(only)


def container_environment(template: dict[str, Any]) -> dict[str, Any]:
    return {entry["Name"]: entry["Value"] for entry in container(template)["Environment"]}


def nodes(tree: Any) -> Iterator[Any]:
    yield tree
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for child in children:
        yield from nodes(child)


def grants(tree: Any) -> list[dict[str, Any]]:
    return [
        node
        for node in nodes(tree)
        if isinstance(node, dict)
        and node.get("Effect") == "Allow"
        and node["Action"] != "sts:AssumeRole"
    ]


def actions(grant: dict[str, Any]) -> set[str]:
    action = grant["Action"]
    return {action} if isinstance(action, str) else set(action)


def test_every_function_has_its_handler(template: dict[str, Any], root: Path) -> None:
    for properties in functions(template).values():
        module, name = properties["Handler"].split(".")
        source = (root / properties["CodeUri"] / f"{module}.py").read_text()
        assert re.search(rf"^(def {name}\(|{name}\b.* = )", source, re.MULTILINE)


def test_every_function_runs_the_layer_on_its_python(template: dict[str, Any]) -> None:
    (layer,) = of_type(template, "AWS::Serverless::LayerVersion").values()
    for properties in functions(template).values():
        assert properties["Runtime"] in layer["CompatibleRuntimes"]
        assert properties["Layers"] == [{"Ref": "CoreLayer"}]
    assert template["Globals"]["Function"]["Architectures"] == layer["CompatibleArchitectures"]


def test_globals_suit_an_image_function_too(template: dict[str, Any]) -> None:
    assert not {"Runtime", "Handler", "Layers"} & template["Globals"]["Function"].keys()


def test_function_that_events_invoke_reports_what_it_never_handled(
    template: dict[str, Any],
) -> None:
    asynchronous = functions(template).keys() - behind_the_api(template)
    for name, properties in functions(template).items():
        assert ("EventInvokeConfig" in properties) is (name in asynchronous), name
    for name in asynchronous:
        config = functions(template)[name]["EventInvokeConfig"]
        assert config["DestinationConfig"]["OnFailure"] == {"Type": "SQS", "Destination": QUEUE}
        assert config["MaximumRetryAttempts"] == 2


def test_every_log_is_kept_for_the_chosen_time(template: dict[str, Any]) -> None:
    groups = of_type(template, "AWS::Logs::LogGroup")
    used = [
        properties["LoggingConfig"]["LogGroup"]["Ref"]
        for properties in functions(template).values()
    ]
    used.append(container(template)["LogConfiguration"]["Options"]["awslogs-group"]["Ref"])
    used.append(api(template)["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0])
    assert sorted(used) == sorted(groups)
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())


def test_every_rule_may_invoke_its_function(template: dict[str, Any]) -> None:
    allowed = {
        (permission["SourceArn"]["Fn::GetAtt"][0], permission["FunctionName"]["Ref"])
        for permission in of_type(template, "AWS::Lambda::Permission").values()
        if permission["Principal"] == "events.amazonaws.com"
    }
    wanted = {
        (name, target["Arn"]["Fn::GetAtt"][0])
        for name, rule in of_type(template, "AWS::Events::Rule").items()
        for target in rule["Targets"]
    }
    assert allowed == wanted


def test_every_rule_keeps_what_it_could_not_deliver(template: dict[str, Any]) -> None:
    rules = of_type(template, "AWS::Events::Rule")
    (policy,) = of_type(template, "AWS::SQS::QueuePolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    senders = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert {sender["Fn::GetAtt"][0] for sender in senders} == rules.keys()
    for rule in rules.values():
        assert all(target["DeadLetterConfig"] == {"Arn": QUEUE} for target in rule["Targets"])


def test_the_tick_is_hourly_and_can_be_switched_off(template: dict[str, Any]) -> None:
    rules = of_type(template, "AWS::Events::Rule")
    assert {
        name: (rule["ScheduleExpression"], rule["State"])
        for name, rule in rules.items()
        if "ScheduleExpression" in rule
    } == {"HourlyRule": ("rate(1 hour)", {"Ref": "ScheduleState"})}


def test_functions_get_exactly_the_environment_they_read(template: dict[str, Any]) -> None:
    shared = template["Globals"]["Function"]["Environment"]["Variables"].keys()
    for name, properties in functions(template).items():
        own = properties.get("Environment", {}).get("Variables", {}).keys()
        assert shared | own == variables_of(SETTINGS[name]) | LOGGING, name


def test_trainer_gets_exactly_the_environment_it_reads(template: dict[str, Any]) -> None:
    wanted = variables_of(settings.TrainerSettings) | LOGGING | {"OMP_NUM_THREADS"}
    assert container_environment(template).keys() == wanted


def test_no_environment_holds_a_secret(template: dict[str, Any]) -> None:
    variables = (
        container_environment(template)
        | template["Globals"]["Function"]["Environment"]["Variables"]
    )
    for properties in functions(template).values():
        variables |= properties.get("Environment", {}).get("Variables", {})
    suspects = re.compile("PASS|SECRET|KEY|TOKEN|DSN|URL")
    assert [
        name for name, value in variables.items() if suspects.search(name) and "Ref" not in value
    ] == []


def test_no_environment_turns_on_the_logging_of_events(template: dict[str, Any]) -> None:
    variables = {key for node in nodes(template) if isinstance(node, dict) for key in node}
    assert not {"POWERTOOLS_LOGGER_LOG_EVENT", "POWERTOOLS_DEV"} & variables


def test_each_role_may_do_its_own_work_only(template: dict[str, Any]) -> None:
    assert {
        name: set().union(*map(actions, grants(template["Resources"][name]))) for name in ACTIONS
    } == ACTIONS


def test_whoever_starts_a_trainer_has_the_one_policy_for_it(template: dict[str, Any]) -> None:
    policy = {"Ref": "StartTrainerPolicy"}
    having = {name for name, of in functions(template).items() if policy in of["Policies"]}
    assert having == STARTERS


def test_no_grant_has_a_wildcard_for_an_action(template: dict[str, Any]) -> None:
    assert [
        grant for grant in grants(template) if any("*" in action for action in actions(grant))
    ] == []


def test_no_grant_is_for_every_resource_without_a_condition(template: dict[str, Any]) -> None:
    wide = [
        grant for grant in grants(template) if grant["Resource"] == "*" and "Condition" not in grant
    ]
    assert [actions(grant) for grant in wide] == [{"ecr:GetAuthorizationToken"}]


def test_every_function_may_read_the_one_secret(template: dict[str, Any]) -> None:
    policy = {"AWSSecretsManagerGetSecretValuePolicy": {"SecretArn": {"Ref": "DatabaseSecretArn"}}}
    assert all(policy in properties["Policies"] for properties in functions(template).values())


def test_every_permitted_task_size_exists_on_fargate(template: dict[str, Any]) -> None:
    permitted = {
        rule["RuleCondition"]["Fn::Equals"][1]: rule["Assertions"][0]["Assert"]["Fn::Contains"][0]
        for rule in template["Rules"].values()
    }
    cpu, memory = (template["Parameters"][name] for name in ("TrainerCpu", "TrainerMemory"))
    assert sorted(permitted) == sorted(cpu["AllowedValues"])
    assert permitted.keys() == template["Mappings"]["ThreadsByCpu"].keys()
    for units, sizes in permitted.items():
        assert all(int(size) in FARGATE_MEMORY[int(units)] for size in sizes)
        assert set(sizes) <= set(memory["AllowedValues"])
    assert memory["Default"] in permitted[cpu["Default"]]


def test_trainer_is_told_when_it_runs_out_of_memory(template: dict[str, Any]) -> None:
    (task,) = of_type(template, "AWS::ECS::TaskDefinition").values()
    assert container(template)["Memory"] == task["Memory"] == {"Ref": "TrainerMemory"}


def test_trainer_can_write_nowhere_but_in_tmp(template: dict[str, Any]) -> None:
    trainer = container(template)
    assert trainer["ReadonlyRootFilesystem"] is True
    assert [mount["ContainerPath"] for mount in trainer["MountPoints"]] == ["/tmp"]
    assert trainer["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}


def test_trainer_has_time_to_hand_its_run_back(template: dict[str, Any]) -> None:
    trainer = container(template)
    assert trainer["StopTimeout"] == 120
    assert trainer["LinuxParameters"]["InitProcessEnabled"] is True


def test_models_are_private_encrypted_and_outlive_the_stack(template: dict[str, Any]) -> None:
    bucket = template["Resources"]["ModelBucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "BucketEncryption" in bucket["Properties"]


def test_every_parameter_is_described_and_used(template: dict[str, Any]) -> None:
    body = {section: template[section] for section in ("Globals", "Resources")}
    used = {node["Ref"] for node in nodes(body) if isinstance(node, dict) and "Ref" in node}
    assert template["Parameters"].keys() <= used
    assert all(parameter["Description"] for parameter in template["Parameters"].values())


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


def test_routes_are_those_of_the_contract(template: dict[str, Any], root: Path) -> None:
    contract = json.loads((root / "functions/api/openapi.json").read_text())
    wanted = [
        f"{method.upper()} {path}"
        for path, operations in contract["paths"].items()
        for method in operations
    ]
    assert sorted(route.key for route in read_api(template).routes) == sorted(wanted)


def test_every_route_is_of_the_one_api(template: dict[str, Any]) -> None:
    for properties in functions(template).values():
        for event in properties.get("Events", {}).values():
            assert event["Type"] == "HttpApi"
            assert event["Properties"]["ApiId"] == {"Ref": "HttpApi"}
            assert event["Properties"].get("Auth", {}).keys() <= {"Authorizer"}


def test_only_what_carries_no_data_is_open(template: dict[str, Any]) -> None:
    assert {route.key for route in read_api(template).routes if route.is_open} == OPEN


def test_routes_that_train_have_a_function_of_their_own(template: dict[str, Any]) -> None:
    by_function = {
        name: {route.key for route in read_api(template).routes if route.function == name}
        for name in ("ApiFunction", "RetrainFunction")
    }
    assert by_function["RetrainFunction"] == RETRAIN
    assert len(by_function["ApiFunction"] | RETRAIN) == len(read_api(template).routes)
    ours = functions(template)
    assert ours["ApiFunction"]["CodeUri"] == ours["RetrainFunction"]["CodeUri"]
    assert ours["ApiFunction"]["Environment"] == ours["RetrainFunction"]["Environment"]


def test_function_is_done_before_the_gateway_gives_it_up(template: dict[str, Any]) -> None:
    assert all(functions(template)[name]["Timeout"] < 30 for name in behind_the_api(template))


def test_authorizer_guards_every_route_and_may_be_called(template: dict[str, Any]) -> None:
    auth = api(template)["Auth"]
    ((name, authorizer),) = auth["Authorizers"].items()
    assert auth["DefaultAuthorizer"] == name
    assert authorizer == {
        "FunctionArn": {"Fn::GetAtt": ["AuthorizerFunction", "Arn"]},
        "EnableFunctionDefaultPermissions": True,
        "AuthorizerPayloadFormatVersion": "2.0",
        "EnableSimpleResponses": True,
        "Identity": {"Headers": ["Authorization"], "ReauthorizeEvery": 60},
    }


def test_api_is_throttled_as_the_parameters_say(template: dict[str, Any]) -> None:
    assert api(template)["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ApiRateLimit"},
        "ThrottlingBurstLimit": {"Ref": "ApiBurstLimit"},
    }
    plan = read_api(template)
    assert (plan.rate_per_second, plan.burst) == (50, 100)


def test_access_log_is_json_and_tells_nothing_that_is_secret(template: dict[str, Any]) -> None:
    assert json.loads(api(template)["AccessLogSettings"]["Format"]) == LOGGED


def test_browsers_may_call_from_the_chosen_origins_or_from_none(template: dict[str, Any]) -> None:
    condition, cors, without = api(template)["CorsConfiguration"]["Fn::If"]
    assert template["Conditions"][condition] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "CorsOrigins"}, ""]}]
    }
    assert template["Parameters"]["CorsOrigins"]["Default"] == ""
    assert without == {"Ref": "AWS::NoValue"}
    assert cors == {
        "allowOrigins": {"Fn::Split": [",", {"Ref": "CorsOrigins"}]},
        "allowMethods": ["GET", "POST", "PATCH", "DELETE"],
        "allowHeaders": [
            "authorization",
            "content-type",
            "idempotency-key",
            "prefer",
            "if-none-match",
        ],
        "exposeHeaders": ["etag", "retry-after", "preference-applied"],
    }


@pytest.mark.parametrize(
    ("parameter", "text", "is_allowed"),
    [
        ("CorsOrigins", "", True),
        ("CorsOrigins", "https://studio.example.com,http://localhost:5173", True),
        ("CorsOrigins", "*", False),
        ("CorsOrigins", "https://*.example.com", False),
        ("CorsOrigins", "https://studio.example.com/", False),
        ("CorsOrigins", "https://a.example.com, https://b.example.com", False),
        ("JwtIssuer", "", True),
        ("JwtIssuer", "https://project.supabase.co/auth/v1", True),
        ("JwtIssuer", "http://project.supabase.co/auth/v1", False),
        ("JwtIssuer", "https://", False),
        ("JwtAudience", "authenticated", True),
        ("JwtAudience", "", False),
    ],
)
def test_parameter_takes_nothing_that_would_not_work(
    template: dict[str, Any], parameter: str, text: str, is_allowed: bool
) -> None:
    pattern = template["Parameters"][parameter]["AllowedPattern"]
    assert (re.search(pattern, text) is not None) is is_allowed


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
    assert imported - ours <= {"__future__", "datetime", "functools", "os", "typing", "uuid"}
