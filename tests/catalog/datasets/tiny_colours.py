"""Files in the formats of CIFAR and SVHN, small enough to be served and checked by hand."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
from typing import TYPE_CHECKING

import numpy as np
from scipy.io import savemat

from optbench.catalog.datasets.cifar import Archive, CifarSource
from optbench.catalog.datasets.downloaded import WholeFile
from optbench.catalog.datasets.svhn import SvhnSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLOSED = "http://127.0.0.1:1/"  # nothing listens on port 1
FOLDER = "cifar-tiny-py"
TRAIN_LABELS, TEST_LABELS = [3, 1, 4], [1, 5]


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def images(n: int, first: int) -> NDArray[np.uint8]:
    """`[n, 3072]`, counting up from `first`."""
    return ((np.arange(n * 3072) + first) % 251).astype(np.uint8).reshape(n, 3072)


def text(value: bytes) -> bytes:
    return b"U" + bytes([len(value)]) + value


def batch(labels: list[int], pixels: NDArray[np.uint8], key: bytes = b"labels") -> bytes:
    """What Python 2 and its numpy pickled by protocol 2, operation by operation."""
    n, width = pixels.shape
    content = pixels.tobytes()
    return b"".join(
        (
            b"\x80\x02}(" + text(b"batch_label") + text(b"training batch 1 of 5"),
            text(key) + b"](" + b"".join(bytes([ord("K"), label]) for label in labels) + b"e",
            text(b"data") + b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85",
            text(b"b") + b"\x87R(K\x01" + struct.pack("<cHcH", b"M", n, b"M", width) + b"\x86",
            b"cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R(K\x03" + text(b"|"),
            b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
            b"T" + struct.pack("<I", len(content)) + content + b"tbu.",
        )
    )


def batches() -> dict[str, bytes]:
    return {
        "data_batch_1": batch(TRAIN_LABELS[:2], images(2, first=0)),
        "data_batch_2": batch(TRAIN_LABELS[2:], images(1, first=7)),
        "test_batch": batch(TEST_LABELS, images(2, first=9)),
    }


def packed(files: dict[str, bytes]) -> bytes:
    """A .tar.gz with the files in their folder, and one more that isn't wanted."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in {**files, "batches.meta": b"(dp1\n."}.items():
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def cifar(archive: bytes, *mirrors: str, files: dict[str, bytes] | None = None) -> CifarSource:
    """A source that takes exactly this archive, or these files unpacked."""
    pinned = {name: md5(content) for name, content in (files or batches()).items()}
    return CifarSource(
        name="cifar-tiny",
        archive=Archive("cifar-tiny.tar.gz", md5(archive), FOLDER, pinned),
        labels=b"labels",
        classes=10,
        mirrors=mirrors or (CLOSED,),
        train_size=3,
        test_size=2,
    )


def mat(labels: list[int], first: int) -> bytes:
    """A MATLAB file `X` `[32, 32, 3, n]`, `y` `[n, 1]`, as SVHN's page describes it."""
    n = len(labels)
    stream = io.BytesIO()
    x = images(n, first).reshape(n, 3, 32, 32).transpose(2, 3, 1, 0)
    savemat(stream, {"X": x, "y": np.array(labels, np.uint8)[:, None]}, do_compression=True)
    return stream.getvalue()


def mats() -> dict[str, bytes]:
    return {"train_32x32.mat": mat([10, 1, 9], first=0), "test_32x32.mat": mat([2, 10], first=5)}


def svhn(files: dict[str, bytes], *mirrors: str) -> SvhnSource:
    train, test = (WholeFile(name, md5(content)) for name, content in files.items())
    return SvhnSource(train, test, mirrors or (CLOSED,), train_size=3, test_size=2)
