"""MNIST's file format: a header of big-endian 32-bit numbers, then unsigned bytes.

Format: http://yann.lecun.com/exdb/mnist/, "THE IDX FILE FORMAT".
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.catalog.datasets.content import check_sha256, read_content
from optbench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

UNSIGNED_BYTE = 0x08
REMEDY = "Delete it, and it is downloaded again; or put the genuine file there."


@dataclass(frozen=True)
class IdxFile:
    """One file: its name without .gz, the shape it holds, the SHA-256 of its raw content."""

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def archive(self) -> str:
        """The compressed file's name."""
        return f"{self.name}.gz"

    @property
    def header(self) -> bytes:
        """The bytes before the first value."""
        magic = bytes([0, 0, UNSIGNED_BYTE, len(self.shape)])
        return magic + struct.pack(f">{len(self.shape)}I", *self.shape)


def locate(folder: Path, file: IdxFile) -> Path | None:
    """The file in `folder`, raw before compressed; None where neither is there."""
    try:
        return next((p for p in (folder / file.name, folder / file.archive) if p.is_file()), None)
    except OSError as error:
        raise DataError(
            f"{folder} can't be looked into: {error.strerror}.\n"
            "  Make it readable, or name another data directory by --data-dir or $OPTBENCH_DATA."
        ) from error


def read(path: Path, file: IdxFile) -> NDArray[np.uint8]:
    """The array in `path`, of the file's shape, writable, verified to the last bit.

    Raises DataError that names the path, what was expected, what was found and the remedy.
    """
    import numpy as np

    header = file.header
    content = read_content(path, len(header) + math.prod(file.shape), remedy=REMEDY)
    if content[: len(header)] != header:
        raise DataError(
            f"{path} must start with the idx header {header.hex(' ', 4)}, "
            f"found {content[: len(header)].hex(' ', 4)}.\n  {REMEDY}"
        )
    check_sha256(path, content, file.sha256, remedy=REMEDY)
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(file.shape)
