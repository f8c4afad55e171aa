"""The data sets that YAML can name, where they come from, and how they are split."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.datasets.adding_problem import adding_problem
from optbench.catalog.datasets.bundle import DIGITS, mnist_5k
from optbench.catalog.datasets.cifar import CIFAR10, CIFAR100
from optbench.catalog.datasets.data import Data, Examples
from optbench.catalog.datasets.image_folder import image_folder
from optbench.catalog.datasets.labelled_text import labelled_text
from optbench.catalog.datasets.landscapes import objective, quadratic
from optbench.catalog.datasets.mnist import FASHION_MNIST, KMNIST, MNIST
from optbench.catalog.datasets.mnist import STAND_IN as MNIST_STAND_IN
from optbench.catalog.datasets.mnist_1d import mnist_1d
from optbench.catalog.datasets.modular_addition import modular_addition
from optbench.catalog.datasets.own_file import file
from optbench.catalog.datasets.plane import spirals, xor
from optbench.catalog.datasets.random_targets import random_targets
from optbench.catalog.datasets.reddi import reddi_online
from optbench.catalog.datasets.regression import linear_regression, logistic_regression
from optbench.catalog.datasets.shapes import shapes
from optbench.catalog.datasets.source import Source
from optbench.catalog.datasets.split import prepare
from optbench.catalog.datasets.svhn import SVHN
from optbench.catalog.datasets.synthetic import synthetic
from optbench.catalog.datasets.text import text
from optbench.catalog.datasets.wilson import wilson_features
from optbench.catalog.datasets.zipf import zipf_word_ids, zipf_words
from optbench.catalog.datasets.zipf_text import zipf_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["DATASETS", "Data", "Entry", "Examples", "Source", "default_data_dir", "prepare"]


@dataclass(frozen=True)
class Entry:
    """A data set's name in YAML leads here.

    `factory`'s keyword parameters are its YAML arguments. `stand_in` is, of a set that has to be
    downloaded, one of the same input shape that needn't be, as YAML would name it.
    """

    summary: str
    factory: Callable[..., Source]
    stand_in: Mapping[str, object] | None = None


DATASETS: dict[str, Entry] = {
    "mnist": Entry(
        "handwritten digits: 60,000 train, 10,000 test, 28×28, 10 classes; downloaded",
        lambda: MNIST,
        MNIST_STAND_IN,
    ),
    "fashion-mnist": Entry(
        "articles of clothing: 60,000 train, 10,000 test, 28×28, 10 classes; downloaded",
        lambda: FASHION_MNIST,
        MNIST_STAND_IN,
    ),
    "kmnist": Entry(
        "cursive Japanese: 60,000 train, 10,000 test, 28×28, 10 classes; downloaded",
        lambda: KMNIST,
        MNIST_STAND_IN,
    ),
    "cifar10": Entry(
        "small colour photos: 50,000 train, 10,000 test, 3×32×32, 10 classes; downloaded",
        lambda: CIFAR10,
        CIFAR10.stand_in,
    ),
    "cifar100": Entry(
        "small colour photos: 50,000 train, 10,000 test, 3×32×32, 100 classes; downloaded",
        lambda: CIFAR100,
        CIFAR100.stand_in,
    ),
    "svhn": Entry(
        "digits of house numbers: 73,257 train, 26,032 test, 3×32×32, 10 classes; downloaded",
        lambda: SVHN,
        SVHN.stand_in,
    ),
    "mnist-5k": Entry(
        "5,000 images of mnist: 4,000 train, 1,000 test, 28×28, 10 classes; bundled",
        mnist_5k,
    ),
    "digits": Entry(
        "small handwritten digits: 1,437 train, 360 test, 8×8, 10 classes; bundled",
        lambda: DIGITS,
    ),
    "mnist-1d": Entry(
        "digits as noisy signals: 4,000 train, 1,000 test, 1×40, 10 classes; generated",
        mnist_1d,
    ),
    "synthetic": Entry(
        "Gaussian blobs: train, test, features, classes as asked for; generated", synthetic
    ),
    "xor": Entry("points of a square, 2 classes: the exclusive or of their halves; generated", xor),
    "spirals": Entry("points of the plane, 2 classes: two intertwined spirals; generated", spirals),
    "random-targets": Entry(
        "points and soft targets at random, drawn anew each epoch, for bce; generated",
        random_targets,
    ),
    "zipf-words": Entry(
        "sparse bags of words, their frequencies as in language; generated", zipf_words
    ),
    "shapes": Entry(
        "coloured geometric shapes: train, test as asked for, 3×32×32, 10 classes; generated",
        shapes,
    ),
    "zipf-word-ids": Entry(
        "the documents of zipf-words, as the ids of their words; generated", zipf_word_ids
    ),
    "zipf-text": Entry(
        "text of made-up words, to predict each next character; generated", zipf_text
    ),
    "modular-addition": Entry(
        "sums modulo a number, as tokens a + b =, a part of all to train; generated",
        modular_addition,
    ),
    "adding-problem": Entry(
        "sequences with two marked numbers, whose sum is to be predicted; generated",
        adding_problem,
    ),
    "linear-regression": Entry(
        "features of a chosen condition number and a number, with noise; generated",
        linear_regression,
    ),
    "logistic-regression": Entry(
        "features of a chosen condition number and 0 or 1, separable or not; generated",
        logistic_regression,
    ),
    "wilson-features": Entry(
        "±1 by one feature among many that mislead (Wilson et al. 2017); generated",
        wilson_features,
    ),
    "objective": Entry(
        "a test function for model: point, with gradient noise as asked for", objective
    ),
    "quadratic": Entry(
        "a bowl in many dimensions, of a chosen condition number, for model: point", quadratic
    ),
    "reddi-online": Entry(
        "the online problem where Adam fails (Reddi et al. 2018), for model: point", reddi_online
    ),
    "file": Entry("tensors of your own in a .npz, .pt or .csv file, or a folder of .npy", file),
    "image-folder": Entry("PNG and JPEG files of your own, a folder for each class", image_folder),
    "text": Entry("a text of your own, or its token ids, to predict each next one", text),
    "labelled-text": Entry(
        "labels and texts of your own in a .tsv or .csv file, as the ids of their words",
        labelled_text,
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
