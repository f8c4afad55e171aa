"""Optimizers on an objective: the same objects as in training, on one point in float64."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from optbench.catalog.objectives.heights import formula
from optbench.catalog.objectives.path import Path, Position, Surface
from optbench.config.spec import display_name
from optbench.errors import UsageError, spoken
from optbench.training.build import build_optimizer
from optbench.training.seeding import derive
from optbench.training.stacking import calls_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch.optim import Optimizer

    from optbench.catalog.contenders import Contender
    from optbench.catalog.trajectory import Trajectories

    Formula = Callable[[Tensor, Tensor], Tensor]

FAR = 1000.0  # windows from its middle: whoever is there has diverged


class _Point(nn.Module):
    """A place in the plane as a model's only parameter, float64 [2]."""

    def __init__(self, start: tuple[float, float]) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.tensor(start, dtype=torch.float64))


def walk(trajectories: Trajectories) -> Iterator[Path]:
    """Each optimizer's path, one after the other; all meet the same noise at the same step.

    Raises UsageError or ConfigError where an optimizer refuses its arguments, or fails.
    """
    formula = _formula(trajectories)
    for contender in trajectories.contenders:
        positions = []
        diverged = False
        for position in _positions(contender, trajectories, formula):
            diverged = _is_lost(position, trajectories)
            if diverged:
                break
            positions.append(position)
        yield Path(contender.label, contender.family, tuple(positions), diverged)


def surface(trajectories: Trajectories, columns: int, rows: int) -> Surface:
    """The objective's values over the window, at the middles of so many cells."""
    (left, right), (low, high) = trajectories.window
    across = _middles(left, right, columns)
    down = _middles(low, high, rows).flip(0)
    y, x = torch.meshgrid(down, across, indexing="ij")
    values = _formula(trajectories)(x, y)
    return Surface(trajectories.window, tuple(map(tuple, values.tolist())))


def _middles(low: float, high: float, cells: int) -> Tensor:
    return low + (high - low) * (torch.arange(cells, dtype=torch.float64) + 0.5) / cells


def _formula(trajectories: Trajectories) -> Formula:
    arguments = {k: v for k, v in trajectories.resolved.items() if k != "name"}
    return formula(str(trajectories.resolved["name"]), **arguments)


def _positions(
    contender: Contender, trajectories: Trajectories, formula: Formula
) -> Iterator[Position]:
    """Step 0 to the last, without end in sight where the path diverges."""
    point = _Point(trajectories.start)
    optimizer = build_optimizer(contender.setting, point)
    generator = torch.Generator().manual_seed(derive(trajectories.seed, "gradient-noise"))
    for step in range(trajectories.steps + 1):
        value = formula(*point.position)
        (gradient,) = torch.autograd.grad(value, point.position)
        lr = optimizer.param_groups[0].get("lr", math.nan)
        x, y = point.position.tolist()
        yield Position(step, x, y, value.item(), gradient.norm().item(), float(lr))
        if step < trajectories.steps:
            noise = torch.randn(2, dtype=torch.float64, generator=generator) * trajectories.noise
            _step(optimizer, point.position, _tilted(formula, noise), contender.setting.label)


def _tilted(formula: Formula, noise: Tensor) -> Callable[[Tensor], Tensor]:
    """The objective whose gradient differs by the noise, as a mini-batch's loss has one of its own.

    Within a step it stays as it is, so that a line search sees one function.
    """
    return lambda position: formula(*position) + position @ noise


def _step(
    optimizer: Optimizer, position: Tensor, objective: Callable[[Tensor], Tensor], label: str
) -> None:
    def evaluate() -> float:
        optimizer.zero_grad()
        value = objective(position)
        value.backward()  # type: ignore[no-untyped-call]
        return value.item()

    try:
        if calls_back(optimizer):
            optimizer.step(evaluate)
        else:
            evaluate()
            optimizer.step()
    except Exception as error:  # a foreign class may raise anything
        name = display_name(label)
        raise UsageError(f"{name} failed: {spoken(error)}") from error


def _is_lost(position: Position, trajectories: Trajectories) -> bool:
    """Whether anything is not finite, or the window is far out of sight."""
    told = (position.x, position.y, position.value, position.grad_norm)
    if not all(map(math.isfinite, told)):
        return True
    return any(
        abs(at - (low + high) / 2) > FAR * (high - low)
        for at, (low, high) in zip((position.x, position.y), trajectories.window, strict=True)
    )
