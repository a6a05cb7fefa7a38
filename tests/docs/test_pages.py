"""What the pages say of commands, routes, settings and rooms is what the code says."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml

from autoretrain.domain import degradation, gate
from autoretrain.domain.gate import Outcome
from autoretrain.storage.migrate import migrations
from autoretrain_trainer import election, exam, judge, metrics, recipe
from checks import matrix, stamp
from checks.pages.__main__ import SECTIONS, Section, renewed
from tests.docs.reading import ROOT, names, page, rows

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda each: f"{each.page}-{each.name}")
def test_section_is_what_the_code_says(section: Section) -> None:
    assert renewed(page(section.page), section) == page(section.page), "run `make pages`"


# ------------------------------------------------------------------------------ architecture.md


def test_rooms_and_arrows_are_those_that_the_checks_hold() -> None:
    text = page("docs/architecture.md")
    drawn = [
        [set(re.split(r"  +", row)[0].split(" | ")) for row in block.split("  ▼\n")]
        for block in re.findall(r"```text\n(autoretrain.*?)```", text, re.DOTALL)
    ]

    held = [
        [set(layer.split(" | ")) for layer in contract["layers"]]
        for contract in CONTRACTS
        if contract["type"] == "layers"
    ]
    assert sorted(drawn, key=len) == sorted(held, key=len)


def test_rules_are_those_that_the_checks_hold() -> None:
    told = {
        rule: (set(names(who)), set(names(never)), set(names(but)))
        for rule, who, never, but in rows(page("docs/architecture.md"), "rule")
    }

    assert told == {
        contract["name"]: forbidden(contract)
        for contract in CONTRACTS
        if contract["type"] == "forbidden"
    }


def forbidden(contract: dict[str, Any]) -> tuple[set[str], set[str], set[str]]:
    allowed = {each.partition(" ->")[0] for each in contract.get("ignore_imports", ())}
    return set(contract["source_modules"]), set(contract["forbidden_modules"]), allowed


# ------------------------------------------------------------------------------ concepts.md


def test_glossary_says_where_each_word_is_kept() -> None:
    core = [*(ROOT / "layers/core/src").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    written = "\n".join(file.read_text() for file in core)
    written += "\n".join(script for _, script in migrations())

    for word, _, where in rows(page("docs/concepts.md"), "word"):
        assert names(where), word
        for name in names(where):
            assert re.search(rf"\b{re.escape(name)}\b", written), f"{word}: {name}"


def test_glossary_has_each_word_once() -> None:
    words = [word for word, *_ in rows(page("docs/concepts.md"), "word")]

    assert len(words) == len(set(words))


def test_concepts_page_gives_every_outcome_of_a_training() -> None:
    told = [names(outcome)[0] for outcome, _ in rows(page("docs/concepts.md"), "outcome")]

    assert set(told) == set(Outcome)


@pytest.mark.parametrize(
    ("other", "ours"),
    [
        ("incumbent", "champion"),
        ("contender", "challenger"),
        ("training job", "run"),
        ("retrain job", "run"),
        ("production model", "champion"),
        ("rollback window", "pin"),
    ],
)
def test_no_page_has_a_second_word_for_a_thing(other: str, ours: str) -> None:
    pages = [ROOT / "README.md", ROOT / "functions/api/openapi.json", *ROOT.glob("docs/*.md")]

    assert [each.name for each in pages if other in each.read_text().lower()] == [], f"say {ours}"


# ------------------------------------------------------------------------------ the protocol


@pytest.mark.parametrize(
    ("rows_of_model", "line"),
    [(299, "below 300"), (7_499, "300 to 7,499"), (7_500, "7,500 and more")],
)
def test_recipes_are_those_of_the_trainer(rows_of_model: int, line: str) -> None:
    made = recipe.recipe_for(rows_of_model)
    (told,) = [row for row in rows(page("docs/learning-protocol.md"), "rows n") if row[0] == line]

    assert told[1:4] == [str(made.trees), str(made.leaves), f"{made.learning_rate:g}".lstrip("0")]
    assert told[5] == f"{made.row_share:g}".lstrip("0")
    assert told[4] in {
        f"max(5, ⌊n / {rows_of_model // made.min_child_rows}⌋)",
        str(made.min_child_rows),
        f"⌊n / {rows_of_model // made.min_child_rows}⌋",
    }


def test_learning_protocol_has_the_figures_of_the_code() -> None:
    told = page("docs/learning-protocol.md")

    for figure in (
        f"|U| < {gate.MIN_JUDGED_ROWS} ",
        f"max({gate.MIN_JUDGED_ROWS}, ",
        f"z ≥ −{gate.SIGNIFICANT_Z}",
        f"> {election.WINNING_Z:g}\n",
        f"newest {election.ELECTORATE} trades, at least {election.MIN_ELECTORATE}",
        f"long is the newest {recipe.LONG_MEMORY_ROWS:,} of F",
        f"short the newest {recipe.SHORT_MEMORY_ROWS:,}",
        f"{judge.FOLDS} expanding folds, which begin at {judge.FIRST_FOLD_SHARE:.0%}".replace(
            "%", " %"
        ),
        f"evidence ever ≥ {degradation.ALARM:g} within {degradation.WITHIN_TRADES} trades",
        f"less than {exam.MIN_AGREEMENT:g}".replace("0.", "."),
        f"clipped to [{metrics.MIN_PROBABILITY}, {1 - metrics.MIN_PROBABILITY}]",
    ):
        assert figure in told


# ------------------------------------------------------------------------------ the site


class Loader(yaml.SafeLoader):
    """mkdocs.yml names a Python function, which is none of our business."""


Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: suffix)


def test_every_page_has_its_place_on_the_site() -> None:
    site = yaml.load(page("mkdocs.yml"), Loader)
    placed = set(re.findall(r"[\w-]+\.md", str(site["nav"])))

    assert placed == {
        *(each.name for each in ROOT.glob("docs/*.md")),
        *(each.name for each in ROOT.glob("*.md") if each.name != "README.md"),
    }


@pytest.mark.parametrize(
    "name", ["README.md", *(f"docs/{each.name}" for each in ROOT.glob("docs/*.md"))]
)
def test_picture_has_words_for_who_cannot_see_it(name: str) -> None:
    assert "![](" not in page(name)


# ------------------------------------------------------------------------------ the version


def test_everything_has_one_version_and_the_changelog_has_it() -> None:
    (version,) = set().union(*stamp.stamped().values())

    assert f"## [{version}] - " in page("CHANGELOG.md")


def test_release_takes_what_was_unreleased() -> None:
    before = "# Changelog\n\n## [Unreleased]\n\n- New.\n"

    after = stamp.released(before, "0.2.0", "2027-01-01")

    assert after == "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2027-01-01\n\n- New.\n"
    assert stamp.released(after, "0.2.0", "2027-01-02") == after


def test_contributing_names_the_versions_that_are_tried() -> None:
    told = " ".join(page("CONTRIBUTING.md").split())
    pythons, newest = ", ".join(matrix.PYTHONS[:-1]), matrix.PYTHONS[-1]
    postgreses = ", ".join(map(str, matrix.POSTGRESES[:-1])), matrix.POSTGRESES[-1]

    assert f"Python {pythons} and {newest}" in told
    assert "PostgreSQL {} and {}".format(*postgreses) in told
