"""The whole stack on one machine: the template's functions and trainer on stand-ins for AWS."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

import boto3

from autoretrain.errors import OperatorError
from autoretrain_local.aws import MotoAws
from autoretrain_local.ecs_endpoint import Ecs
from autoretrain_local.ecs_state import TaskDefinition
from autoretrain_local.endpoints import ACCOUNT, REGION, Endpoints
from autoretrain_local.gateway.api import HttpApi
from autoretrain_local.gateway.environments import Environments, Handler
from autoretrain_local.gateway.server import Server
from autoretrain_local.imports import Imports
from autoretrain_local.lambda_endpoint import PREFIX, Function, Lambda
from autoretrain_local.lines import Hear, Lines
from autoretrain_local.template import TEMPLATE, FunctionPlan, Plan, read_plan

CLUSTER = "auto-retrain"
BUCKET = "auto-retrain-models"
FAILURE_QUEUE = "auto-retrain-failures"
CONSOLE = TEMPLATE.parent / "console" / "dist"
TOPIC = "auto-retrain-notifications"
TRAINER = "TrainerFunction"
DISPATCHER, CONDITION_CHECK, TASK_STOPPED = (
    "DispatcherFunction",
    "ConditionCheckFunction",
    "TaskStoppedFunction",
)
SETTLE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class SignIn:
    """Whose web tokens are taken beside our own; an empty issuer's: nobody's. The console asks for
    e-mail and password where it has the Supabase project's public key."""

    issuer: str = ""
    audience: str = ""
    jwt_secret: str | None = field(default=None, repr=False)
    supabase_anon_key: str = ""


class LocalStack:
    """A context manager; enter it from the main thread, before other threads exist.

    Every log line of functions and trainers goes to `hear`, from threads of its own. The API is
    at `url`: on the given port of loopback, 0 for any that is free. `variables` are what each
    function is told in its environment, the trainer's too.
    """

    def __init__(
        self,
        database_url: str,
        data: Path,
        hear: Hear,
        plan: Plan | None = None,
        port: int = 0,
        sign_in: SignIn | None = None,
    ) -> None:
        self._database_url = database_url
        self._hear = hear
        self._plan = plan or read_plan()
        self._port = port
        self._sign_in = sign_in or SignIn()
        self._imports = Imports()
        self._aws = MotoAws(data / "aws")
        self._undo = ExitStack()
        self.functions: Lambda
        self.ecs: Ecs
        self.url: str
        self.variables: Mapping[str, Mapping[str, str]]

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.enter_context(self._aws)
            endpoints = Endpoints()
            variables = self._aws.environment(endpoints.url)
            undo.enter_context(_environment(variables))
            secret_arn, topic_arn = self._put_up_services()
            settings = _settings(
                secret_arn, topic_arn, _trainer_definition(self._plan).arn, self._sign_in
            )
            undo.enter_context(_environment(_chosen(self._all_variables(), settings)))
            self.variables = self._variables(variables, settings)
            trainer = variables | _chosen(self._plan.trainer.variables, settings)
            self.ecs = self._cluster(trainer, endpoints.url)
            undo.callback(self._imports.close)
            self.functions = Lambda(
                {plan.name: self._function(plan) for plan in self._plans(of_api=False)}
            )
            undo.callback(self.functions.close)
            undo.callback(self.ecs.close)
            endpoints.mount(PREFIX, self.functions.answer)
            endpoints.mount("/", self.ecs.answer)
            undo.enter_context(endpoints)
            self.url = undo.enter_context(Server(self._api().answer, self._port)).url
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def tick(self) -> None:
        """What the hourly rule does."""
        now = datetime.now(UTC).replace(microsecond=0)
        self.functions.invoke_async(DISPATCHER, _scheduled_event(now))

    def settle(self) -> None:
        """Wait until every function and every trainer is done."""
        self.functions.drain(SETTLE_SECONDS)
        self.ecs.join_all()
        self.functions.drain(SETTLE_SECONDS)

    def _put_up_services(self) -> tuple[str, str]:
        """Secret, bucket, queue and topic, as the template makes them; returns the ARNs of the
        secret and the topic. Every account has its default event bus."""
        secret = boto3.client("secretsmanager").create_secret(
            Name="auto-retrain/database",
            SecretString=json.dumps(
                {"url": self._database_url, "jwt_secret": self._sign_in.jwt_secret}
            ),
        )
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        boto3.client("sqs").create_queue(QueueName=FAILURE_QUEUE)
        topic = boto3.client("sns").create_topic(Name=TOPIC)
        self._aws.start_recording()
        return secret["ARN"], topic["TopicArn"]

    def _variables(
        self, aws: Mapping[str, str], settings: Mapping[str, str]
    ) -> dict[str, dict[str, str]]:
        """Every variable that the template declares for a function, the way to AWS among them."""
        endpoints = {name: aws[name] for name in aws if name.startswith("AWS_ENDPOINT_URL")}
        names = {plan.name: plan.variables for plan in self._plan.functions.values()}
        names[TRAINER] = self._plan.trainer.variables
        return {name: endpoints | _chosen(wanted, settings) for name, wanted in names.items()}

    def _all_variables(self) -> list[str]:
        """One process runs all functions here, so it has all their variables."""
        plans = self._plan.functions.values()
        return sorted({variable for plan in plans for variable in plan.variables})

    def _cluster(self, environment: Mapping[str, str], url: str) -> Ecs:
        return Ecs(
            cluster=CLUSTER,
            definitions=[_trainer_definition(self._plan, environment)],
            url=url,
            on_event=self._task_changed,
            on_output=lambda _task_arn, line: self._hear(line),
        )

    def _task_changed(self, event: dict[str, Any]) -> None:
        """The rule that the template lays on ECS Task State Change."""
        if event["detail"]["lastStatus"] == "STOPPED":
            self.functions.invoke_async(TASK_STOPPED, event)

    def _plans(self, of_api: bool) -> list[FunctionPlan]:
        api, plans = self._plan.api.functions, self._plan.functions
        return [plan for name, plan in plans.items() if (name in api) is of_api]

    def _api(self) -> HttpApi:
        functions = {
            plan.name: Environments(
                plan.name, partial(self._handler, plan), plan.timeout_seconds
            ).run
            for plan in self._plans(of_api=True)
        }
        return HttpApi(self._plan.api, functions)

    def _handler(self, plan: FunctionPlan) -> Handler:
        """What it caches belongs to this stack; what it logs is heard."""
        app = self._imports.fresh(plan.app)
        app.logger.registered_handler.setStream(Lines(self._hear))
        handler: Handler = app.handler
        return handler

    def _function(self, plan: FunctionPlan) -> Function:
        return Function(
            handler=self._handler(plan),
            timeout_seconds=plan.timeout_seconds,
            retries=plan.retries,
            max_age_seconds=plan.max_age_seconds,
            on_failure=_send_to_failure_queue,
        )


