"""A point of a landscape, on its way down: the model of problems without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from optbench.catalog import plugins
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.catalog.objectives.landscape import Landscape

_NAMES = ("x", "y")


class Point(nn.Module):
    """Examples `[batch, dimensions]` to their losses `[batch, 1]` at the point: see `Landscape`.

    The point is float64, as in `optbench trajectory`; losses are float32, so that one beyond its
    range ends a run as diverged.
    """

    minima: Tensor

    def __init__(self, landscape: Landscape) -> None:
        super().__init__()
        self.made_of = (landscape.height, landscape.arguments)  # no other has its recorded steps
        self.position = nn.Parameter(_start(landscape))
        self.height = (
            plugins.load(landscape.height)(**dict(landscape.arguments))
            if landscape.height
            else None
        )
        minima = torch.tensor(landscape.minima, dtype=torch.float64)
        self.register_buffer("minima", minima, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.losses(inputs).float().unsqueeze(1)

    def losses(self, inputs: Tensor) -> Tensor:
        """The losses `[batch]` in float64."""
        slopes = inputs.double() @ (self.position - self.minima[0])
        return slopes if self.height is None else slopes + self.height(self.position)

    def row_measures(self) -> dict[str, float]:
        """The distance to the nearest minimum, and in up to two dimensions where the point is."""
        away = self.position.detach() - self.minima
        measures = {"distance": away.norm(dim=1).min().item()}
        if len(self.position) <= len(_NAMES):
            measures |= dict(zip(_NAMES, self.position.tolist(), strict=False))
        return measures


class BoundedPoint(Point):
    """A point that is put back into its box after each step, and counts its regret.

    Source: online convex optimization with projection, Zinkevich 2003, section 2.1.
    """

    regret: Tensor
    met: Tensor

    def __init__(self, landscape: Landscape) -> None:
        super().__init__(landscape)
        self._lows, self._highs = _ends(landscape)
        self.register_buffer("regret", torch.zeros((), dtype=torch.float64))
        self.register_buffer("met", torch.zeros((), dtype=torch.int64))
        self._evaluated: list[Tensor] = []  # losses of this step; of a line search, the first count

    def losses(self, inputs: Tensor) -> Tensor:
        found = super().losses(inputs)
        if self.training:
            self._evaluated.append(found.detach())
        return found

    def after_step(self) -> None:
        """Take in the losses that the step was made of, and go back into the box."""
        first = self._evaluated[0]
        self._evaluated.clear()
        self.regret.add_(first.sum())
        self.met.add_(len(first))
        self.position.clamp_(self._lows, self._highs)

    def row_measures(self) -> dict[str, float]:
        """Regret is the mean over all examples so far of their losses, less those at the minimum.

        Those are 0. Before the first example it is 0 as well.
        """
        regret = (self.regret / self.met.clamp(min=1)).item()
        return {**super().row_measures(), "regret": regret}


def point(landscape: Landscape | None) -> Point:
    """A point of the data set's landscape; raises UsageError for data that are none."""
    if landscape is None:
        raise UsageError("it needs a data set that is a landscape, such as objective")
    return BoundedPoint(landscape) if landscape.bounded else Point(landscape)


def _start(landscape: Landscape) -> Tensor:
    if landscape.start is not None:
        return torch.tensor(landscape.start, dtype=torch.float64)
    low, high = _ends(landscape)
    return low + (high - low) * torch.rand(len(low), dtype=torch.float64)


def _ends(landscape: Landscape) -> Sequence[Tensor]:
    return torch.tensor(landscape.box, dtype=torch.float64).unbind(1)
