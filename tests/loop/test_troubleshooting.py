"""Each entry of the page on troubleshooting is brought about on the local stack: the command that
stands there then says what stands there."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
import psycopg2
import pytest

from autoretrain_local.postgres import PostgresServer
from tests.conftest import cloned
from tests.loop.conftest import started
from tests.loop.shown import ROOT, Reader, sections
from tests.loop.test_up import COMPLETE
from tests.loop.test_up_api import shown
from tests.world import NOW, World

SECTIONS = sections((ROOT / "docs/troubleshooting.md").read_text())
OWNER = UUID("00000000-0000-0000-0000-000000000001")
ENOUGH, FEW, OVER_A_WEEK = 200, 60, 400


@dataclass
class Clinic:
    """A stack to make ill, with a strategy for each entry; `undo` makes it well again."""

    world: World
    strategies: dict[str, UUID] = field(default_factory=dict)
    undo: ExitStack = field(default_factory=ExitStack)
    reader: Reader = field(init=False)

    def trades(self, strategy_id: UUID, first: int, count: int, **changes: list[Any]) -> None:
        """Those from `first` on of a long row that is always the same: `edge` tells of the end."""
        rng = np.random.default_rng(11)
        values = rng.normal(size=(first + count, 2))[first:]
        wins = values[:, 0] + 0.7 * rng.normal(size=first + count)[first:] > 0
        features = [{"edge": float(edge), "noise": float(noise)} for edge, noise in values]
        if "tells" in changes:
            features = [
                one | {"tells": float(win)} for one, win in zip(features, wins, strict=True)
            ]
        half_an_hour = timedelta(minutes=30)
        self.world.trades(
            strategy_id,
            [*changes.get("pnl_pcts", []), *(1.0 if win else -1.0 for win in wins)][:count],
            first=NOW - timedelta(days=20) + half_an_hour * first,
            every=half_an_hour,
            features=features,
        )

    def force(self, strategy_id: UUID) -> None:
        """A training through the gate, to its end."""
        self.ask(f"/api/ai-strategies/{strategy_id}/auto-retrain", force=True)

    def ask(self, route: str, **body: Any) -> Any:
        headers = {
            "Authorization": f"Bearer {self.reader.token}",
            "Content-Type": "application/json",
            "Prefer": "wait=25",
        }
        url = f"{self.reader.url}{route}"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read())


Then = Callable[[Clinic, UUID], object]


@dataclass(frozen=True)
class Case:
    """The strategy as the first tick finds it, and what happens after that."""

    trades: int = ENOUGH
    then: Then = lambda clinic, strategy_id: None
    changes: Mapping[str, list[Any]] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)


def nobody_listens(clinic: Clinic, _: UUID) -> None:
    clinic.undo.callback(setattr, clinic.reader, "url", clinic.reader.url)
    clinic.reader.url = "http://127.0.0.1:1"


def stop_the_clock(clinic: Clinic, strategy_id: UUID) -> None:
    clinic.world.run(
        "UPDATE autoretrain.current_decisions SET decided_at = now() - interval '3 hours'"
        " WHERE strategy_id = %s",
        strategy_id,
    )


def pause(clinic: Clinic, strategy_id: UUID) -> None:
    clinic.world.run(
        "UPDATE autoretrain.strategy_training SET failures = 5,"
        " paused_reason = '5 failed trainings in a row' WHERE strategy_id = %s",
        strategy_id,
    )


def stop_launches(clinic: Clinic, _: UUID) -> None:
    change = "UPDATE autoretrain.launch_control SET probed_at = now(), stopped_reason ="
    clinic.undo.callback(clinic.world.run, f"{change} NULL")
    clinic.world.run(f"{change} 'AccessDenied'")


def weigh_the_edge_nothing(clinic: Clinic, strategy_id: UUID) -> None:
    clinic.trades(strategy_id, ENOUGH, FEW)
    clinic.world.run(
        "UPDATE autoretrain.strategy_training SET feature_weights = '{\"edge\": 0}'"
        " WHERE strategy_id = %s",
        strategy_id,
    )
    clinic.force(strategy_id)


def pin(clinic: Clinic, strategy_id: UUID) -> None:
    clinic.ask(f"/api/ai-strategies/{strategy_id}/models/v1/activate", force=True)


def shut_database(clinic: Clinic, _: UUID) -> None:
    server, database = clinic.world.url.rsplit("/", 1)

    def open_to_all(whether: str) -> None:
        opened = psycopg2.connect(f"{server}/postgres")
        opened.autocommit = True
        with opened.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS {whether}")
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [database],
            )
        opened.close()

    clinic.undo.callback(open_to_all, "true")
    open_to_all("false")


CASES = {
    "Nothing answers": Case(FEW, nobody_listens),
    "No check comes": Case(FEW, stop_the_clock),
    "The strategy is switched off": Case(FEW, columns={"ml_training_enabled": False}),
    "The strategy is paused": Case(FEW, pause),
    "No condition fires": Case(),
    "Trainers cannot be started": Case(FEW, stop_launches),
    "There are too few trades": Case(FEW),
    "A feature knows the outcome": Case(OVER_A_WEEK, changes={"tells": []}),
    "Too many trades are broken": Case(changes={"pnl_pcts": [float("nan")] * 60}),
    "The training waits": Case(FEW, stop_launches),
    "There are too few trades that neither model has seen": Case(then=Clinic.force),
    "The challenger was not better": Case(then=weigh_the_edge_nothing),
    "A weight names no feature": Case(FEW),
    "A version is pinned": Case(then=pin),
    "The database does not answer": Case(FEW, shut_database),
}


@pytest.fixture(scope="module")
def clinic(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, templates: dict[str, str]
) -> Iterator[Clinic]:
    for url in cloned(postgres, templates["tables"]):
        clinic, folder = Clinic(World(url)), tmp_path_factory.mktemp("clinic")
        for title, case in CASES.items():
            made = clinic.world.strategy(name_of(title), user_id=OWNER, **case.columns)
            clinic.trades(made, 0, case.trades, **case.changes)
            clinic.strategies[title] = made
        with started("up", "--data", folder, "--database-url", url, "--port", "0") as stack:
            clinic.reader = Reader(folder, *shown(stack.until(COMPLETE)))
            yield clinic


def name_of(title: str) -> str:
    return title.lower().replace(" ", "-")


def test_every_entry_that_shows_a_symptom_is_brought_about() -> None:
    assert SECTIONS.keys() == CASES.keys()


@pytest.mark.parametrize("title", CASES)
def test_documented_command_shows_the_documented_symptom(clinic: Clinic, title: str) -> None:
    command, symptom = SECTIONS[title]

    with clinic.undo:
        CASES[title].then(clinic, clinic.strategies[title])
        ended = clinic.reader.shell(
            command.replace("momentum", name_of(title)), DATABASE_URL=clinic.world.url
        )

    said = shape(ended.stdout + ended.stderr)
    for line in symptom.replace("momentum", name_of(title)).splitlines():
        assert shape(line) in said, ended


def shape(text: str) -> str:
    """The text without what depends on the day, on the machine's arithmetic, or on the width of
    columns, and without ids."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "id", text)
    return re.sub(r"\s+", " ", re.sub(r"\d\.\d+|just now|\d+ min ago", "#", text))
