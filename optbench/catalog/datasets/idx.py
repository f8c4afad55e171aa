"""MNIST's file format: a header of big-endian 32-bit numbers, then unsigned bytes.

Format: http://yann.lecun.com/exdb/mnist/, "THE IDX FILE FORMAT".
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.catalog.datasets.content import check_file, check_sha256, first_file, read_content
from optbench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

UNSIGNED_BYTE = 0x08
REMEDY = "Delete it, and it is downloaded again; or put the genuine file there."


@dataclass(frozen=True)
class IdxFile:
    """One file: its name, the shape it holds, its SHA-256.

    A name without .gz stands for the compressed file too, and the digest is that of the raw
    content. A name with .gz means that file alone: no digest of its content is published.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def archive(self) -> str:
        """The compressed file's name."""
        return self.name if self._only_packed else f"{self.name}.gz"

    @property
    def header(self) -> bytes:
        """The bytes before the first value."""
        magic = bytes([0, 0, UNSIGNED_BYTE, len(self.shape)])
        return magic + struct.pack(f">{len(self.shape)}I", *self.shape)

    def locate(self, folder: Path) -> Path | None:
        """The file in `folder`, raw before compressed; None where neither is there."""
        return first_file(folder, (self.name, self.archive))

    @property
    def _only_packed(self) -> bool:
        return self.name.endswith(".gz")

    def check(self, path: Path) -> None:
        """Raises DataError unless `path` is this file."""
        self.read(path)

    def read(self, path: Path) -> NDArray[np.uint8]:
        """The array in `path`, of the file's shape, writable, verified to the last bit.

        Raises DataError that names the path, what was expected, what was found and the remedy.
        """
        import numpy as np

        header = self.header
        if self._only_packed:
            check_file(path, "sha256", self.sha256, remedy=REMEDY)
        content = read_content(path, len(header) + math.prod(self.shape), remedy=REMEDY)
        if content[: len(header)] != header:
            raise DataError(
                f"{path} must start with the idx header {header.hex(' ', 4)}, "
                f"found {content[: len(header)].hex(' ', 4)}.\n  {REMEDY}"
            )
        if not self._only_packed:
            check_sha256(path, content, self.sha256, remedy=REMEDY)
        return np.frombuffer(content, np.uint8, offset=len(header)).reshape(self.shape)
