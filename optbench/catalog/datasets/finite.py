"""Numbers that nothing can be trained on: named before anything trains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optbench.errors import ContentError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

NOT_FINITE = "NaN, infinite or too large for float32"


def check_finite(used: NDArray[np.float32], given: NDArray[Any], what: str) -> None:
    """Raise ContentError unless rows `[n, …]` are numbers; `given` is what they were made of.

    `what` names the rows: "FILE holds inputs".
    """
    import numpy as np

    if np.isfinite(used).all():
        return
    row, number = _first(used, given)
    raise ContentError(_told(what, number, row))


class FiniteRows:
    """Looks at the numbers of a .npy file while its bytes come, block by block."""

    def __init__(
        self, path: Path, start: int, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self.path = path
        self.dtype = dtype
        self.row = math.prod(shape[1:])  # numbers in one
        self.skip = start  # bytes until the first
        self.left = math.prod(shape) * dtype.itemsize
        self.seen = 0  # numbers
        self.rest = b""  # the beginning of the next

    def look(self, block: bytes) -> None:
        """Raise ContentError at the first that is none."""
        import numpy as np

        block, self.skip = block[self.skip :], max(self.skip - len(block), 0)
        block = (self.rest + block)[: self.left]
        count = len(block) // self.dtype.itemsize
        self.rest = block[count * self.dtype.itemsize :]
        self.left -= count * self.dtype.itemsize
        given = np.frombuffer(block, self.dtype, count)
        with np.errstate(over="ignore"):
            used = given.astype(np.float32, copy=False)
        if not np.isfinite(used).all():
            position, number = _first(used, given)
            row = (self.seen + position) // self.row
            raise ContentError(_told(f"{self.path} holds numbers", number, row))
        self.seen += count


def _first(used: NDArray[np.float32], given: NDArray[Any]) -> tuple[int, float]:
    """The row of the first that is not finite, and what it was given as."""
    import numpy as np

    position = int(np.argmin(np.isfinite(used).ravel()))
    return position // math.prod(used.shape[1:]), float(given.ravel()[position])


def _told(what: str, number: float, row: int) -> str:
    return (
        f"{what} that are {NOT_FINITE}: {number!r} in example {row:,}, counted from 0.\n"
        "  Mend or leave out such examples; numpy.isfinite finds them."
    )
