from __future__ import annotations

import json
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from bench.performance import __main__ as command
from bench.performance import recorded
from bench.performance.rows import (
    BEGIN,
    END,
    ROWS,
    NotMeasured,
    Pair,
    Result,
    Row,
    chosen,
    figure,
    keep,
    row,
    stored,
    table,
    write_table,
)
from bench.performance.scene import FULL, SMOKE, Scene
from bench.performance.timing import interleaved


def result(name: str = "load.time", ours: float = 1.2, target: float = 1.3) -> Result:
    asked = Row(name, "trade load", "s", "psql", target, lambda _scene: Pair(ours, 1.0))
    return Result.of(asked, Pair(ours, 1.0))


def scene(folder: Path) -> Scene:
    return Scene(SMOKE, folder, folder, folder / "learning.json")


@pytest.mark.parametrize(("ours", "met"), [(1.3, True), (1.31, False)])
def test_target_is_met_up_to_the_largest_allowed_ratio(ours: float, met: bool) -> None:
    assert result(ours=ours).met is met


def test_rows_are_chosen_by_name_or_group_in_the_order_of_the_table() -> None:
    names = [one.name for one in chosen(["load.time", "check"])]
    assert names[-1] == "load.time"
    assert {name.partition(".")[0] for name in names[:-1]} == {"check"}
    assert [one.name for one in chosen([])] == list(ROWS)


def test_unknown_row_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"no row lode; there are: api, .*load\.time"):
        chosen(["lode"])


def test_name_is_given_once() -> None:
    with pytest.raises(ValueError, match=r"two rows are called load\.time"):
        row("load.time", "", "s", "", 1.0)(lambda _scene: Pair(1, 1))


def test_results_of_one_group_leave_those_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "results" / "latest.json"
    keep(path, [result("load.time", ours=1.1), result("predict.one")])
    keep(path, [result("load.time", ours=1.2)])
    assert [(one.name, one.ours) for one in stored(path)] == [
        (name, 1.2) for name in ROWS if name in ("load.time", "predict.one")
    ]
    wanted = {"name", "unit", "ours", "reference", "reference_name", "ratio", "target", "met"}
    assert wanted <= json.loads(path.read_text())[0].keys()


def test_table_is_written_between_its_markers_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_table(page, [result()], "Written today.")
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert "old" not in lines
    assert "| trade load | 1.2 s | 1 s | psql | 1.2 | ≤ 1.3 | met |" in lines


def test_table_says_what_else_there_is_to_say_of_a_row() -> None:
    assert "| trade load (no cache) | 1.2 s |" in table([replace(result(), told="no cache")])


def test_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no table here")
    with pytest.raises(ValueError, match="put both back"):
        write_table(page, [result()], "")
    assert page.read_text() == "no table here"


@pytest.mark.parametrize(
    ("value", "told"), [(12345.6, "12,346"), (0.02, "0.02"), (1.3333, "1.33"), (0, "0")]
)
def test_figure_has_no_exponent(value: float, told: str) -> None:
    assert figure(value) == told


def test_variants_take_turns() -> None:
    heard: list[str] = []
    taken = interleaved(2, {one: lambda one=one: heard.append(one) for one in "ab"})  # type: ignore[misc]
    assert "".join(heard) == "abba"
    assert [len(seconds) for seconds in taken.values()] == [2, 2]


def test_row_that_fails_is_told_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_scene: Scene) -> Pair:
        raise RuntimeError("no server")

    rows = [
        Row("a.broken", "", "s", "", 1.0, fail),
        Row("a.whole", "", "s", "", 1.0, lambda _scene: Pair(1.0, 2.0)),
    ]
    assert [one.name for one in command.measured(rows, scene(tmp_path))] == ["a.whole"]
    assert "FAILED: RuntimeError: no server" in capsys.readouterr().out


def test_learning_is_not_measured_when_nothing_was_left_of_it(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured, match="make bench-learning"):
        ROWS[f"learning.{recorded.LOGS[0]}"].measure(scene(tmp_path))


def test_learning_is_read_from_what_was_left_of_it(tmp_path: Path) -> None:
    log = recorded.LOGS[0]
    lines = [
        {"log": f"trades_{log}", "policy": policy, "runs": [{"cpu_seconds": cpu, "roc_auc": auc}]}
        for policy, cpu, auc in (("arf10", 4.0, 0.5), ("if_better", 6.0, 0.75))
    ]
    (tmp_path / "learning.json").write_text(json.dumps(lines))
    assert ROWS[f"learning.{log}"].measure(scene(tmp_path)) == Pair(6.0, 4.0)
    assert ROWS[f"learning.{log}_auc"].measure(scene(tmp_path)) == Pair(0.25, 0.5)


def test_smoke_is_the_smaller_profile() -> None:
    assert all(small < large for small, large in zip(astuple(SMOKE), astuple(FULL), strict=True))
