"""The commands that the documentation shows, and what it shows of their output."""

from __future__ import annotations

import itertools
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from optbench.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
TOLD = {"docs/commands.md"}  # its blocks are usages, made from the code

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`(optbench (?!COMMAND)[^`]+)`(?!`)")
_EXPLAINED = re.compile(r"(\s{2,}\S| +#).*")  # `optbench run FILE…   train what is not finished`


@dataclass(frozen=True)
class Shown:
    """A command, as a shell reads it, and the output under it, if there is any."""

    page: str
    text: str
    output: str = ""

    @property
    def words(self) -> list[str]:
        """What comes after `optbench`; ellipses stand for more of the same."""
        return [word.rstrip("…") for word in shlex.split(self.text)[1:] if word != "…"]


def shown(page: str) -> Iterator[Shown]:
    """The commands in a page's blocks, in order."""
    for block in blocks(page) if page not in TOLD else ():
        lines = block.splitlines()
        starts = [n for n, line in enumerate(lines) if line.startswith(("$ optbench", "optbench "))]
        for start, end in itertools.pairwise([*starts, len(lines)]):
            text = _EXPLAINED.sub("", lines[start].removeprefix("$ "))
            output = "\n".join(lines[start + 1 : end]).strip("\n")
            yield Shown(page, text, output if lines[start].startswith("$") else "")


def mentioned(page: str) -> Iterator[Shown]:
    """The commands in a page's sentences and jobs, in order."""
    for text in _INLINE.findall(_BLOCK.sub("", _text(page))):
        yield Shown(page, " ".join(text.split()))
    for block in blocks(page, "yaml"):
        for text in re.findall(r"^ +(?:- |run: )(optbench .*)$", block, re.MULTILINE):
            yield Shown(page, text)


def scripts(page: str) -> list[list[str]]:
    """The words of each `python benchmarks/… --option` and `python scripts/…` on a page."""
    found = re.findall(r"python ((?:benchmarks|scripts)/[^`\n]*)", _text(page))
    return [re.sub(r"[\[\]]", "", text).split() for text in found]


def misunderstood(words: list[str], *, whole: bool) -> str | None:
    """What the command line says against a command; one that is not `whole` may lack arguments."""
    command: Any = typer.main.get_command(app)
    path = "optbench"
    while hasattr(command, "commands") and words:
        name, *words = words
        if name not in command.commands:
            return f"{path} has no command {name!r}"
        command, path = command.commands[name], f"{path} {name}"
    try:
        command.make_context(path, list(words))
    except Exception as error:  # noqa: BLE001  (typer's own click, wherever it is)
        if whole or type(error).__name__ != "MissingParameter":
            return f"{type(error).__name__}: {error}"
    return None


def blocks(page: str, language: str = "") -> list[str]:
    """The contents of a page's blocks in a language; of those that name none, by default."""
    return [content for named, content in _BLOCK.findall(_text(page)) if named == language]


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")
