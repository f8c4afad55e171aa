"""Where a data set comes from: what every source of one can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from optbench.catalog.datasets.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

    from optbench.catalog.datasets.data import Examples

    Stream = Callable[[np.random.RandomState], Examples]


class Source(Protocol):
    """One data set; of the catalog's, all but `fetch` and `load` needs neither files nor numpy.

    The shape and the sizes of the user's own are known by reading them; DataError if that fails.
    """

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input."""

    @property
    def classes(self) -> int:
        """How many classes there are, or numbers to predict."""

    @property
    def task(self) -> Task:
        """What is asked of a model."""

    @property
    def ordered(self) -> bool:
        """Whether each epoch takes the training examples in their own order, never shuffled."""

    @property
    def contiguous(self) -> bool:
        """Whether a part of the examples is taken in one piece, as of a text, rather than drawn."""

    @property
    def train_size(self) -> int:
        """How many training examples `load` returns."""

    @property
    def test_size(self) -> int:
        """How many test examples `load` returns."""

    @property
    def mapped_bytes(self) -> int:
        """Bytes of inputs that stay in files, from which each batch is read; mostly none."""

    def content_hash(self) -> str:
        """SHA-256 (64 hex digits) that identifies the content: what `load` accepts or makes."""

    def identify(self, announce: Callable[[str], None]) -> None:
        """Do beforehand what `content_hash` may take minutes for, telling how far it is."""

    def missing(self, data_dir: Path) -> tuple[Path, ...]:
        """The expected files that aren't there; empty where `load` needs no `fetch`.

        Raises DataError where `data_dir` can't be looked into.
        """

    def fetch(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        """Download what is missing. `announce` is told, in lines for people, what goes on.

        Raises DataError, whose first line says in a sentence why it can't be had.
        """

    def unpack(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        """Do beforehand what `load` may take minutes for, if files of `data_dir` can keep it.

        Nothing where the data are missing. Raises as `load`.
        """

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:
        """Training and test examples, verified.

        Raises DataError for missing or damaged files.
        """

    def stream(self) -> Stream | None:
        """What draws the training examples of an epoch anew; None where they stay the same.

        It draws as many as `load` returns; those are only evaluated, before training.
        """


class PlainSource:
    """Base of sources whose examples are of one class each, and the same in every epoch."""

    ordered: ClassVar[bool] = False
    contiguous: ClassVar[bool] = False

    @property
    def task(self: Source) -> Task:
        return Task(self.input_shape, self.classes)

    @property
    def mapped_bytes(self) -> int:
        return 0

    def identify(self, announce: Callable[[str], None]) -> None:
        """Nothing takes long."""

    def unpack(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        """They are used as they are."""

    def stream(self) -> Stream | None:
        return None
