"""How long the model test plays, and what the whole suite has counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest

from autoretrain.aws.artifacts import S3Artifacts
from autoretrain_local.aws import MotoAws
from tests.faults.bench import Bench, bench_on
from tests.faults.figures import Figures
from tests.faults.fuzz import Fuzz
from tests.faults.loop import Loop, loop_on
from tests.faults.site import Site, site_on
from tests.faults.table import held
from tests.faults.weather import Weather, weather
from tests.storage.conftest import Stack

_FIGURES = pytest.StashKey[Figures]()


def _figures(config: pytest.Config) -> Figures:
    return config.stash.setdefault(_FIGURES, Figures())


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    return _figures(request.config)


@pytest.fixture
def fuzz(request: pytest.FixtureRequest, figures: Figures) -> Fuzz:
    return Fuzz(figures, long=request.config.getoption("--fault-profile") == "long")


@pytest.fixture
def fault_profile(request: pytest.FixtureRequest) -> str:
    """Short where the suite is not asked for by itself: then nobody has read our options."""
    profile: str = request.config.getoption("--fault-profile", "short")
    return profile


@pytest.fixture
def bench(clone: str, figures: Figures) -> Iterator[Bench]:
    with bench_on(clone, figures) as opened:
        yield opened


@pytest.fixture
def own(clone: str) -> Iterator[Stack]:
    stack = Stack(clone)
    yield stack
    stack.close()


@pytest.fixture
def loop(bench: Bench) -> Iterator[Loop]:
    """Whatever a test has done to it, the rules of the books hold."""
    with loop_on(bench) as opened:
        yield opened
        opened.mend()
        opened.look()


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoAws]:
    with MotoAws(tmp_path_factory.mktemp("aws")) as up:
        yield up


@pytest.fixture
def bucket(aws: MotoAws, loop: Loop, sky: Weather, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket of the test's own, under the sky, which the loop keeps its models in."""
    for name, value in aws.environment(loop.endpoints.url).items():
        monkeypatch.setenv(name, value)
    name = f"models-{uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=name)
    loop.artifacts = S3Artifacts(name)
    return name


@pytest.fixture
def site(loop: Loop, bucket: str) -> Iterator[Site]:
    with site_on(loop.world, bucket) as up:
        yield up


@pytest.fixture
def sky() -> Iterator[Weather]:
    with weather() as above:
        yield above


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    config = terminalreporter.config
    lines = _figures(config).lines()
    if lines:
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.write_line(line)
    path = config.getoption("--fault-figures", None)
    if path is not None:
        counted = {"rows": held(config)} | _figures(config).to_json()
        path.write_text(json.dumps(counted, indent=2) + "\n")
