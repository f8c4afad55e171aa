"""PNG and JPEG files to arrays of bytes, several at a time."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.errors import ContentError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

SUFFIXES = (".png", ".jpg", ".jpeg")
CHUNK = 64  # images that are decoded and not taken yet
MOST_THREADS = 8  # each holds an image of any size

# What Pillow's decoders raise for damaged files; Warning as its hint at bombs is made an error.
_UNREADABLE = (
    OSError, SyntaxError, ValueError, struct.error, zlib.error, Warning, EOFError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """What images are made: `[channels, height, width]`, 3 channels or 1."""

    channels: int
    height: int
    width: int

    def __iter__(self) -> Iterator[int]:
        return iter((self.channels, self.height, self.width))


def decode_all(paths: Sequence[str], shape: Shape) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Each image resized (bilinear) `[channels, height, width]`, and its file's SHA-256, in order.

    Raises DataError, which names the file, for what can't be read, ContentError for what is none.
    """
    threads = min(os.cpu_count() or 1, MOST_THREADS)
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(paths), CHUNK):
            with warnings.catch_warnings():  # for all threads
                warnings.simplefilter("error")
                found = list(pool.map(partial(_decode, shape=shape), paths[start : start + CHUNK]))
            yield from found


def decoder_version() -> list[str]:
    """What else than the files decides their pixels."""
    import PIL
    from PIL import features

    return [PIL.__version__, str(features.version("jpg"))]


def _decode(path: str, shape: Shape) -> tuple[NDArray[np.uint8], str]:
    import numpy as np
    from PIL import Image

    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}.") from error
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            plain = image.convert("RGB" if shape.channels == 3 else "L")
        resized = plain.resize((shape.width, shape.height), Image.Resampling.BILINEAR)
    except (*_UNREADABLE, Image.DecompressionBombError) as error:
        reason = str(error).partition(" <_io.")[0]  # which means nothing to whoever has the file
        raise ContentError(f"{path} can't be read as an image: {reason}.") from error
    pixels = np.asarray(resized).reshape(shape.height, shape.width, shape.channels)
    return pixels.transpose(2, 0, 1), hashlib.sha256(content).hexdigest()
