"""Each role may do what its code asks of AWS, and nothing else: recorded while the loop runs."""

from __future__ import annotations

import re
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread, current_thread
from typing import Any
from uuid import UUID

import boto3
import pytest

from autoretrain_local.account import TASK_STOPPED
from autoretrain_local.ecs_endpoint import Failure
from autoretrain_local.stack import LocalStack
from autoretrain_local.token_file import local_token
from autoretrain_trainer import on_lambda
from tests.functions.conftest import event
from tests.template.cloudformation import nodes
from tests.template.conftest import Stack
from tests.world import NOW, World

DEPLOYMENT = "DeploymentFunction"
TRAINER = "the trainer"
# One keeps the lease while it trains, others fetch what the last training has left.
THREADS = {"pulse": TRAINER, "ahead": TRAINER}
THE_TEST_ITSELF = "MainThread"
ROLES = {
    "DispatcherFunction": "DispatcherRole",
    "ConditionCheckFunction": "ConditionCheckRole",
    "TaskStoppedFunction": "TaskStoppedRole",
    "ApiFunction": "ApiRole",
    "RetrainFunction": "RetrainRole",
    "AuthorizerFunction": "AuthorizerRole",
    DEPLOYMENT: "DeploymentRole",
    TRAINER: "TrainerTaskRole",
}
# The permission that an operation needs, where it is called otherwise.
PERMISSIONS = {"lambda:Invoke": "lambda:InvokeFunction", "sns:PublishBatch": "sns:Publish"}
# What an operation needs beside its own permission.
BESIDE = {
    "ecs:RunTask": {"iam:PassRole"},  # the task's roles
    "s3:PutObject": {"s3:ListBucket"},  # to tell a key that is absent from one that is forbidden
}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
PULLS = {
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
}
TRACES = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
INTERFACES = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}
ME = UUID(int=1)
AN_HOUR = 3600.0


@dataclass
class Context:
    def get_remaining_time_in_millis(self) -> int:
        return int(AN_HOUR * 1000)


@dataclass
class Record:
    """Which operations of AWS each function asked for. Its thread is named after a function."""

    asked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def hear(self, model: Any, **_: Any) -> None:
        """botocore tells of every call before it is sent, and of what is only signed."""
        name = current_thread().name.removeprefix("lambda-").partition("_")[0]
        self.asked[THREADS.get(name, name)].add(
            f"{model.service_model.endpoint_prefix}:{model.name}"
        )


@contextmanager
def recording(monkeypatch: pytest.MonkeyPatch) -> Iterator[Record]:
    record, session = Record(), boto3.Session()
    session.events.register("provide-client-params.*.*", record.hear)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    monkeypatch.setattr(Thread, "start", _named_after_its_function(Thread.start))
    on_lambda.working.cache_clear()
    on_lambda.wishes.cache_clear()
    yield record
    on_lambda.working.cache_clear()
    on_lambda.wishes.cache_clear()


def _named_after_its_function(start: Callable[[Thread], None]) -> Callable[[Thread], None]:
    """What the threads of a function ask for, it asks for itself."""

    def named(thread: Thread) -> None:
        if current_thread().name.startswith("lambda-"):
            thread.name = current_thread().name
        start(thread)

    return named


def train(given: dict[str, Any]) -> None:
    """Train here instead of in a process of its own, which nobody could listen to."""
    context: Any = Context()
    with ThreadPoolExecutor(1, initializer=lambda: _call_me(TRAINER)) as pool:
        assert pool.submit(on_lambda.handler, given, context).result()["trainings"]


def _call_me(name: str) -> None:
    current_thread().name = name


