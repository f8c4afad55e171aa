"""Where a data set comes from: what every source of one can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from optbench.catalog.datasets.data import Examples


class Source(Protocol):
    """One data set; of the catalog's, all but `fetch` and `load` needs neither files nor numpy.

    The shape and the sizes of the user's own are known by reading them; DataError if that fails.
    """

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input."""

    @property
    def classes(self) -> int:
        """How many classes there are."""

    @property
    def train_size(self) -> int:
        """How many training examples `load` returns."""

    @property
    def test_size(self) -> int:
        """How many test examples `load` returns."""

    def content_hash(self) -> str:
        """SHA-256 (64 hex digits) that identifies the content: what `load` accepts or makes."""

    def missing(self, data_dir: Path) -> tuple[Path, ...]:
        """The expected files that aren't there; empty where `load` needs no `fetch`.

        Raises DataError where `data_dir` can't be looked into.
        """

    def fetch(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        """Download what is missing. `announce` is told, in lines for people, what goes on.

        Raises DataError, whose first line says in a sentence why it can't be had.
        """

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:
        """Training and test examples, verified.

        Raises DataError for missing or damaged files.
        """
