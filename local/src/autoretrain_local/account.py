"""Owns what the template's references come to on one machine: the services that only keep things,
and the settings that name them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3

from autoretrain.errors import OperatorError
from autoretrain_local.template import TEMPLATE

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


@dataclass(frozen=True, slots=True)
class SignIn:
    """Whose web tokens are taken beside our own; an empty issuer's: nobody's. The console asks for
    e-mail and password where it has the Supabase project's public key."""

    issuer: str = ""
    audience: str = ""
    jwt_secret: str | None = field(default=None, repr=False)
    supabase_anon_key: str = ""


def put_up_services(database_url: str, sign_in: SignIn) -> tuple[str, str]:
    """Secret, bucket, queue and topic, as the template makes them; returns the ARNs of the
    secret and the topic. Every account has its default event bus."""
    secret = boto3.client("secretsmanager").create_secret(
        Name="auto-retrain/database",
        SecretString=json.dumps({"url": database_url, "jwt_secret": sign_in.jwt_secret}),
    )
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    boto3.client("sqs").create_queue(QueueName=FAILURE_QUEUE)
    topic = boto3.client("sns").create_topic(Name=TOPIC)
    return secret["ARN"], topic["TopicArn"]


def settings(
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


def chosen(names: Iterable[str], settings: Mapping[str, str]) -> dict[str, str]:
    """The settings of these names. Raises OperatorError for a name that is none."""
    unknown = [name for name in names if name not in settings]
    if unknown:
        raise OperatorError(f"template.yaml declares {', '.join(unknown)}: unknown on one machine")
    return {name: settings[name] for name in names}


def send_to_failure_queue(record: dict[str, Any]) -> None:
    """What Lambda does with an event that no try has done."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=FAILURE_QUEUE)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(record))
