"""One bad line for every pattern of core.yaml, and a good one beside it."""

import os
import time
from datetime import UTC, datetime

import numpy as np
from sklearn.model_selection import KFold, train_test_split

# ruleid: boto3-stays-in-aws
import boto3

# ruleid: boto3-stays-in-aws
import botocore

# ruleid: boto3-stays-in-aws
from botocore.exceptions import ClientError

# ruleid: boto3-stays-in-aws
from boto3 import Session

# ok: boto3-stays-in-aws
from autoretrain.ports import ArtifactStore

# ruleid: environment-is-read-at-the-door
from os import environ


def environment():
    # ruleid: environment-is-read-at-the-door
    os.environ["MODEL_BUCKET"]
    # ruleid: environment-is-read-at-the-door
    os.getenv("MODEL_BUCKET")
    # ok: environment-is-read-at-the-door
    return os.cpu_count()


def places(settings):
    # ruleid: nobody-asks-where-it-runs, environment-is-read-at-the-door
    if os.environ.get("AWS_SAM_LOCAL"):
        return None
    # ruleid: nobody-asks-where-it-runs
    if settings.is_local:
        return None
    # ruleid: nobody-asks-where-it-runs, environment-is-read-at-the-door
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        return None
    # ok: nobody-asks-where-it-runs
    return settings.model_bucket


def leases(clock):
    # ruleid: the-database-tells-the-time
    time.time()
    # ruleid: the-database-tells-the-time
    time.time_ns()
    # ruleid: the-database-tells-the-time
    datetime.now(UTC)
    # ok: the-database-tells-the-time
    time.monotonic()
    # ok: the-database-tells-the-time
    return clock.now()


def rows(trades, rng, frame):
    # ruleid: trades-keep-their-order
    train_test_split(trades)
    # ruleid: trades-keep-their-order
    rng.shuffle(trades)
    # ruleid: trades-keep-their-order
    np.random.default_rng().permutation(trades)
    # ruleid: trades-keep-their-order
    rng.permuted(trades)
    # ruleid: trades-keep-their-order
    frame.sample(frac=1.0)
    # ruleid: trades-keep-their-order
    KFold(5)
    # ruleid: trades-keep-their-order
    Anything(5, shuffle=True)
    # ok: trades-keep-their-order
    return trades[:100], trades[100:]
