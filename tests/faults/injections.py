"""What a test has injected, and how much of it held."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from faults.rows import ROWS, store_seen

if TYPE_CHECKING:
    from collections.abc import Iterator


class Injection:
    """One kind of fault of a row, counted while a test injects it."""

    def __init__(self, row: str, by: str, test: str) -> None:
        """`row` is a key of ROWS, `by` says how the fault is injected, as the table has it."""
        if row not in ROWS:
            raise ValueError(f"no row {row!r} among {', '.join(ROWS)}")
        self.row = row
        self.by = by
        self.test = test
        self.injected = 0
        self.held = 0

    @contextmanager
    def holds(self, count: int = 1) -> Iterator[None]:
        """So many faults are injected in here, and all have held unless it raises."""
        self.injected += count
        yield
        self.held += count

    def store(self, *, passed: bool) -> None:
        told = {
            "test": self.test,
            "by": self.by,
            "injected": self.injected,
            "held": self.held,
            "passed": passed,
        }
        store_seen(self.row, "injected", told, ("test", "by"))
