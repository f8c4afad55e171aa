from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch
from scipy.optimize import minimize

from optbench.catalog import plugins
from optbench.catalog.objectives import OBJECTIVES

if TYPE_CHECKING:
    from torch import Tensor

NAMES = list(OBJECTIVES)


def value(name: str, place: Tensor, **arguments: float) -> Tensor:
    found: Tensor = plugins.load(OBJECTIVES[name].target)(*place, **arguments)
    return found


def at(*place: float) -> Tensor:
    return torch.tensor(place, dtype=torch.float64)


# From their definitions, by hand; Ackley's from Surjanovic & Bingham's library of simulation
# experiments, whose formula gives 20 + e − 20 exp(−0.2) − exp(1) at (1, 1).
KNOWN = [
    ("sphere", (3, 4), 25),
    ("bowl", (3, 4), (9 + 10 * 16) / 2),
    ("ravine", (1, 1), 1),
    ("ravine", (1, -1), 100),
    ("rosenbrock", (-1.2, 1), 24.2),
    ("beale", (0, 0), 1.5**2 + 2.25**2 + 2.625**2),
    ("booth", (0, 0), 74),
    ("himmelblau", (0, 0), 170),
    ("rastrigin", (0.5, 0.5), 40.5),
    ("ackley", (1, 1), 20 - 20 * math.exp(-0.2)),
    ("styblinski-tang", (1, 1), -10),
    ("saddle", (2, 2), 2 + 4 - 2),
    ("plateau", (0, 2), 1 - math.exp(-2)),
]


@pytest.mark.parametrize(("name", "place", "expected"), KNOWN)
def test_values_are_those_of_the_definition(
    name: str, place: tuple[float, float], expected: float
) -> None:
    assert value(name, at(*place)).item() == pytest.approx(expected, abs=1e-12)


def test_every_objective_has_a_known_value() -> None:
    assert {name for name, _, _ in KNOWN} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_scipy_finds_no_lower_place_near_a_minimum_and_the_least_value_there(name: str) -> None:
    objective = OBJECTIVES[name]
    for minimum in objective.minima:
        found = minimize(
            lambda place: value(name, at(*place)).item(),
            [number + 1e-3 for number in minimum],
            method="Nelder-Mead",
            options={"xatol": 1e-10, "fatol": 1e-14},
        )
        assert found.x == pytest.approx(minimum, abs=1e-7)
        assert found.fun == pytest.approx(objective.least, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_window_lies_above_the_least_value_and_holds_start_and_minima(name: str) -> None:
    objective = OBJECTIVES[name]
    (left, right), (low, high) = objective.window
    x, y = torch.meshgrid(
        torch.linspace(left, right, 301, dtype=torch.float64),
        torch.linspace(low, high, 301, dtype=torch.float64),
        indexing="ij",
    )
    assert value(name, torch.stack((x, y))).min() >= objective.least - 1e-9
    for place in (objective.start, *objective.minima):
        assert left < place[0] < right
        assert low < place[1] < high


@pytest.mark.parametrize(
    ("name", "arguments", "curvatures"),
    [
        ("sphere", {}, [2, 2]),
        ("bowl", {"condition": 7.0}, [1, 7]),
        ("ravine", {"condition": 7.0}, [1, 7]),
        ("booth", {}, [2, 18]),  # of 2 AᵀA with A = [[1, 2], [2, 1]]
        ("saddle", {}, [-1, 1]),
    ],
)
def test_curvatures_are_those_promised(
    name: str, arguments: dict[str, float], curvatures: list[float]
) -> None:
    hessian = torch.autograd.functional.hessian(  # type: ignore[no-untyped-call]
        lambda place: value(name, place, **arguments), at(0, 0)
    )
    assert torch.linalg.eigvalsh(hessian).tolist() == pytest.approx(curvatures, abs=1e-12)


def test_ackley_has_a_gradient_at_its_peak() -> None:
    place = at(0, 0).requires_grad_()
    (gradient,) = torch.autograd.grad(value("ackley", place), place)
    assert gradient.isfinite().all()
