"""Builds each process from its settings: the one place that knows every room."""

from __future__ import annotations

from autoretrain.aws.secrets import database_url
from autoretrain.services.check import Checker
from autoretrain.services.dispatch import Dispatcher
from autoretrain.services.launch import Launcher
from autoretrain.services.stop import Stopper
from autoretrain.settings import ConditionCheckSettings, DispatcherSettings, TaskStoppedSettings
from autoretrain.storage.books import CheckBooks, DispatchBooks, LaunchBooks, StopBooks
from autoretrain.storage.clock import DatabaseClock
from autoretrain.storage.connection import connect
from autoretrain.storage.database import API, Database


def database(secret_arn: str, role: str = API) -> Database:
    """A database that asks for its address at every new connection: secrets rotate."""
    return Database(lambda: connect(database_url(secret_arn)), role)


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
    from autoretrain.aws.tasks import FargateTasks

    books = database(settings.database_secret_arn)
    tasks = FargateTasks(
        cluster=settings.ecs_cluster,
        task_definition=settings.trainer_task_definition,
        subnets=settings.trainer_subnets,
        security_groups=settings.trainer_security_groups,
        assign_public_ip=settings.trainer_assign_public_ip,
    )
    return Checker(
        books=CheckBooks(books),
        launcher=Launcher(LaunchBooks(books), tasks, settings.max_concurrent_tasks),
        clock=DatabaseClock(books),
    )


def stopper(settings: TaskStoppedSettings) -> Stopper:
    return Stopper(StopBooks(database(settings.database_secret_arn)))
