"""Hands over to sam, once everything is there that it needs.

Run it in the environment that has sam:
python checks/cloud.py build|deploy|destroy|ready [ARCHITECTURE]
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SAM = Path(sys.executable).with_name("sam")
DEFAULT_ARCHITECTURE = "x86_64"
STAYS = """\
Deleting the stack leaves these alone: the database with everything that was learnt, the secret that
you made yourself, and the bucket with the models (delete it by hand when no bot loads from it)."""


def build(architecture: str) -> None:
    ready(architecture)
    sam("build", "--parameter-overrides", f"Architecture={architecture}", ARCH=architecture)


def deploy(architecture: str) -> None:
    """Ask for everything the first time; from then on samconfig.toml has the answers."""
    require_credentials()
    answers = saved_answers()
    guided = [] if answers else ["--guided"]
    sam("deploy", *guided, "--parameter-overrides", *answers, f"Architecture={architecture}")


def destroy(_: str) -> None:
    require_credentials()
    sys.stderr.write(f"{STAYS}\n")
    sam("delete")  # which asks


def ready(_: str) -> None:
    """Whether `sam build` can build everything."""
    require_python()
    require_engine()


def require_python() -> None:
    """The first python3.13 on the PATH has to run, and to have pip: sam builds with no other."""
    if not runs_with_pip(shutil.which("python3.13")):
        raise SystemExit(
            "sam build needs Lambda's Python 3.13 with pip: put a python3.13 on the PATH,"
            " or set up again with one: make clean setup PYTHON=/path/to/python3.13"
        )


def runs_with_pip(python: str | None) -> bool:
    if python is None:
        return False
    asked = [python, "-m", "pip", "--version"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    return "(python 3.13)" in found.stdout


def require_engine() -> None:
    from samcli.local.docker.exceptions import ContainerNotReachableException
    from samcli.local.docker.utils import get_validated_container_client

    try:
        get_validated_container_client()
    except ContainerNotReachableException as exc:
        raise SystemExit(
            "sam builds the trainer's image with a container engine, and none answers: start Docker"
            " or Finch, or point DOCKER_HOST at one"
        ) from exc


def require_credentials() -> None:
    import boto3

    if boto3.Session().get_credentials() is None:
        raise SystemExit(
            "no AWS credentials: sign in (aws configure sso, then aws sso login), and name the"
            " profile in AWS_PROFILE"
        )


def saved_answers() -> list[str]:
    """What the last deployment was told, as sam keeps it."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    saved: Any = (
        config["default"].get("deploy", {}).get("parameters", {}).get("parameter_overrides")
    )
    if isinstance(saved, dict):
        return [f'{name}="{value}"' for name, value in saved.items()]
    return [saved] if isinstance(saved, str) else list(saved or [])


def saved_architecture() -> str:
    found = re.findall(r'\bArchitecture="?(\w+)', " ".join(saved_answers()))
    return found[-1] if found else DEFAULT_ARCHITECTURE


def sam(*arguments: str, **variables: str) -> None:
    told = {"SAM_CLI_TELEMETRY": "0"} | variables
    os.chdir(ROOT)
    os.execve(SAM, ["sam", *arguments], os.environ | told)  # noqa: S606


def main(work: str, architecture: str = "") -> None:
    works = {"build": build, "deploy": deploy, "destroy": destroy, "ready": ready}
    works[work](architecture or saved_architecture())


if __name__ == "__main__":
    main(*sys.argv[1:])
