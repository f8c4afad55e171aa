"""Heights above the minimum of a landscape: positions `[dimensions]`, float64, to a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from optbench.catalog import plugins
from optbench.catalog.objectives import OBJECTIVES

if TYPE_CHECKING:
    from torch import Tensor

Height = Callable[["Tensor"], "Tensor"]


def formula(objective: str, **arguments: object) -> Callable[[Tensor, Tensor], Tensor]:
    """The objective of that name with these arguments: tensors x and y to the values."""
    function = plugins.load(OBJECTIVES[objective].target)
    return lambda x, y: function(x, y, **arguments)


def objective_height(objective: str, **arguments: object) -> Height:
    """The sum of the objective over neighbouring variables: of two, the objective itself.

    For Rosenbrock's function that is its usual form in n dimensions, Σ (1 − xᵢ)² + b (xᵢ₊₁ − xᵢ²)².
    """
    function, least = formula(objective, **arguments), OBJECTIVES[objective].least
    return lambda position: function(position[:-1], position[1:]).sum() - least


def quadratic_height(dimensions: int, condition: float, rotation: int | None) -> Height:
    """Σ λᵢ zᵢ² / 2, λ evenly spaced from 1 to `condition` in their logarithms.

    z is the position itself, or turned by a rotation that is drawn from the seed `rotation`.
    """
    curvatures = torch.logspace(0, np.log10(condition), dimensions, dtype=torch.float64)
    if rotation is None:
        return lambda position: (curvatures * position**2).sum() / 2
    turned = torch.from_numpy(orthogonal(dimensions, np.random.RandomState(rotation)))
    return lambda position: (curvatures * (turned @ position) ** 2).sum() / 2


def orthogonal(dimensions: int, random: np.random.RandomState) -> np.ndarray:
    """A matrix from the uniform distribution of rotations and reflections (Mezzadri 2007)."""
    q, r = np.linalg.qr(random.standard_normal((dimensions, dimensions)))
    turned: np.ndarray = q * np.sign(np.diag(r))
    return turned
