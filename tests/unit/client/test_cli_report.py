"""The report of a model that the trainer itself has made, with names of the worst kind."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from autoretrain.domain.json import Json
from autoretrain.domain.models import Artifact, Challenger
from autoretrain_client.commands.charts import safe
from autoretrain_trainer.learner import LightGBMLearner
from tests.unit.client.command_line import NAME, ONE, Api, CommandLine, page, whole
from tests.unit.client.scripted import TOKEN, answer, model, report, strategy
from tests.unit.trainer.trade_stream import (
    AS_OF,
    FakeArtifacts,
    FakeBooks,
    Reports,
    Trade,
    assignment,
    market,
)

HOSTILE = "<script src=//evil.test/x.js>alert('é')</script>\x1b[2J"
MANIFEST, REPORT = "GET /v2/manifest.json", "GET /v2/report.json"


def hostile(trades: list[Trade]) -> list[Trade]:
    return [replace(t, features={HOSTILE: t.features["rsi"], **t.features}) for t in trades]


@cache
def learnt(rows: int = 320, weighted: bool = False) -> Artifact:
    """A second model: what one whole training publishes."""
    artifacts = FakeArtifacts()
    first = _learn(market(200), None, artifacts)
    trades = [*market(200), *market(rows - 200, seed=2, first=220)]
    weights = {"adx": 3.0} if weighted else {}
    return _learn(trades, artifacts.store(first), artifacts, weights).served


def _learn(
    trades: list[Trade], champion: Any, store: FakeArtifacts, weights: Any = ()
) -> Challenger:
    task = assignment(champion, feature_weights=dict(weights), manual=True)
    lesson = LightGBMLearner(FakeBooks(hostile(trades)), store).learn(task, AS_OF, Reports())
    assert isinstance(lesson, Challenger)
    return lesson


Publish = Callable[..., None]


@pytest.fixture
def publish(api: Api) -> Publish:
    """Put a model's files where the API's links lead to; `changes` are to the route's answer."""

    def put(made: Artifact, report_text: bytes | None = None, **changes: Any) -> None:
        told = report() | {"manifest_sha256": made.manifest_sha256} | changes
        api.says(f"GET {ONE}/models/v2", answer(told))
        api.says(MANIFEST, httpx.Response(200, content=made.manifest_text))
        api.says(REPORT, httpx.Response(200, content=report_text or made.report))

    return put


def changed(made: Artifact, **changes: Any) -> Artifact:
    """The same model with another report, which its manifest vouches for."""
    assert made.report is not None
    text = json.dumps(json.loads(made.report) | changes).encode()
    digest: Json = {"report": {"sha256": hashlib.sha256(text).hexdigest()}}
    return replace(made, report=text, manifest=made.manifest | digest)


def test_report_is_told_in_words(api: Api, autoretrain: CommandLine, publish: Publish) -> None:
    publish(learnt(weighted=True))

    done = autoretrain("report", "mean", "v2")

    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"{NAME}, v2"
    assert re.match(
        r"  against v1, on 60 trades decided 2026-01-\d\d to 2026-01-\d\d: log-loss 0\.\d{3} →"
        r" 0\.\d{3}, P\(better\) [01]\.\d\d",
        lines[1],
    )
    assert re.search(r"^ON THE JUDGED TRADES +V2 +V1 +BASE RATE$", done.out, re.MULTILINE)
    assert re.search(r"^v1 +0\.\d to 0\.\d +\d+ ", done.out, re.MULTILINE)
    assert re.search(r"not enough evidence \([1-9] of 10\)", done.out)
    assert re.search(r"rows used +320 of 320$", done.out, re.MULTILINE)
    assert re.search(r"memory +the long one stood; 0 earlier trades told$", done.out, re.MULTILINE)
    assert re.search(r"feature weights: log-loss 0\.\d{4}, without them 0\.\d{4}, z ", done.out)
    assert re.search(r"<script.*log-odds$", done.out, re.MULTILINE)
    assert "\x1b" not in done.out


def test_report_is_that_of_the_live_model_unless_a_version_is_given(
    api: Api, autoretrain: CommandLine, publish: Publish
) -> None:
    publish(learnt())
    assert autoretrain("report", "mean").out.startswith(f"{NAME}, v2\n")


def test_report_is_that_of_the_newest_model_when_none_is_live(
    api: Api, autoretrain: CommandLine, publish: Publish
) -> None:
    publish(learnt())
    api.says(f"GET {ONE}", answer(strategy() | {"champion": None}))
    api.says(f"GET {ONE}/models", page(model("v2"), model("v1")))
    assert autoretrain("report", "mean").code == 0
    api.says(f"GET {ONE}/models", page())
    told = "error: Breakout has no models yet: `autoretrain train` makes one\n"
    assert autoretrain("report", "mean") == (66, "", told)


def test_report_as_json_is_the_stored_one(
    api: Api, autoretrain: CommandLine, publish: Publish
) -> None:
    made = learnt()
    publish(made)
    assert made.report is not None
    assert autoretrain("report", "mean", "v2", "--json").json == json.loads(made.report)


def test_store_is_not_shown_the_token(api: Api, autoretrain: CommandLine, publish: Publish) -> None:
    publish(learnt())
    autoretrain("report", "mean", "v2")
    asked = {each.url.host: each.headers for each in api.requests}
    assert "Authorization" not in asked["store.test"]
    assert TOKEN in asked["api.test"]["Authorization"]


