"""Mean and standard deviation of the channels of images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optbench.catalog.datasets.data import Examples

CHUNK = 1_000  # images whose pixels are float64 at a time


def channel_moments(images: Examples) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation `[channels]` over all pixels of images, as training uses them.

    uint8 stands for value/255. A channel that is one colour has 1 for its deviation: it becomes 0.
    """
    import numpy as np

    inputs = images.inputs
    white = 255.0 if inputs.dtype == np.uint8 else 1.0
    starts = range(0, len(inputs), CHUNK)
    pixels = math.prod(inputs.shape) // inputs.shape[1]

    def chunk(start: int) -> NDArray[Any]:
        return np.asarray(inputs[start : start + CHUNK])

    sums = [chunk(start).sum((0, 2, 3), dtype=np.float64) for start in starts]
    mean = np.sum(sums, axis=0) / pixels
    squares = [((chunk(start) - mean[:, None, None]) ** 2).sum((0, 2, 3)) for start in starts]
    deviation = np.sqrt(np.sum(squares, axis=0) / pixels)
    deviation[deviation == 0] = white
    return (mean / white).astype(np.float32), (deviation / white).astype(np.float32)
