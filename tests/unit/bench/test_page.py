from __future__ import annotations

from pathlib import Path

import pytest

from autoretrain.errors import Invalid
from bench.page import Page


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n")
    return path


def test_page_is_put_between_the_markers_of_its_name_and_nowhere_else(document: Path) -> None:
    page = Page()
    page.tell("| a |")
    page.tell("|---|")

    page.write(document, "bench")
    page.write(document, "bench")

    told = "before\n<!-- bench -->\n\n| a |\n|---|\n\n<!-- /bench -->\nafter\n"
    assert document.read_text() == told


def test_page_tells_each_line_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    page = Page()
    page.tell("first")
    assert capsys.readouterr().out == "first\n"


@pytest.mark.parametrize("text", ["", "<!-- bench -->", "<!-- /bench --><!-- bench -->"])
def test_document_without_markers_is_refused_and_left_alone(document: Path, text: str) -> None:
    document.write_text(text)
    with pytest.raises(Invalid, match=r"<!-- bench --> … <!-- /bench -->"):
        Page().write(document, "bench")
    assert document.read_text() == text
