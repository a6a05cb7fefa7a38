"""The whole stack on one machine: the template's functions and trainer on stand-ins for AWS."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

from autoretrain_local import account
from autoretrain_local.account import CLUSTER, DISPATCHER, TASK_STOPPED, TRAINER, SignIn
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
from autoretrain_local.template import FunctionPlan, Plan, read_plan

SETTLE_SECONDS = 3600.0


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
            secret_arn, topic_arn = account.put_up_services(self._database_url, self._sign_in)
            self._aws.start_recording()
            settings = account.settings(
                secret_arn, topic_arn, _trainer_definition(self._plan).arn, self._sign_in
            )
            undo.enter_context(_environment(account.chosen(self._all_variables(), settings)))
            self.variables = self._variables(variables, settings)
            trainer = variables | account.chosen(self._plan.trainer.variables, settings)
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

    def _variables(
        self, aws: Mapping[str, str], settings: Mapping[str, str]
    ) -> dict[str, dict[str, str]]:
        """Every variable that the template declares for a function, the way to AWS among them."""
        endpoints = {name: aws[name] for name in aws if name.startswith("AWS_ENDPOINT_URL")}
        names = {plan.name: plan.variables for plan in self._plan.functions.values()}
        names[TRAINER] = self._plan.trainer.variables
        return {
            name: endpoints | account.chosen(wanted, settings) for name, wanted in names.items()
        }

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
            on_failure=account.send_to_failure_queue,
        )


def _trainer_definition(plan: Plan, environment: Mapping[str, str] | None = None) -> TaskDefinition:
    return TaskDefinition(
        family="auto-retrain-trainer",
        container=plan.trainer.container,
        command=[sys.executable, "-m", "autoretrain_trainer"],
        environment=environment or {},
        stop_timeout_seconds=plan.trainer.stop_timeout_seconds,
    )


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
