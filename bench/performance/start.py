"""Cold starts in Lambda's own runtime, from what `sam build` makes."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

from autoretrain_local.account import CONDITION_CHECK, DISPATCHER
from autoretrain_local.stack import LocalStack
from bench.performance.processes import silenced
from bench.performance.rows import Pair, row
from bench.performance.scene import Scene
from bench.performance.timing import medians
from tests.functions.lambda_runtime import BuiltFunctions
from tests.sam import SCAN, sam_build

LEAN = "lean"
LEANEST = "the leanest handler: get_secret_value, connect"
_EMULATOR = "lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"
# The same artifact's libraries, nothing of ours: what the two things cost whoever does them.
_LEAN = """
import json
import os

import boto3
import psycopg2

def handler(event, context):
    secret = boto3.client("secretsmanager").get_secret_value(
        SecretId=os.environ["DATABASE_SECRET_ARN"]
    )
    opened = psycopg2.connect(json.loads(secret["SecretString"])["url"])
    with opened.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {}
"""


@row("start.dispatcher", "cold start of dispatcher, nothing due", "s", LEANEST, 1.4)
def _dispatcher(scene: Scene) -> Pair:
    taken = _starts(scene)
    return Pair(taken[DISPATCHER], taken[LEAN])


@row("start.condition_check", "cold start of condition_check, nothing due", "s", LEANEST, 1.4)
def _condition_check(scene: Scene) -> Pair:
    taken = _starts(scene)
    return Pair(taken[CONDITION_CHECK], taken[LEAN])


def _starts(scene: Scene) -> dict[str, float]:
    return scene.once("starts", partial(_measure, scene))


def _measure(scene: Scene) -> dict[str, float]:
    built, lean = _built(scene)
    now = datetime.now(UTC).isoformat()
    check = {"strategy_ids": [str(UUID(int=7))], "slot": now}
    url = scene.database("idle", lambda _url: None)
    quiet = silenced(scene.data / "starts.log")
    with LocalStack(url, scene.data / "idle", lambda _line: None), quiet:
        return medians(
            scene.sizes.starts,
            {
                DISPATCHER: partial(built.invoke, DISPATCHER, {"time": now}),
                CONDITION_CHECK: partial(built.invoke, CONDITION_CHECK, check),
                LEAN: partial(lean.invoke, CONDITION_CHECK, {}),
            },
        )


def _built(scene: Scene) -> tuple[BuiltFunctions, BuiltFunctions]:
    """Ours, and the leanest handler in the place of one of them: same layer, same variables."""
    began, build, other = time.perf_counter(), scene.data / "sam", scene.data / "lean"
    without = ("--exclude", "TrainerFunction", "--exclude", "ConsoleLayer")
    sam_build(*without, to=build, python=Path(sys.executable), cache=scene.data / "sam-cache")
    scene.say(f"sam build: {time.perf_counter() - began:.0f} s")
    (other / CONDITION_CHECK).mkdir(parents=True)
    (other / CONDITION_CHECK / "app.py").write_text(_LEAN)
    (other / "CoreLayer").symlink_to(build / "CoreLayer")
    (emulator,) = SCAN.glob(_EMULATOR)
    ours, lean = (
        BuiltFunctions(folder, Path(sys.executable), emulator) for folder in (build, other)
    )
    return ours, lean
