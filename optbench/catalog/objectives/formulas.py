"""The formulas of the objectives: tensors x and y of one shape to the values, of that shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_HALF = math.sqrt(0.5)


def sphere(x: Tensor, y: Tensor) -> Tensor:
    """x² + y²; its curvature is 2 in every direction."""
    return x**2 + y**2


def bowl(x: Tensor, y: Tensor, condition: float = 10.0) -> Tensor:
    """(x² + κ y²) / 2; its curvatures are 1 and κ, the condition number."""
    return (x**2 + condition * y**2) / 2


def ravine(x: Tensor, y: Tensor, condition: float = 100.0) -> Tensor:
    """(u² + κ v²) / 2 with u along the diagonal and v across it: a bowl turned by 45°."""
    along, across = _HALF * (x + y), _HALF * (x - y)
    return (along**2 + condition * across**2) / 2


def rosenbrock(x: Tensor, y: Tensor, steepness: float = 100.0) -> Tensor:
    """(1 − x)² + b (y − x²)², b being the steepness of its banana-shaped valley."""
    return (1 - x) ** 2 + steepness * (y - x**2) ** 2


def beale(x: Tensor, y: Tensor) -> Tensor:
    """(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²."""
    terms = ((1.5, 1), (2.25, 2), (2.625, 3))
    return sum(((c - x + x * y**power) ** 2 for c, power in terms), start=0 * x)


def booth(x: Tensor, y: Tensor) -> Tensor:
    """(x + 2y − 7)² + (2x + y − 5)²; its curvatures are 2 and 18."""
    return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2


def himmelblau(x: Tensor, y: Tensor) -> Tensor:
    """(x² + y − 11)² + (x + y² − 7)²."""
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def rastrigin(x: Tensor, y: Tensor) -> Tensor:
    """20 + x² − 10 cos 2πx + y² − 10 cos 2πy: a local minimum near every whole point."""
    waves = (2 * math.pi * x).cos() + (2 * math.pi * y).cos()
    return 20 + x**2 + y**2 - 10 * waves


def ackley(x: Tensor, y: Tensor) -> Tensor:
    """20 + e − 20 exp(−0.2 √((x² + y²) / 2)) − exp((cos 2πx + cos 2πy) / 2); 0 is its only peak."""
    distance = ((x**2 + y**2) / 2 + 1e-300).sqrt()  # else the gradient at 0 would be 0 / 0
    waves = ((2 * math.pi * x).cos() + (2 * math.pi * y).cos()) / 2
    return 20 + math.e - 20 * (-0.2 * distance).exp() - waves.exp()


def styblinski_tang(x: Tensor, y: Tensor) -> Tensor:
    """(x⁴ − 16x² + 5x + y⁴ − 16y² + 5y) / 2: four minima, one of them the lowest."""
    return sum(((z**4 - 16 * z**2 + 5 * z) / 2 for z in (x, y)), start=0 * x)


def saddle(x: Tensor, y: Tensor) -> Tensor:
    """x² / 2 + y⁴ / 4 − y² / 2: a saddle point at 0 between two minima."""
    return x**2 / 2 + y**4 / 4 - y**2 / 2


def plateau(x: Tensor, y: Tensor) -> Tensor:
    """1 − exp(−(x² + y²) / 2): a hole in a plain, whose gradient dies away with the distance."""
    return 1 - (-(x**2 + y**2) / 2).exp()
