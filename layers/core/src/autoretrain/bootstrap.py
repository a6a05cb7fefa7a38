"""Builds each process from its settings: the one place that knows every room.

Each builder imports its own rooms: a function that starts cold waits for nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from autoretrain.aws.secrets import KeptSecret
from autoretrain.storage.connection import connect
from autoretrain.storage.database import API, PATIENT, SOMEBODY_WAITS, Database, Limits

if TYPE_CHECKING:
    from psycopg2.extensions import connection

    from autoretrain.aws.links import S3Links
    from autoretrain.ports import ArtifactStore, WebTokens
    from autoretrain.services.access import Authorizer, Refusal
    from autoretrain.services.check import Checker
    from autoretrain.services.deploy import Deployment
    from autoretrain.services.dispatch import Dispatcher
    from autoretrain.services.health import Health
    from autoretrain.services.launch import Launcher
    from autoretrain.services.notify import Notifier
    from autoretrain.services.reports import Reports
    from autoretrain.services.retrain import Retraining
    from autoretrain.services.stop import Stopper
    from autoretrain.services.tokens import Tokens
    from autoretrain.settings import (
        ApiSettings,
        AuthorizerSettings,
        ConditionCheckSettings,
        DeploymentSettings,
        DispatcherSettings,
        TaskStoppedSettings,
    )
    from autoretrain.storage.control import Control
    from autoretrain.storage.reading import Reading

SENDERS = 16
"""More do not send faster: from here on it is the processor that boto3 waits for."""


def database(secret_arn: str, role: str = API, limits: Limits = PATIENT) -> Database:
    """A database that asks for its address at every new connection: secrets rotate."""
    return _database(KeptSecret(secret_arn), role, limits)


def _database(secret: KeptSecret, role: str, limits: Limits) -> Database:
    return Database(_opening(secret), role, limits)


def _opening(secret: KeptSecret) -> Callable[[], connection]:
    def opened() -> connection:
        current = secret.fresh()
        return connect(current.url, current.ca)

    return opened


def dispatcher(settings: DispatcherSettings) -> tuple[Dispatcher, Notifier]:
    """Both work on one connection, one after the other."""
    from autoretrain.aws.invoker import LambdaInvoker
    from autoretrain.aws.tasks import ClusterTasks
    from autoretrain.services.dispatch import Dispatcher
    from autoretrain.storage.dispatching import DispatchBooks

    books = database(settings.database_secret_arn)
    dispatcher = Dispatcher(
        books=DispatchBooks(books),
        tasks=ClusterTasks(settings.ecs_cluster),
        invoker=LambdaInvoker(settings.condition_check_function, SENDERS),
        strategies_per_check=settings.strategies_per_check,
        checks_per_second=settings.checks_per_second,
        senders=SENDERS,
    )
    return dispatcher, _notifier(settings, books)


def checker(settings: ConditionCheckSettings) -> Checker:
    from autoretrain.services.check import Checker
    from autoretrain.storage.checking import CheckBooks

    books = database(settings.database_secret_arn)
    return Checker(CheckBooks(books), _launcher(settings, books))


def stopper(settings: TaskStoppedSettings) -> tuple[Stopper, Notifier]:
    """Both work on one connection, one after the other."""
    from autoretrain.services.stop import Stopper
    from autoretrain.storage.stopping import StopBooks

    books = database(settings.database_secret_arn)
    return Stopper(StopBooks(books)), _notifier(settings, books)


def authorizer(settings: AuthorizerSettings, refused: Callable[[Refusal], None]) -> Authorizer:
    """`refused` is told why a caller is nobody."""
    from autoretrain.services.access import Authorizer
    from autoretrain.storage.tokens import TokenBooks

    secret = KeptSecret(settings.database_secret_arn)

    @cache
    def people() -> WebTokens:
        from autoretrain.identity.web_tokens import web_tokens

        return web_tokens(
            settings.jwt_issuer, settings.jwt_audience, lambda: secret.recent().jwt_secret
        )

    return Authorizer(TokenBooks(_database(secret, API, SOMEBODY_WAITS)), people, refused)


def deployment(settings: DeploymentSettings) -> Deployment:
    from autoretrain.aws.images import FunctionImages
    from autoretrain.services.deploy import Deployment
    from autoretrain.storage.schema import DatabaseSchema

    opened = _opening(KeptSecret(settings.database_secret_arn))
    return Deployment(DatabaseSchema(opened), FunctionImages())


@dataclass(frozen=True, slots=True)
class People:
    """What people and bots ask of the loop."""

    reading: Reading
    retraining: Retraining
    control: Control
    tokens: Tokens
    health: Health
    links: S3Links
    reports: Reports


def people(settings: ApiSettings) -> People:
    from autoretrain.aws.links import S3Links
    from autoretrain.services.health import Health
    from autoretrain.services.reports import Reports
    from autoretrain.services.retrain import Retraining
    from autoretrain.services.tokens import Tokens
    from autoretrain.storage.asking import AskBooks
    from autoretrain.storage.clock import DatabaseClock
    from autoretrain.storage.control import Control
    from autoretrain.storage.reading import Reading
    from autoretrain.storage.tokens import TokenBooks
    from autoretrain.storage.vitals import VitalBooks

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
        reports=Reports(partial(_artifacts, settings.model_bucket)),
    )


def _artifacts(bucket: str) -> ArtifactStore:
    from autoretrain.aws.artifacts import S3Artifacts

    return S3Artifacts(bucket)


def _notifier(settings: DispatcherSettings | TaskStoppedSettings, books: Database) -> Notifier:
    from autoretrain.aws.notifier import BusChannel, TopicChannel
    from autoretrain.services.notify import Notifier
    from autoretrain.storage.outbox import OutboxBooks

    topic = TopicChannel(settings.notification_topic_arn)
    return Notifier(OutboxBooks(books), (topic, BusChannel(settings.event_bus)))


def _launcher(settings: ConditionCheckSettings, books: Database) -> Launcher:
    from autoretrain.aws.tasks import FargateTasks
    from autoretrain.services.launch import Launcher
    from autoretrain.storage.launching import LaunchBooks

    tasks = FargateTasks(
        cluster=settings.ecs_cluster,
        task_definition=settings.trainer_task_definition,
        subnets=settings.trainer_subnets,
        security_groups=settings.trainer_security_groups,
        assign_public_ip=settings.trainer_assign_public_ip,
        spot=settings.trainer_spot,
    )
    return Launcher(LaunchBooks(books), tasks, settings.max_concurrent_tasks)
