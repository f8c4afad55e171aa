"""Who reads a file through a map holds a lock on it, as long as any part of the map is there."""

from __future__ import annotations

import fcntl
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from typing import TYPE_CHECKING, Any

from optbench.catalog.datasets.npy_file import layout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np


def open_held(path: Path) -> np.memmap[Any, Any]:
    """The array of a .npy file, memory-mapped and held. Raises as `layout`.

    The lock stays with the map, which has the file's descriptor for itself; the system frees it
    when the map goes, or the process ends, however it ends.
    """
    import numpy as np

    start, shape, dtype = layout(path)
    with FileIO(str(path)) as stream:
        with suppress(OSError):  # where the system has no locks, nothing is ever `unheld`
            fcntl.flock(stream, fcntl.LOCK_SH)
        return np.memmap(stream, dtype, "r", start, shape)


@contextmanager
def unheld(*paths: Path) -> Iterator[bool]:
    """Whether nobody holds any of these files; if so nobody does inside either."""
    with ExitStack() as streams:
        yield all(_is_ours(streams, path) for path in paths if path.exists())


def _is_ours(streams: ExitStack, path: Path) -> bool:
    try:
        stream = streams.enter_context(path.open("r+b"))  # locks across a network are for writers
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
