"""Small problems to descend on, with the same numbers every time, and the walk down them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.optim import Optimizer


@dataclass(frozen=True)
class Descent:
    """Where to start, and the loss of the parameters at a step, counted from 1."""

    start: tuple[Tensor, ...]
    loss: Callable[[list[Tensor], int], Tensor]

    def parameters(self, dtype: torch.dtype = torch.float64) -> list[Tensor]:
        return [one.to(dtype, copy=True).requires_grad_() for one in self.start]

    def walk(
        self, parameters: list[Tensor], optimizer: Optimizer, steps: int, *, sign: int = 1
    ) -> None:
        """Step after step down the loss; up with the sign −1, for who maximizes."""
        for step in range(1, steps + 1):
            optimizer.zero_grad()
            torch.autograd.backward(sign * self.loss(parameters, step))
            optimizer.step()


def ravine(coordinates: int = 10) -> Descent:
    """½·Σ κᵢθᵢ² with curvatures κ from 0.001 to 1: condition number 1,000."""
    curvatures = torch.logspace(-3, 0, coordinates, dtype=torch.float64)

    def loss(parameters: list[Tensor], step: int) -> Tensor:
        (theta,) = parameters
        return torch.dot(curvatures.to(theta) / 2, theta.square())

    return Descent((torch.linspace(2, 3, coordinates, dtype=torch.float64),), loss)


def rosenbrock() -> Descent:
    """Rosenbrock's (1960) valley and start over 100, so that plain SGD may take its usual steps."""

    def loss(parameters: list[Tensor], step: int) -> Tensor:
        x, y = parameters[0].unbind()
        return (1 - x) ** 2 / 100 + (y - x**2) ** 2

    return Descent((torch.tensor([-1.2, 1.0], dtype=torch.float64),), loss)


def mlp() -> Descent:
    """Cross-entropy of a 3-4-2 network with tanh on 24 points in three batches."""
    inputs, targets = _points(24, 3)
    draw = torch.Generator().manual_seed(1)
    shapes = ((4, 3), (4,), (2, 4), (2,))
    start = tuple(0.5 * torch.randn(*s, generator=draw, dtype=torch.float64) for s in shapes)

    def loss(parameters: list[Tensor], step: int) -> Tensor:
        w1, b1, w2, b2 = parameters
        batch = slice(step % 3 * 8, step % 3 * 8 + 8)
        hidden = torch.tanh(functional.linear(inputs[batch].to(w1), w1, b1))
        return functional.cross_entropy(functional.linear(hidden, w2, b2), targets[batch])

    return Descent(start, loss)


def logistic() -> Descent:
    """Cross-entropy of logistic regression on 30 points, from far off in every coordinate."""
    inputs, targets = _points(30, 5)

    def loss(parameters: list[Tensor], step: int) -> Tensor:
        bias = parameters[1]
        return functional.cross_entropy(functional.linear(inputs.to(bias), *parameters), targets)

    classes = torch.tensor([2.0, -2.0], dtype=torch.float64)
    return Descent((classes[:, None].repeat(1, 5), classes), loss)


def intermittent() -> Descent:
    """½·‖θ − b‖² whose gradient is zero in the first five steps and in three of seven after."""
    goal = torch.tensor([0.5, -2.0, 0.0], dtype=torch.float64)

    def loss(parameters: list[Tensor], step: int) -> Tensor:
        (theta,) = parameters
        there = step > 5 and step % 7 > 2
        return there * ((theta - goal.to(theta)) ** 2).sum() / 2

    return Descent((torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64),), loss)


DESCENTS = {
    "ravine": ravine,
    "rosenbrock": rosenbrock,
    "mlp": mlp,
    "logistic": logistic,
    "intermittent": intermittent,
}


def _points(count: int, features: int) -> tuple[Tensor, Tensor]:
    """Noisy points of two classes that overlap."""
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(count, features, generator=draw, dtype=torch.float64)
    noise = torch.randn(count, generator=draw, dtype=torch.float64)
    return inputs, (inputs[:, 0] - inputs[:, 1] + noise > 0).long()
