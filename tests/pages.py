"""Pages for tests: stored runs, the page about them, and what stands in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from experiments import command

if TYPE_CHECKING:
    from pathlib import Path


def page_of(runs: Path) -> str:
    """The page that `optbench report` writes about these runs, beside them."""
    path = runs.parent / "report.html"
    outcome = command("report", runs, "-o", path)
    assert outcome.code == 0, outcome.err
    return path.read_text(encoding="utf-8")


@dataclass
class Element:
    """One element as a browser's parser sees it."""

    tag: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())


class Reader(HTMLParser):
    """Reads a page as a browser would: scripts and styles hold text, the rest markup."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in ("meta", "input"):
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text.append(data)

    def all(self, tag: str) -> list[Element]:
        """The elements with this tag, in order."""
        return [element for element in self.elements if element.tag == tag]