def _trainer_definition(plan: Plan, environment: Mapping[str, str] | None = None) -> TaskDefinition:
    return TaskDefinition(
        family="auto-retrain-trainer",
        container=plan.trainer.container,
        command=[sys.executable, "-m", "autoretrain_trainer"],
        environment=environment or {},
        stop_timeout_seconds=plan.trainer.stop_timeout_seconds,
    )


def _settings(
    secret_arn: str, topic_arn: str, task_definition_arn: str, sign_in: SignIn
) -> dict[str, str]:
    """What the template's references come to on this machine."""
    return {
        "DATABASE_SECRET_ARN": secret_arn,
        "POWERTOOLS_SERVICE_NAME": "auto-retrain",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "POWERTOOLS_METRICS_NAMESPACE": "auto-retrain",
        "CONDITION_CHECK_FUNCTION": CONDITION_CHECK,
        "STRATEGIES_PER_CHECK": "1",
        "CHECKS_PER_SECOND": "0",
        "NOTIFICATION_TOPIC_ARN": topic_arn,
        "EVENT_BUS": "default",
        "ECS_CLUSTER": CLUSTER,
        "TRAINER_TASK_DEFINITION": task_definition_arn,
        "TRAINER_SUBNETS": "subnet-00000000000000001",
        "TRAINER_SECURITY_GROUPS": "sg-00000000000000001",
        "TRAINER_ASSIGN_PUBLIC_IP": "DISABLED",
        "TRAINER_SPOT": "false",
        "MAX_CONCURRENT_TASKS": str(os.cpu_count() or 1),
        "RUNS_PER_HOUR": "60",
        "JWT_ISSUER": sign_in.issuer,
        "JWT_AUDIENCE": sign_in.audience,
        "CONSOLE_DIR": str(CONSOLE),
        "SUPABASE_ANON_KEY": sign_in.supabase_anon_key,
        "MODEL_BUCKET": BUCKET,
        "OMP_NUM_THREADS": "1",
    }


def _chosen(names: Any, settings: Mapping[str, str]) -> dict[str, str]:
    unknown = [name for name in names if name not in settings]
    if unknown:
        raise OperatorError(f"template.yaml declares {', '.join(unknown)}: unknown on one machine")
    return {name: settings[name] for name in names}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """This process's environment with the variables, and afterwards as it was."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _send_to_failure_queue(record: dict[str, Any]) -> None:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=FAILURE_QUEUE)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(record))


def _scheduled_event(now: datetime) -> dict[str, Any]:
    """https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-scheduled.html"""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now.isoformat().replace("+00:00", "Z"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/auto-retrain-hourly"],
        "detail": {},
    }
