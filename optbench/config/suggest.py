"""The known name that a misspelled one most likely means."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_NAME = 80  # characters; matching is quadratic in them
SIMILAR, VERY_SIMILAR = 0.6, 0.75  # shares of the characters that two names have in common
_TRUTH = dict.fromkeys(("true", "yes", "y", "on", "1"), "true") | dict.fromkeys(
    ("false", "no", "n", "off", "0"), "false"
)


def nearest(name: str, known: Iterable[str], share: float = SIMILAR) -> str | None:
    """The most similar of `known`, case ignored, or None if none has that share in common."""
    from difflib import get_close_matches  # only a mistake needs it

    if len(name) > LONGEST_NAME:
        return None
    spellings = {candidate.lower(): candidate for candidate in sorted(known, reverse=True)}
    close = get_close_matches(name.lower(), sorted(spellings), n=1, cutoff=share)
    return spellings[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str], share: float = SIMILAR) -> str:
    """`did you mean 'adam'?`, or nothing if no known name is similar."""
    suggestion = nearest(name, known, share)
    return f"did you mean '{suggestion}'?" if suggestion else ""


def did_you_mean_metric(name: str, known: Iterable[str]) -> str:
    """The same of a metric's name; without a split the one of the test data is meant."""
    names = list(known)
    meant = {name.removeprefix("test_"): name for name in names} | {name: name for name in names}
    suggestion = nearest(name.replace("-", "_").replace(" ", "_"), meant)
    return f"did you mean '{meant[suggestion]}'?" if suggestion else ""


def truth_meant(value: object) -> str:
    """The remedy for `yes`, `off`, 1 and the like, which YAML 1.2 takes for no boolean."""
    meant = _TRUTH.get(str(value).lower())
    return f"write {meant}" if meant else ""
