"""CIFAR's batches, which are pickles: nothing that they name is ever imported or called.

A batch is a dictionary with `data`, an array `[n, 3072]` of unsigned bytes, and lists of labels
(https://www.cs.toronto.edu/~kriz/cifar.html). Inert classes stand where numpy's would be made.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING

from optbench.catalog.datasets.data import Examples
from optbench.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHAPE = (3, 32, 32)  # all red values of an image, row by row, then the green, then the blue
PIXELS = 3 * 32 * 32
_DAMAGE = (  # what unpickling of wrong bytes raises
    pickle.UnpicklingError, EOFError, TypeError, ValueError, AttributeError, LookupError,
    MemoryError, OverflowError,
)  # fmt: skip


def read_batch(content: bytes, labels: bytes, classes: int, where: str) -> Examples:
    """Images `[n, 3, 32, 32]` and the classes under the key `labels`.

    Raises DataError, which begins with `where`, for anything that is no such batch.
    """
    import numpy as np

    try:
        batch = _BatchUnpickler(io.BytesIO(content), encoding="bytes").load()
        images = batch[b"data"].images()
        targets = np.array(batch[labels], np.int64)
    except _DAMAGE as error:
        raise DataError(f"{where} is no batch of CIFAR: {error}") from error
    if targets.shape != images.shape[:1] or not ((targets >= 0) & (targets < classes)).all():
        raise DataError(
            f"{where} must hold one label from 0 to {classes - 1} for each of its "
            f"{len(images):,} images"
        )
    return Examples(images, targets)


class _Type:
    """Stands for numpy's dtype: remembers its code."""

    def __init__(self, code: bytes, *_: object) -> None:
        self.code = code

    def __setstate__(self, state: object) -> None:
        """Byte order and the like, which bytes don't have."""


class _Array:
    """Stands for numpy's array: keeps the state it is told, checked when it is used."""

    def __setstate__(self, state: tuple[object, ...]) -> None:
        _, self.shape, self.type, self.by_column, self.content = state

    def images(self) -> NDArray[np.uint8]:
        """Raises ValueError for a state that is no array of images."""
        import numpy as np

        is_bytes = isinstance(self.type, _Type) and self.type.code == b"u1"
        if not is_bytes or self.by_column or not isinstance(self.content, bytes):
            raise ValueError("its data are not unsigned bytes, row by row")
        if self.shape != (len(self.content) // PIXELS, PIXELS):
            raise ValueError(f"its data have the shape {self.shape}, not [n, {PIXELS}]")
        return np.frombuffer(bytearray(self.content), np.uint8).reshape(-1, *SHAPE)


def _reconstruct(*_: object) -> _Array:
    return _Array()


# The three names that a genuine batch has.
_STAND_INS = {
    "numpy.core.multiarray._reconstruct": _reconstruct,
    "numpy.ndarray": _Array,
    "numpy.dtype": _Type,
}


class _BatchUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> object:
        name = f"{module_name}.{global_name}"
        if name not in _STAND_INS:
            raise pickle.UnpicklingError(f"it names {name}")
        return _STAND_INS[name]
