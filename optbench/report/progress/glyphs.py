"""Bars, and the characters of progress where a stream can't encode them."""

from __future__ import annotations

from dataclasses import dataclass

FULL, EMPTY = "━", "╌"
_ASCII = str.maketrans(
    {FULL: "#", EMPTY: "-", "·": "-", "…": "~", "−": "-", "—": "-", "×": "x", "∞": "inf"}
)


@dataclass(frozen=True)
class Glyphs:
    """What an encoding can show: its bars and dots, or ASCII in their places."""

    encoding: str

    def shown(self, text: str) -> str:
        """The text, in ASCII where the encoding lacks a character of it."""
        try:
            text.encode(self.encoding)
        except (UnicodeEncodeError, LookupError):
            return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")
        return text


def bar(share: float, columns: int) -> str:
    """So much of a bar; full only at the end."""
    done = min(int(columns * share), columns)
    return FULL * done + EMPTY * (columns - done)
