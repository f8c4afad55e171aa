"""The data sets that YAML can name, where they come from, and how they are split."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.datasets.bundle import DIGITS, MNIST_5K
from optbench.catalog.datasets.data import Data, Examples
from optbench.catalog.datasets.mnist import FASHION_MNIST, MNIST
from optbench.catalog.datasets.source import Source
from optbench.catalog.datasets.split import prepare
from optbench.catalog.datasets.synthetic import synthetic

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DATASETS", "Data", "Entry", "Examples", "Source", "default_data_dir", "prepare"]


@dataclass(frozen=True)
class Entry:
    """A data set's name in YAML leads here.

    `factory`'s keyword parameters are its YAML arguments. `stand_in` names the set of the same
    input shape that needs no download.
    """

    summary: str
    factory: Callable[..., Source]
    stand_in: str


DATASETS: dict[str, Entry] = {
    "mnist": Entry(
        "handwritten digits: 60,000 train, 10,000 test, 28×28, 10 classes; downloaded",
        lambda: MNIST,
        stand_in="mnist-5k",
    ),
    "fashion-mnist": Entry(
        "articles of clothing: 60,000 train, 10,000 test, 28×28, 10 classes; downloaded",
        lambda: FASHION_MNIST,
        stand_in="mnist-5k",
    ),
    "mnist-5k": Entry(
        "5,000 images of mnist: 4,000 train, 1,000 test, 28×28, 10 classes; bundled",
        lambda: MNIST_5K,
        stand_in="mnist-5k",
    ),
    "digits": Entry(
        "small handwritten digits: 1,437 train, 360 test, 8×8, 10 classes; bundled",
        lambda: DIGITS,
        stand_in="digits",
    ),
    "synthetic": Entry(
        "Gaussian blobs: train, test, features, classes as asked for; generated",
        synthetic,
        stand_in="synthetic",
    ),
}


def default_data_dir() -> Path:
    """Where files of data sets are kept: $OPTBENCH_DATA, else in the user's cache folder."""
    if named := os.environ.get("OPTBENCH_DATA"):
        return Path(named).expanduser()
    import platformdirs

    try:
        return platformdirs.user_cache_path("optbench") / "data"
    except RuntimeError:  # a user without a home directory
        return Path(tempfile.gettempdir()) / "optbench" / "data"
