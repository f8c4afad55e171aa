"""A hook of mkdocs: files of the repository that pages link to travel with the site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
_OUTSIDE = re.compile(r"\]\(\.\./([^)#]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add each file outside docs/ that a page names; a folder goes by its files."""
    named = {
        path
        for page in files.documentation_pages()
        for path in _OUTSIDE.findall(page.content_string)
    }
    for path in sorted(named):
        target = ROOT / path
        if target.is_file():
            text = target.read_text(encoding="utf-8")
            files.append(File.generated(config, _copy(path), content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Links to those files, to their copies; to folders, none."""

    def link(found: re.Match[str]) -> str:
        return f"]({_copy(found[1])})" if (ROOT / found[1]).is_file() else "](optimizers.md)"

    return _OUTSIDE.sub(link, markdown)


def _copy(path: str) -> str:
    return f"source/{path.lstrip('.')}.txt"  # a dot would keep it out of the site
