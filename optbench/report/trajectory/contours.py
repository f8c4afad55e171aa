"""The surface below the paths as an image: bands of one colour, deeper where values are lower."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optbench.analysis.pictures.trajectory import TrajectoryPicture

_COLOUR = (60, 104, 158)  # see-through, so that it suits a white and a dark page
_DEEPEST, _HIGHEST, _LINE = 0.62, 0.06, 0.30  # opacities
_LINE_PIXELS = 0.9  # half a contour line's width


def contour_image(picture: TrajectoryPicture) -> str:
    """A data URL with a PNG of as many pixels as the surface has cells."""
    import numpy as np
    from PIL import Image

    values = np.asarray(picture.surface.values)
    levels = np.asarray(picture.levels)
    bands = np.searchsorted(levels, values)
    depth = 1 - bands / len(levels)
    opacity = _HIGHEST + (_DEEPEST - _HIGHEST) * depth**1.5
    opacity += _LINE * _nearness(values, levels)
    pixels = np.empty((*values.shape, 4), dtype=np.uint8)
    pixels[..., :3] = _COLOUR
    pixels[..., 3] = np.round(255 * np.minimum(opacity, 1))
    file = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _nearness(values: Any, levels: Any) -> Any:
    """1 on a contour line, 0 a pixel or so beside it; the distance is the value's by the slope."""
    import numpy as np

    down, across = np.gradient(values)
    slope = np.hypot(down, across) + 1e-300
    above = np.clip(np.searchsorted(levels, values), 1, len(levels) - 1)
    apart = np.minimum(np.abs(values - levels[above - 1]), np.abs(values - levels[above]))
    return np.clip(1 + _LINE_PIXELS - apart / slope, 0, 1)