# the report's own bytes; the manifest's, which hold the report's hash
@pytest.mark.parametrize("file", [REPORT, MANIFEST])
def test_file_that_was_not_published_is_refused(
    api: Api, autoretrain: CommandLine, publish: Publish, file: str
) -> None:
    made = learnt()
    publish(made)
    good = made.manifest_text if file == MANIFEST else made.report
    assert good is not None
    api.says(file, httpx.Response(200, content=good + b" "))
    what = "manifest" if file == MANIFEST else "report"
    told = f"error: the {what} is not the one that was published: its sha256 differs\n"
    assert autoretrain("report", "mean", "v2") == (76, "", told)


def test_model_without_a_report_is_told(
    api: Api, autoretrain: CommandLine, publish: Publish
) -> None:
    made = learnt()
    manifest = {name: value for name, value in made.manifest.items() if name != "report"}
    publish(replace(made, manifest=manifest))
    told = "error: v2 has no report: it was trained before there were any\n"
    assert autoretrain("report", "mean", "v2") == (66, "", told)


def test_store_that_does_not_answer_is_told_without_its_address(
    api: Api, autoretrain: CommandLine, publish: Publish
) -> None:
    publish(learnt())
    api.says(REPORT, httpx.ReadTimeout)
    done = autoretrain("report", "mean", "v2")
    assert done == (69, "", "error: the report cannot be downloaded: ReadTimeout\n")
    api.says(REPORT, httpx.Response(403))
    done = autoretrain("report", "mean", "v2")
    assert done == (69, "", "error: the model store answers 403 for the report\n")


def test_report_of_a_later_format_is_refused(
    api: Api, autoretrain: CommandLine, publish: Publish
) -> None:
    publish(changed(learnt(), format=2))
    done = autoretrain("report", "mean", "v2")
    assert done.code == 76
    assert "not of format 1" in done.err


class Page(HTMLParser):
    """What a browser would make of the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.attributes += attrs


@pytest.fixture
def shown(autoretrain: CommandLine, tmp_path: Path) -> Callable[[], str]:
    def write() -> str:
        file = tmp_path / "v2.html"
        done = autoretrain("report", "mean", "v2", "--html", str(file))
        assert done.code == 0, done
        assert done.out.startswith(f"{file} holds the report\n")
        return file.read_text(encoding="utf-8")

    return write


def test_page_draws_every_plot(publish: Publish, shown: Callable[[], str]) -> None:
    publish(learnt(weighted=True))
    text = shown()
    figures = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    titles = [ElementTree.fromstring(figure).get("aria-label") for figure in figures]
    assert titles[:3] == ["ROC", "Precision and recall", "Reliability"]
    assert titles[-1] == "Mean |SHAP value|, log-odds"
    assert "Feature weights".casefold() in text.casefold()


def test_page_escapes_what_others_have_named_and_loads_nothing(
    api: Api, publish: Publish, shown: Callable[[], str]
) -> None:
    name = f"A & <img src=x onerror=alert(1)> {HOSTILE}"
    api.says(f"GET {ONE}", answer(whole() | {"name": name}))
    publish(changed(learnt(), warnings=[HOSTILE]))
    text = shown()
    found = Page(text)
    assert "<" not in safe(HOSTILE)
    assert "\x1b" not in text
    assert safe(name) in text
    assert text.count(safe(HOSTILE)) >= 4  # title, heading, warning, feature
    assert not {"script", "img", "link", "iframe", "object", "a", "form"} & found.tags.keys()
    loading = {"src", "href", "srcset", "data", "action", "background", "xlink:href"}
    assert not [name for name, _ in found.attributes if name in loading or name.startswith("on")]
    assert "url(" not in text
    assert "@import" not in text
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in found.attributes


def test_page_and_words_say_what_is_not_there_when_nothing_was_judged(
    api: Api, autoretrain: CommandLine, publish: Publish, shown: Callable[[], str]
) -> None:
    publish(learnt(rows=212))
    told = "against v1: not enough evidence, 12 of 20 trades that neither model has seen"
    assert told in autoretrain("report", "mean", "v2").out
    assert told in shown()


def test_page_and_words_tell_of_a_report_that_could_not_be_made(
    api: Api, autoretrain: CommandLine, publish: Publish, shown: Callable[[], str]
) -> None:
    made = learnt()
    assert made.report is not None
    kept = {
        "format",
        "rows",
        "recipe",
        "memory",
        "data_from",
        "data_cutoff",
        "win_rate",
        "lightgbm",
    }
    text = {name: value for name, value in json.loads(made.report).items() if name in kept}
    text["failed"] = "ValueError: <b>"
    bare = replace(made, report=json.dumps(text).encode())
    publish(changed(bare))
    assert "could not be made: ValueError: <b>" in autoretrain("report", "mean", "v2").out
    assert "could not be made: ValueError: &lt;b&gt;" in shown()


def test_page_says_where_it_cannot_be_written(
    api: Api, autoretrain: CommandLine, publish: Publish, tmp_path: Path
) -> None:
    publish(learnt())
    file = tmp_path / "nowhere" / "v2.html"
    done = autoretrain("report", "mean", "v2", "--html", str(file))
    assert done == (74, "", f"error: No such file or directory: {file}\n")
