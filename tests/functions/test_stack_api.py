from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from autoretrain_local.stack import LocalStack
from autoretrain_local.template import read_plan
from autoretrain_local.token_file import local_token
from tests.functions.conftest import Running

AT_ONCE = 8


def ask(url: str, token: str = "") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


def test_stack_serves_many_callers_at_once(running: Running, tmp_path: Path) -> None:
    token = local_token(running.world.url, tmp_path)
    url = f"{running.stack.url}/api/ai-strategies"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: ask(url, token), range(4 * AT_ONCE)))

    assert answers == [(200, {"items": [], "next": None})] * (4 * AT_ONCE)


def test_refused_caller_is_told_in_the_log_of_the_stack(running: Running) -> None:
    url = f"{running.stack.url}/api/ai-strategies"
    assert ask(url) == (401, {"message": "Unauthorized"})
    assert ask(url, "nobody") == (403, {"message": "Forbidden"})
    assert len(running.facts("auto-retrain caller refused")) == 1


def test_stack_throttles_as_its_plan_says(clone: str, tmp_path: Path) -> None:
    plan = read_plan()
    tight = replace(plan, api=replace(plan.api, burst=1, rate_per_second=0))
    with LocalStack(clone, tmp_path, list[str]().append, tight) as stack:
        assert ask(f"{stack.url}/health")[0] == 200
        assert ask(f"{stack.url}/health") == (429, {"message": "Too Many Requests"})


def test_stack_leaves_the_process_as_it_was(clone: str, tmp_path: Path) -> None:
    before = dict(os.environ)
    with LocalStack(clone, tmp_path, list[str]().append) as stack:
        assert ask(f"{stack.url}/health")[0] == 200
    assert dict(os.environ) == before
