"""What a picture of paths shows: contour levels, the steps drawn, values above the least."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.pictures.series import numbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optbench.analysis.pictures.series import Series
    from optbench.catalog.objectives.path import Path, Point, Surface
    from optbench.catalog.trajectory import Trajectories

BANDS = 16
MOST_STEPS = 400  # of a longer path so many are drawn
RIM = 0.015  # of the window's width and height: half a mark
LEAST_GAP = 1e-12  # below it a value is as good as the least


@dataclass(frozen=True)
class Stop:
    """A drawn position and the value above the least there.

    `until` is the step of the path's next drawn position; infinity at its end.
    """

    step: int
    until: float
    x: float
    y: float
    gap: float
    inside: bool  # the window


@dataclass(frozen=True)
class Trace:
    """One path as it is drawn."""

    series: Series
    stops: tuple[Stop, ...]
    diverged: bool

    @property
    def last_seen(self) -> Stop:
        """The last position inside the window."""
        return next(stop for stop in reversed(self.stops) if stop.inside)

    def lost_at(self, window: Sequence[Point]) -> Point:
        """Where the step that left the window comes near its edge; else where it was last seen."""
        last = self.last_seen
        after = self.stops[self.stops.index(last) + 1 :]
        return _edge(last, after[0], window) if after else (last.x, last.y)


@dataclass(frozen=True)
class TrajectoryPicture:
    """Everything that is drawn; `levels` rise, `steps` are those that have a position drawn."""

    trajectories: Trajectories
    surface: Surface
    levels: tuple[float, ...]
    steps: tuple[int, ...]
    traces: tuple[Trace, ...]


def trajectory_picture(
    trajectories: Trajectories, surface: Surface, paths: Iterable[Path]
) -> TrajectoryPicture:
    """The picture of these paths on this surface."""
    every = list(paths)
    steps = drawn_steps(max(path.positions[-1].step for path in every))
    series = numbered(
        (path.label, family) for path, family in zip(every, _families(every), strict=True)
    )
    traces = tuple(
        Trace(one, _stops(path, set(steps), trajectories), path.diverged)
        for one, path in zip(series, every, strict=True)
    )
    return TrajectoryPicture(trajectories, surface, contour_levels(surface), steps, traces)


def _families(paths: Sequence[Path]) -> list[str]:
    """What has a colour of its own: each optimizer, or each setting where all are of one."""
    families = [path.family for path in paths]
    return families if len(set(families)) > 1 else [path.label for path in paths]


def contour_levels(surface: Surface) -> tuple[float, ...]:
    """Values that rings of even width would have on a round bowl.

    The area below the level k of n is the share (k / n)² of the window, on any surface: so levels
    are dense where the surface is low, and none is lost to a single steep corner.
    """
    import numpy as np

    shares = (np.arange(1, BANDS) / BANDS) ** 2
    return tuple(dict.fromkeys(np.quantile(np.asarray(surface.values), shares).tolist()))


def drawn_steps(last: int) -> tuple[int, ...]:
    """0 to the last step, of many so many at even distances."""
    apart = math.ceil(last / MOST_STEPS) or 1
    return tuple(dict.fromkeys([*range(0, last + 1, apart), last]))


def _stops(path: Path, steps: set[int], trajectories: Trajectories) -> tuple[Stop, ...]:
    end = path.positions[-1].step
    drawn = [
        position for position in path.positions if position.step in steps or position.step == end
    ]
    untils = [*(float(position.step) for position in drawn[1:]), math.inf]
    least = trajectories.objective.least
    return tuple(
        Stop(
            position.step,
            until,
            position.x,
            position.y,
            max(position.value - least, LEAST_GAP),
            _inside((position.x, position.y), trajectories.window),
        )
        for position, until in zip(drawn, untils, strict=True)
    )


def _edge(inner: Stop, outer: Stop, window: Sequence[Point]) -> Point:
    """Where the line from a position inside to one outside comes as near to the edge as a mark
    that is not to be cut off."""
    moved = (outer.x - inner.x, outer.y - inner.y)
    share = max(min(_shares((inner.x, inner.y), moved, window)), 0.0)
    return inner.x + share * moved[0], inner.y + share * moved[1]


def _shares(start: Point, moved: Point, window: Sequence[Point]) -> Iterator[float]:
    """Of each direction that is moved in: the share of the way to the rim."""
    for at, by, (low, high) in zip(start, moved, window, strict=True):
        rim = RIM * (high - low)
        if by:
            yield ((high - rim if by > 0 else low + rim) - at) / by


def _inside(point: Point, window: Sequence[Point]) -> bool:
    return all(low <= at <= high for at, (low, high) in zip(point, window, strict=True))
