"""The text of a YAML file, and the marks of places in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from optbench.config.node import Problems
from optbench.errors import Mark

if TYPE_CHECKING:
    import yaml

Place = tuple[Mark, int]  # where something starts, and how many characters to underline

LONGEST_LINE = 200  # characters; a longer line is not repeated in a message
MAX_FORBIDDEN = 3  # reported; a binary file has thousands

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_FORBIDDEN = re.compile(
    "[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


class YamlText:
    """The text of a file without its byte order mark, and the file's name."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text.removeprefix("\ufeff")
        self.file = file
        self._lines = _LINE_BREAK.split(self.text.replace("\t", " "))

    def place(self, first: yaml.Event, last: yaml.Event | None = None) -> Place:
        """From the start of an event to its end, or to that of another, within one line."""
        start, column = _position(first.start_mark)
        end, stop = _position((last or first).end_mark)
        line = self._line(start)
        mark = Mark(self.file, start + 1, column + 1, line)
        if end != start:
            stop = len(line.rstrip())
        return mark, max(1, stop - column) if line else 0

    def point(self, line: int, column: int) -> Place:
        """One character, counted from 0."""
        mark = Mark(self.file, line + 1, column + 1, self._line(line))
        return mark, 1 if mark.text else 0

    def end_of(self, event: yaml.Event) -> Place:
        return self.point(*_position(event.end_mark))

    def refuse_forbidden_characters(self) -> None:
        """Raises ConfigError where a character can't be part of a text file."""
        problems = Problems()
        for found in _FORBIDDEN.finditer(self.text):
            before = _LINE_BREAK.split(self.text[: found.start()])
            mark = Mark(self.file, len(before), len(before[-1]) + 1)
            problems.add(mark, "", f"{_character_name(found[0])} is not allowed", "remove it")
            if len(problems) == MAX_FORBIDDEN:
                break
        problems.raise_if_any()

    def _line(self, number: int) -> str:
        line = self._lines[number] if number < len(self._lines) else ""
        return line if len(line) <= LONGEST_LINE else ""


def forbidden_character(text: str) -> str:
    """The name of the first character that can't be part of a text, or nothing."""
    found = _FORBIDDEN.search(text)
    return _character_name(found[0]) if found else ""


def _character_name(character: str) -> str:
    return "the NUL character" if character == "\0" else f"the character U+{ord(character):04X}"


def _position(mark: yaml.error.Mark | yaml._yaml.Mark | None) -> tuple[int, int]:
    return (mark.line, mark.column) if mark else (0, 0)