def ask(stack: LocalStack, token: str, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = b'{"force": true}' if method == "POST" else None
    request = urllib.request.Request(stack.url + path, body, headers, method=method)
    with urllib.request.urlopen(request) as response:
        assert response.status in (200, 202)


def learn(world: World, strategy: UUID, first: datetime) -> None:
    """Trades whose one feature tells four of five outcomes."""
    signs = [1.0 if n % 2 else -1.0 for n in range(120)]
    seen = [{"rsi": -sign if n % 5 == 0 else sign} for n, sign in enumerate(signs)]
    world.trades(strategy, signs, first=first, features=seen)


def live_through_everything(stack: LocalStack, world: World, folder: Path) -> None:
    """Every call of every function, at least once: a launch that died half-way included."""
    token = local_token(world.url, folder)
    first = world.strategy("first", user_id=ME)
    learn(world, first, NOW - timedelta(days=30))
    stack.ecs.script(*[Failure("RESOURCE:MEMORY")] * 20)

    stack.tick()
    stack.settle()
    train({})
    stack.functions.invoke_async(TASK_STOPPED, event("task_stopped_oom"))
    stack.settle()

    learn(world, first, NOW - timedelta(days=20))
    train({"strategy": "first"})
    half_launched = world.strategy("half launched", user_id=ME)
    world.run(
        "INSERT INTO autoretrain.training_runs (id, strategy_id, user_id, reason, status, fence,"
        " lease_expires_at) VALUES (gen_random_uuid(), %s, %s, 'test', 'starting', 1,"
        " now() - interval '1 minute')",
        half_launched,
        ME,
    )
    stack.tick()
    stack.settle()

    ask(stack, token, "GET", f"/api/ai-strategies/{first}/active-model")
    ask(stack, token, "POST", f"/api/ai-strategies/{first}/auto-retrain")
    for name in ("deployment_schema_create", "deployment_image_update"):
        answer_to = {"ResponseURL": f"{stack.url}/nobody-waits-here"}
        stack.functions.invoke_async(DEPLOYMENT, event(name) | answer_to)
    stack.settle()


def granted(stack: Stack, role: str, effect: str = "Allow") -> set[str]:
    return {
        action
        for statement in stack.role(role)
        if statement["Effect"] == effect
        for action in actions(statement)
    }


def actions(statement: dict[str, Any]) -> list[str]:
    action = statement["Action"]
    return [action] if isinstance(action, str) else list(action)


def needs(operations: set[str]) -> set[str]:
    """The permissions that these operations need."""
    beside = [BESIDE[operation] for operation in operations if operation in BESIDE]
    return {PERMISSIONS.get(operation, operation) for operation in operations}.union(*beside)


def reports(stack: Stack, function: str) -> set[str]:
    """What Lambda does in the function's name: it logs, and hands on what was never handled."""
    configured = [
        config["FunctionName"]["Ref"]
        for config in stack.of_type("AWS::Lambda::EventInvokeConfig").values()
    ]
    if function == TRAINER:
        return set()  # the execution role logs
    return LOGS | ({"sqs:SendMessage"} if function in configured else set())


def test_every_function_may_do_what_it_does_and_no_more(
    clone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: Stack
) -> None:
    with (
        recording(monkeypatch) as record,
        LocalStack(clone, tmp_path, list[str]().append) as running,
    ):
        live_through_everything(running, World(clone), tmp_path)

    assert record.asked.keys() == {*ROLES, THE_TEST_ITSELF}
    assert {
        function: needs(record.asked[function]) | reports(stack, function) for function in ROLES
    } == {function: granted(stack, role) for function, role in ROLES.items()}


def chosen(stack: Stack) -> set[str]:
    """What every function may do besides, for the sake of a parameter."""
    traces = TRACES if stack.choice["traced"] else set()
    return traces | (INTERFACES if stack.choice["network"] == "given" else set())


def test_every_function_has_its_own_role(stacks: list[Stack]) -> None:
    for stack in stacks:
        roles = {name: of["Role"]["Fn::GetAtt"][0] for name, of in stack.functions.items()}
        wanted = {name: role for name, role in ROLES.items() if name != TRAINER}
        assert roles == wanted | {"TrainerFunction": "TrainerFunctionRole"}


def test_roles_grow_with_what_was_chosen_and_with_nothing_else(stacks: list[Stack]) -> None:
    plain = {role: granted(stacks[0], role) for role in ROLES.values()}
    for stack in stacks:
        more = chosen(stack)
        for role, before in plain.items():
            extra = set() if role == "TrainerTaskRole" else more
            assert granted(stack, role) == before | extra, role
        assert granted(stack, "TrainerExecutionRole") == PULLS | LOGS


def test_code_in_a_given_network_may_not_use_the_interfaces_itself(stacks: list[Stack]) -> None:
    for stack in stacks:
        wanted = INTERFACES if stack.choice["network"] == "given" else set()
        assert granted(stack, "DispatcherRole", "Deny") == wanted
        for statement in stack.role("DispatcherRole"):
            if statement["Effect"] == "Deny":
                assert statement["Condition"] == {"Null": {"lambda:SourceFunctionArn": "false"}}


def test_every_function_logs_into_its_own_group_alone(stack: Stack) -> None:
    functions = stack.functions
    for function, role in ROLES.items():
        written = [one["Resource"] for one in stack.role(role) if set(actions(one)) == LOGS]
        if function == TRAINER:
            assert written == []
        else:
            group = functions[function]["LoggingConfig"]["LogGroup"]["Ref"]
            assert written == [{"Fn::GetAtt": [group, "Arn"]}]


def test_trainer_gets_to_its_own_bucket_and_log_alone(stack: Stack) -> None:
    granted = {
        action: statement["Resource"]
        for role in ("TrainerTaskRole", "TrainerExecutionRole")
        for statement in stack.role(role)
        for action in actions(statement)
    }
    log = "arn:aws:logs:eu-central-1:123456789012:log-group:${TrainerLogs}:*"
    assert granted["s3:PutObject"] == {"Fn::Sub": "arn:aws:s3:::${ModelBucket}/models/*"}
    assert granted["s3:ListBucket"] == {"Fn::Sub": "arn:aws:s3:::${ModelBucket}"}
    assert granted["logs:PutLogEvents"] == {"Fn::Sub": log}
    assert granted["secretsmanager:GetSecretValue"] == {"Ref": "DatabaseSecret"}


def allowed(stack: Stack) -> list[dict[str, Any]]:
    """Every statement that allows something, of all roles and policies."""
    return [
        node
        for node in nodes(stack.resources)
        if isinstance(node, dict) and node.get("Effect") == "Allow"
    ]


def test_nobody_is_allowed_a_wildcard_of_actions(stacks: list[Stack]) -> None:
    for stack in stacks:
        assert [one for one in allowed(stack) if "*" in "".join(actions(one))] == []


def test_every_resource_is_granted_only_where_aws_knows_no_other(stacks: list[Stack]) -> None:
    for stack in stacks:
        wide = {
            action
            for one in allowed(stack)
            if one.get("Resource") == "*" and "Condition" not in one
            for action in actions(one)
        }
        assert wide == chosen(stack) | {"ecr:GetAuthorizationToken"}


def test_every_wide_grant_says_why(root: Path) -> None:
    for path in (root / "template.yaml", *(root / "stacks").glob("*.yaml")):
        # A statement ends where the next one begins, or what follows the last of a list.
        for statement in re.split(r"(?=- Sid: |\n\n)", path.read_text()):
            if "Sid: " in statement and "Effect: Allow" in statement:
                assert not re.search(r"Resource: ['\"]\*['\"] *$", statement, re.MULTILINE)


def test_queue_topic_and_bucket_refuse_whoever_comes_without_tls(stack: Stack) -> None:
    kinds = ("AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy")
    policies = [policy for kind in kinds for policy in stack.of_type(kind).values()]
    for policy in policies:
        refusal = policy["PolicyDocument"]["Statement"][-1]
        assert (refusal["Effect"], refusal["Principal"]) == ("Deny", "*")
        assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(policies) == 3


def test_roles_are_taken_by_one_service_each(stack: Stack) -> None:
    services = {
        name: statement["Principal"]["Service"]
        for name, role in stack.of_type("AWS::IAM::Role").items()
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
    }
    tasks = {"TrainerTaskRole", "TrainerExecutionRole"}
    assert {name for name, of in services.items() if of == "ecs-tasks.amazonaws.com"} == tasks
    assert {of for name, of in services.items() if name not in tasks} == {"lambda.amazonaws.com"}


def test_trainer_gets_its_two_roles_and_no_others(stack: Stack) -> None:
    passes = [one for one in stack.role("RetrainRole") if actions(one) == ["iam:PassRole"]]
    assert passes == [
        {
            "Sid": "HandRolesToTrainer",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": [
                {"Fn::GetAtt": ["TrainerTaskRole", "Arn"]},
                {"Fn::GetAtt": ["TrainerExecutionRole", "Arn"]},
            ],
            "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        }
    ]
