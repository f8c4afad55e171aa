"""Durations on the command line: `90`, `45m`, `1h30m`, `2d`."""

from __future__ import annotations

import math
import re
import time

from optbench.errors import UsageError

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PARTS = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s?)?", re.ASCII)


def parse_duration(text: str, option: str) -> float:
    """Seconds; a number without a unit is of them. Raises `UsageError` for anything else, and 0."""
    found = _PARTS.fullmatch(text.strip())
    parts = zip(found.groups(), _UNITS.values(), strict=True) if found else ()
    seconds = sum(int(number) * unit for number, unit in parts if number)
    if not seconds:
        raise UsageError(f"{option}: must be a time such as 90s, 45m or 1h30m, got {text!r}")
    return float(seconds)


def deadline(text: str | None, option: str) -> float:
    """On the monotonic clock, the moment that is so far from now; infinity without a text."""
    return math.inf if text is None else time.monotonic() + parse_duration(text, option)
