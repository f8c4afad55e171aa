"""Shift and scale of inputs, as a function of one's own finds them on the training examples."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from optbench.catalog import plugins
from optbench.catalog.datasets.channels import CHUNK
from optbench.catalog.datasets.digests import gigabytes
from optbench.catalog.datasets.mapped import Mapped
from optbench.catalog.datasets.plugin_source import fixed_randomness
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from optbench.catalog.datasets.data import Examples

    Moments = tuple[NDArray[np.float32], NDArray[np.float32]]

PIECES = "pieces"  # a first parameter of that name gets some inputs at a time


class Pieces:
    """Inputs `[up to 1,000, *input_shape]`, float32, one piece after the other, as often as asked.

    Bytes are numbers from 0 to 1.
    """

    def __init__(self, inputs: NDArray[Any]) -> None:
        self._inputs = inputs

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        starts = range(0, len(self._inputs), CHUNK)
        return (_numbers(self._inputs[start : start + CHUNK]) for start in starts)


def fitted_moments(
    train: Examples, named: Mapping[str, object], content: str | None, room: int
) -> Moments:
    """What is subtracted from each input, and what that is divided by, float32.

    `named` has the function's import path, of a file in the version `content`, and its arguments.
    It gets float32 inputs `[n, *input_shape]`, bytes as numbers from 0 to 1, or `Pieces` of them.
    Raises what it raises, and `UsageError` for anything but finite numbers that fit an input, and
    where inputs that stay in a file are to be had all at once and take more than `room` bytes.
    """
    arguments = {key: value for key, value in named.items() if key != "name"}
    fit = plugins.load(str(named["name"]), content)
    given = Pieces(train.inputs) if _takes_pieces(fit) else _whole(train.inputs, room)
    with fixed_randomness():
        shift, scale = (_checked(one, train.inputs.shape[1:]) for one in fit(given, **arguments))
    if not scale.all():
        raise UsageError("a scale is 0; take 1 where an input is always the same")
    return shift, scale


def _takes_pieces(fit: Callable[..., Any]) -> bool:
    return next(iter(inspect.signature(fit).parameters), None) == PIECES


def _whole(inputs: NDArray[Any], room: int) -> NDArray[np.float32]:
    import numpy as np

    needed = int(np.prod(inputs.shape, dtype=np.int64)) * 4
    if isinstance(inputs, Mapped) and needed > room:
        raise UsageError(
            f"all inputs at once take {gigabytes(needed)} of memory, which has {gigabytes(room)} "
            f"free; call its first parameter `{PIECES}`, and it gets {CHUNK:,} examples at a time"
        )
    return _numbers(inputs)


def _numbers(inputs: NDArray[Any]) -> NDArray[np.float32]:
    import numpy as np

    read = np.asarray(inputs)
    numbers = read.astype(np.float32)
    if read.dtype == np.uint8:
        numbers /= 255
    return numbers


def _checked(found: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    import numpy as np

    with np.errstate(over="ignore"):  # that is told below
        numbers = np.array(found, dtype=np.float32)
    if not np.isfinite(numbers).all():
        raise UsageError("it must return finite numbers")
    try:
        fits = np.broadcast_shapes(numbers.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(f"it returns numbers {list(numbers.shape)}; an input has {list(shape)}")
    return numbers
