"""Makes pages that are written for a repository fit for the site, and keeps it to itself.

Hooks of mkdocs: https://www.mkdocs.org/dev-guide/plugins/#events
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BESIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
"""Pages that lie where people look for them, beside docs/."""
HOME = {ROOT / "README.md": "index.md"}

FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|#|mailto:)([^)#]*)(#[^)]*)?\)")
FROM_ELSEWHERE = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\ssrc=\"?(?:https?:)?//[^\s\">]+"
    r"|<link\b(?![^>]*rel=\"?(?:canonical|next|prev))[^>]*\shref=\"?(?:https?:)?//[^\s\">]+"
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name in BESIDE:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    source = (ROOT if page.file.src_uri in BESIDE else DOCS) / page.file.src_uri
    parts = FENCED.split(markdown)
    return "".join(part if part.startswith("```") else prose(part, source) for part in parts)


def on_post_build(config: MkDocsConfig) -> None:
    """Raises PluginError for a page that would ask another server for anything."""
    for page in Path(config.site_dir).rglob("*.html"):
        if asked := FROM_ELSEWHERE.search(page.read_text(encoding="utf-8")):
            raise PluginError(f"{page.name} loads something from elsewhere: {asked[0]}")


def prose(text: str, source: Path) -> str:
    """Links as the site needs them; what lies in a list by three blanks lies in it by four."""
    text = re.sub(r"^ {3}(?=\S)", " " * 4, text, flags=re.MULTILINE)
    return LINK.sub(lambda found: link(found[1], source.parent / found[2], found[3] or ""), text)


def link(told: str, target: Path, anchor: str) -> str:
    """To another page of the site; of a source file only its name is left."""
    target = target.resolve()
    if target in HOME:
        return f"[{told}]({HOME[target]})"
    if target.parent == ROOT and target.name in BESIDE:
        return f"[{told}]({target.name}{anchor})"
    if target.is_relative_to(DOCS):
        return f"[{told}]({target.relative_to(DOCS).as_posix()}{anchor})"
    return told
