"""Builds each process from its settings: the one place that knows every room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from psycopg2.extensions import connection

from autoretrain.aws.links import S3Links
from autoretrain.aws.secrets import KeptSecret
from autoretrain.ports import WebTokens
from autoretrain.services.access import Authorizer, Refusal
from autoretrain.services.check import Checker
from autoretrain.services.dispatch import Dispatcher
from autoretrain.services.health import Health
from autoretrain.services.launch import Launcher
from autoretrain.services.retrain import Retraining
from autoretrain.services.stop import Stopper
from autoretrain.services.tokens import Tokens
from autoretrain.settings import (
    ApiSettings,
    AuthorizerSettings,
    ConditionCheckSettings,
    DispatcherSettings,
    TaskStoppedSettings,
)
from autoretrain.storage.asking import AskBooks
from autoretrain.storage.books import CheckBooks, DispatchBooks, LaunchBooks, StopBooks
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.connection import connect
from autoretrain.storage.control import Control
from autoretrain.storage.database import API, PATIENT, SOMEBODY_WAITS, Database, Limits
from autoretrain.storage.reading import Reading
from autoretrain.storage.tokens import TokenBooks
from autoretrain.storage.vitals import VitalBooks


def database(secret_arn: str, role: str = API, limits: Limits = PATIENT) -> Database:
    """A database that asks for its address at every new connection: secrets rotate."""
    return _database(KeptSecret(secret_arn), role, limits)


def _database(secret: KeptSecret, role: str, limits: Limits) -> Database:
    def opened() -> connection:
        current = secret.fresh()
        return connect(current.url, current.ca)

    return Database(opened, role, limits)


def dispatcher(settings: DispatcherSettings) -> Dispatcher:
    from autoretrain.aws.invoker import LambdaInvoker
    from autoretrain.aws.tasks import ClusterTasks

    return Dispatcher(
        books=DispatchBooks(database(settings.database_secret_arn)),
        tasks=ClusterTasks(settings.ecs_cluster),
        invoker=LambdaInvoker(settings.condition_check_function),
        strategies_per_check=settings.strategies_per_check,
    )


def checker(settings: ConditionCheckSettings) -> Checker:
    books = database(settings.database_secret_arn)
    return Checker(
        books=CheckBooks(books), launcher=_launcher(settings, books), clock=DatabaseClock(books)
    )


def stopper(settings: TaskStoppedSettings) -> Stopper:
    return Stopper(StopBooks(database(settings.database_secret_arn)))


def authorizer(settings: AuthorizerSettings, refused: Callable[[Refusal], None]) -> Authorizer:
    """`refused` is told why a caller is nobody."""
    secret = KeptSecret(settings.database_secret_arn)

    @cache
    def people() -> WebTokens:
        from autoretrain.identity.web_tokens import web_tokens

        return web_tokens(
            settings.jwt_issuer, settings.jwt_audience, lambda: secret.recent().jwt_secret
        )

    return Authorizer(TokenBooks(_database(secret, API, SOMEBODY_WAITS)), people, refused)


@dataclass(frozen=True, slots=True)
class People:
    """What people and bots ask of the loop."""

    reading: Reading
    retraining: Retraining
    control: Control
    tokens: Tokens
    health: Health
    links: S3Links


def people(settings: ApiSettings) -> People:
    books = database(settings.database_secret_arn, limits=SOMEBODY_WAITS)
    return People(
        reading=Reading(books),
        retraining=Retraining(
            books=AskBooks(books),
            launcher=_launcher(settings, books),
            clock=DatabaseClock(books),
            runs_per_hour=settings.runs_per_hour,
        ),
        control=Control(books),
        tokens=Tokens(TokenBooks(books)),
        health=Health(VitalBooks(books)),
        links=S3Links(settings.model_bucket),
    )


def _launcher(settings: ConditionCheckSettings, books: Database) -> Launcher:
    from autoretrain.aws.tasks import FargateTasks

    tasks = FargateTasks(
        cluster=settings.ecs_cluster,
        task_definition=settings.trainer_task_definition,
        subnets=settings.trainer_subnets,
        security_groups=settings.trainer_security_groups,
        assign_public_ip=settings.trainer_assign_public_ip,
    )
    return Launcher(LaunchBooks(books), tasks, settings.max_concurrent_tasks)
