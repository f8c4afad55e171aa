"""Shift and scale of inputs, as a function of one's own finds them on the training examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.catalog import plugins
from optbench.catalog.datasets.plugin_source import fixed_randomness
from optbench.config.spec import display_name
from optbench.errors import FOREIGN, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from optbench.catalog.datasets.data import Examples

    Moments = tuple[NDArray[np.float32], NDArray[np.float32]]


def fitted_moments(train: Examples, named: Mapping[str, object], content: str | None) -> Moments:
    """What is subtracted from each input, and what that is divided by, float32.

    `named` has the function's import path, of a file in the version `content`, and its arguments.
    It gets float32 inputs `[n, *input_shape]`, bytes as numbers from 0 to 1. Raises `UsageError`
    with what it raises, and for anything but finite numbers that fit an input.
    """
    import numpy as np

    arguments = {key: value for key, value in named.items() if key != "name"}
    target = str(named["name"])
    fit = plugins.load(target, content)
    inputs = np.asarray(train.inputs)
    given = inputs.astype(np.float32)
    if inputs.dtype == np.uint8:
        given /= 255
    try:
        with fixed_randomness():
            shift, scale = (_checked(one, given) for one in fit(given, **arguments))
        if not scale.all():
            raise UsageError("a scale is 0; take 1 where an input is always the same")
    except FOREIGN as error:
        raised = "" if isinstance(error, UsageError) else f" fails: {type(error).__name__}"
        raise UsageError(f"normalize: {display_name(target)}{raised}: {error}") from error
    return shift, scale


def _checked(found: Any, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    numbers = np.array(found, dtype=np.float32)
    shape = inputs.shape[1:]
    if not np.isfinite(numbers).all():
        raise UsageError("it must return finite numbers")
    try:
        fits = np.broadcast_shapes(numbers.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(f"it returns numbers {list(numbers.shape)}; an input has {list(shape)}")
    return numbers
