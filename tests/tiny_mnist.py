"""A data set in MNIST's format small enough to be served, damaged and checked by hand."""

from __future__ import annotations

import gzip
import hashlib
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optbench.catalog.datasets.idx import IdxFile
from optbench.catalog.datasets.mnist import IdxSource
from optbench.catalog.datasets.remote import Remote

if TYPE_CHECKING:
    from pathlib import Path

CLOSED = "http://127.0.0.1:1/"  # nothing listens on port 1


def image_file(n: int, first: int) -> bytes:
    """`n` images of 4×4 whose pixels count up from `first`, written as MNIST's page says."""
    pixels = bytes((first + i) % 256 for i in range(n * 16))
    return struct.pack(">IIII", 0x00000803, n, 4, 4) + pixels


def label_file(labels: list[int]) -> bytes:
    return struct.pack(">II", 0x00000801, len(labels)) + bytes(labels)


def raw_files() -> dict[str, bytes]:
    return {
        "train-images-idx3-ubyte": image_file(20, first=0),
        "train-labels-idx1-ubyte": label_file([i % 10 for i in range(20)]),
        "t10k-images-idx3-ubyte": image_file(10, first=7),
        "t10k-labels-idx1-ubyte": label_file([9 - i for i in range(10)]),
    }


def archives() -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(raw, mtime=0) for name, raw in raw_files().items()}


def md5_sums() -> dict[str, str]:
    return {
        name: hashlib.md5(content, usedforsecurity=False).hexdigest()
        for name, content in archives().items()
    }


@dataclass(frozen=True)
class FixedRemote:
    """Stands where torchvision's list of mirrors stands."""

    mirrors: tuple[str, ...] = (CLOSED,)
    md5: dict[str, str] = field(default_factory=md5_sums)

    def __call__(self) -> Remote:
        return Remote(self.mirrors, self.md5)


def pinned(name: str, *shape: int) -> IdxFile:
    return IdxFile(name, shape, hashlib.sha256(raw_files()[name]).hexdigest())


def tiny_source(*mirrors: str) -> IdxSource:
    return IdxSource(
        name="tiny",
        folder="Tiny/raw",
        train_images=pinned("train-images-idx3-ubyte", 20, 4, 4),
        train_labels=pinned("train-labels-idx1-ubyte", 20),
        test_images=pinned("t10k-images-idx3-ubyte", 10, 4, 4),
        test_labels=pinned("t10k-labels-idx1-ubyte", 10),
        remote=FixedRemote(mirrors or (CLOSED,)),
    )


def write(files: dict[str, bytes], data_dir: Path) -> Path:
    """Put files where the tiny source looks; returns that folder."""
    folder = data_dir / "Tiny" / "raw"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder
