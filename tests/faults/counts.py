"""How many faults are injected: all under `pytest -m faults`, a tenth in any other run."""

from __future__ import annotations

import os
import re

_FULL = "OPTBENCH_ALL_FAULTS"  # in the environment, so that child processes agree


def times(full: int) -> int:
    """The full count, or a tenth of it and at least 1."""
    return full if is_full() else max(full // 10, 1)


def is_full() -> bool:
    return _FULL in os.environ


def count_as_asked(mark_expression: str) -> None:
    """Decide by what pytest was told with `-m`."""
    if re.search(r"(?<!not )\bfaults\b", mark_expression):
        os.environ[_FULL] = "1"
