"""What `make build`, `deploy` and `destroy` ask sam for, and what they want to see first."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from checks import cloud
from tests.sam import SCAN

FIRST = "version = 0.1\n[default.deploy.parameters]\nconfirm_changeset = true\n"
LATER = FIRST + 'parameter_overrides = "LogRetentionDays=\\"7\\" Architecture=\\"arm64\\""\n'


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """What sam is asked, in a folder of its own, by somebody who is signed in."""
    calls: list[tuple[str, ...]] = []

    def sam(*arguments: str, **variables: str) -> None:
        calls.append((*arguments, *(f"{name}={value}" for name, value in variables.items())))

    monkeypatch.setattr(cloud, "sam", sam)
    monkeypatch.setattr(cloud, "ROOT", tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    (tmp_path / "samconfig.toml").write_text(FIRST)
    return calls


def test_first_deployment_asks_for_everything(asked: list[tuple[str, ...]]) -> None:
    cloud.main("deploy")
    assert asked == [("deploy", "--guided", "--parameter-overrides", "Architecture=x86_64")]


@pytest.mark.parametrize(
    "saved",
    [
        LATER,
        FIRST + "parameter_overrides = ['LogRetentionDays=\"7\"', 'Architecture=\"arm64\"']\n",
        FIRST + 'parameter_overrides = { LogRetentionDays = 7, Architecture = "arm64" }\n',
    ],
    ids=["text", "list", "table"],
)
def test_later_deployment_keeps_the_answers_and_the_architecture(
    asked: list[tuple[str, ...]], tmp_path: Path, saved: str
) -> None:
    (tmp_path / "samconfig.toml").write_text(saved)

    cloud.main("deploy")

    (call,) = asked
    assert call[:2] == ("deploy", "--parameter-overrides")
    assert "--guided" not in call
    assert 'LogRetentionDays="7" Architecture="arm64"' in " ".join(call)
    assert call[-1] == "Architecture=arm64"


def test_architecture_that_is_asked_for_comes_after_the_saved_one(
    asked: list[tuple[str, ...]], tmp_path: Path
) -> None:
    (tmp_path / "samconfig.toml").write_text(LATER)
    cloud.main("deploy", "x86_64")
    assert asked[0][-1] == "Architecture=x86_64"


def test_one_word_is_the_parameter_s_and_the_layer_s_architecture(
    asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud, "ready", lambda _: None)
    cloud.main("build", "arm64")
    assert asked == [("build", "--parameter-overrides", "Architecture=arm64", "ARCH=arm64")]


def test_destroy_says_what_stays_before_sam_asks(
    asked: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.main("destroy")
    said = capsys.readouterr().err
    assert "database" in said
    assert "bucket" in said
    assert asked == [("delete",)]


@pytest.mark.parametrize("work", ["deploy", "destroy"])
def test_nothing_is_touched_without_credentials(
    asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, work: str
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BOTO_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SystemExit, match="no AWS credentials: sign in"):
        cloud.main(work)
    assert asked == []


def test_build_wants_a_python_that_lambda_has(
    asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shim = tmp_path / "python3.13"  # a version manager's, which finds nothing to run
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    for path in (str(tmp_path), str(tmp_path / "empty")):
        monkeypatch.setenv("PATH", path)
        with pytest.raises(SystemExit, match=r"Python 3\.13 with pip"):
            cloud.main("build")
    assert asked == []


def test_build_wants_a_container_engine(python: Path) -> None:
    environment = {"PATH": str(python.parent), "DOCKER_HOST": "unix:///nowhere", "HOME": "/nowhere"}
    told = subprocess.run(
        [SCAN / "bin/python", Path(cloud.__file__), "build"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stderr.startswith(
        "sam builds the trainer's image with a container engine, and none"
    )
    assert told.returncode == 1


def test_checks_and_tests_never_reach_for_the_cloud(root: Path) -> None:
    for target in ("check", "test"):
        planned = subprocess.run(
            ["make", "--dry-run", target],
            cwd=root,
            env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "mypy" in planned or "pytest" in planned
        assert "cloud.py build" not in planned
        assert "deploy" not in planned.replace("deployment", "")
        assert "sam delete" not in planned
