"""The picture in motion: the contours once, and the paths of every frame over them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from optbench.report.charts.files import drawn
from optbench.report.trajectory.specification import trajectory_specification

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from optbench.analysis.pictures.trajectory import TrajectoryPicture

MOST_FRAMES = 60
MILLISECONDS = 60  # a frame
_COLOURS = 256  # that a GIF holds
HOLD = 2500  # milliseconds, of the last frame


def render_gif(picture: TrajectoryPicture) -> bytes:
    """An endless GIF; it takes some tenths of a second a frame."""
    from PIL.Image import Dither

    palette = _palette(_image(picture, picture.steps[-1], contours=True))
    frames = [
        frame.quantize(palette=palette, dither=Dither.NONE) for frame in animation_frames(picture)
    ]
    durations = [MILLISECONDS] * (len(frames) - 1) + [HOLD]
    file = io.BytesIO()
    first, *rest = frames
    first.save(file, "GIF", save_all=True, append_images=rest, duration=durations, loop=0)
    return file.getvalue()


def animation_frames(picture: TrajectoryPicture) -> Iterator[Image]:
    """The frames one after the other, in red, green and blue, all of one size."""
    background = _image(picture, -1, contours=True)
    for step in frame_steps(picture.steps):
        frame = background.copy()
        frame.alpha_composite(_image(picture, step, contours=False))
        yield frame.convert("RGB")


def _palette(still: Image) -> Image:
    """The colours of the finished picture, and a white that is white."""
    found = still.convert("RGB").quantize(_COLOURS - 1)
    found.putpalette([*(found.getpalette() or [])[: 3 * (_COLOURS - 1)], 255, 255, 255])
    return found


def frame_steps(steps: tuple[int, ...]) -> tuple[int, ...]:
    """At most so many of the drawn steps, the first and the last among them."""
    count = min(len(steps), MOST_FRAMES)
    places = [round(number * (len(steps) - 1) / max(count - 1, 1)) for number in range(count)]
    return tuple(steps[place] for place in places)


def _image(picture: TrajectoryPicture, step: int, *, contours: bool) -> Image:
    from PIL import Image

    specification = trajectory_specification(
        picture, interactive=False, until=step, contours=contours
    )
    return Image.open(io.BytesIO(drawn(specification, ".png", 1))).convert("RGBA")
