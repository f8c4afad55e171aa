"""Writes docs/catalog.md from the registries: everything that an experiment file can name."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

from optbench.catalog.listing import KINDS, listing
from optbench.report.catalogue import render_catalogue

PAGE = Path(__file__).parents[1] / "docs" / "catalog.md"
_INTRODUCTION = """# Catalog

What an experiment file can name, as `optbench list datasets` and so on show it, with arguments
and their defaults (an argument without one has to be given). Optimizers and schedules are those
of torch {torch}; those of the torch that is installed are what can be named.
[Data sets](datasets.md) of your own, and [your own optimizer, model, loss or metric](extending.md),
go by path.

Made by `python scripts/catalog_page.py`.
"""


def torch_version() -> str:
    """Of the installed torch, as the page says it: 2.15."""
    return ".".join(version("torch").split(".")[:2])


def page_torch_version() -> str:
    """Of the torch that the page on disk was made with."""
    found = re.search(r"^of torch ([\d.]+);", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def catalog_page() -> str:
    """The page's text."""
    sections = [
        f"## {kind.capitalize()}\n\n{render_catalogue(listing(kind), 'markdown').rstrip()}\n"
        for kind in KINDS
    ]
    return "\n".join([_INTRODUCTION.format(torch=torch_version()), *sections])


if __name__ == "__main__":
    PAGE.write_text(catalog_page(), encoding="utf-8")
    print(f"wrote {PAGE}")
