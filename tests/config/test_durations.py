from __future__ import annotations

import math
import time

import pytest

from optbench.config.durations import deadline, parse_duration
from optbench.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("45m", 2700),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("1d1h1m1s", 90_061),
    ],
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert parse_duration(text, "--max-time") == seconds


@pytest.mark.parametrize("text", ["", "0", "0h", "-5", "soon", "1.5h", "30m1h", "1e3"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--max-time: must be a time such as"):
        parse_duration(text, "--max-time")


def test_a_deadline_is_so_far_from_now() -> None:
    before = time.monotonic()
    assert before + 60 <= deadline("1m", "--max-time") <= time.monotonic() + 60
    assert deadline(None, "--max-time") == math.inf
