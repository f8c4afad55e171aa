"""The known name that a misspelled one most likely means."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_NAME = 80  # characters; matching is quadratic in them


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The most similar of `known`, case ignored, or None if none is similar."""
    from difflib import get_close_matches  # only a mistake needs it

    if len(name) > LONGEST_NAME:
        return None
    spellings = {candidate.lower(): candidate for candidate in sorted(known, reverse=True)}
    close = get_close_matches(name.lower(), sorted(spellings), n=1)
    return spellings[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean 'adam'?`, or nothing if no known name is similar."""
    suggestion = nearest(name, known)
    return f"did you mean '{suggestion}'?" if suggestion else ""
