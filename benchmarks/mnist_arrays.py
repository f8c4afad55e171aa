"""MNIST as arrays, read straight from its files: no torchvision, no PIL."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]


class Part(NamedTuple):
    """Images `[n, 784]` and labels `[n]`, both bytes."""

    images: Bytes
    labels: Bytes


def train_part(data_dir: Path) -> Part:
    return _part(data_dir, "train")


def test_part(data_dir: Path) -> Part:
    return _part(data_dir, "t10k")


def _part(data_dir: Path, name: str) -> Part:
    labels = _content(data_dir, f"{name}-labels-idx1-ubyte", header=8)
    images = _content(data_dir, f"{name}-images-idx3-ubyte", header=16)
    return Part(images.reshape(len(labels), -1), labels)


def _content(data_dir: Path, name: str, header: int) -> Bytes:
    path = data_dir / "MNIST" / "raw" / name
    content = (
        path.read_bytes()
        if path.exists()
        else gzip.decompress(path.with_name(f"{name}.gz").read_bytes())
    )
    return np.frombuffer(bytearray(content), np.uint8, offset=header)
