"""The textbook versions against the papers' equations in numpy, and against known numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from optbench.catalog import plugins
from optbench.catalog.reference import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

START = np.array([0.3, -1.2, 2.0, 0.0])
SIGNS = np.array([1.0, -1.0, 1.0, 0.0])


def gradients(steps: int = 300) -> NDArray[np.float64]:
    """Of every size; the last coordinate's are zero until the last step."""
    draw = np.random.default_rng(0)
    found = draw.normal(size=(steps, 4)) * 10 ** draw.uniform(-3, 1, size=(steps, 1))
    found[:-1, 3] = 0
    return found


def walked(
    name: str, given: NDArray[np.float64], lrs: Sequence[float] | float = 0.01, **arguments: Any
) -> NDArray[np.float64]:
    """Where a textbook version is after each of the given gradients, from START."""
    theta = torch.tensor(START, requires_grad=True)
    optimizer = plugins.load(REFERENCE[f"reference.{name}"].target)([theta], lr=0.0, **arguments)
    path = []
    for gradient, lr in zip(given, np.broadcast_to(lrs, len(given)), strict=True):
        optimizer.param_groups[0]["lr"] = float(lr)
        theta.grad = torch.tensor(gradient)
        optimizer.step()
        path.append(theta.detach().numpy().copy())
    return np.array(path)


def first_step(name: str, **arguments: Any) -> NDArray[np.float64]:
    """The first step in units of the learning rate, for gradients of very different sizes."""
    gradient = np.array([[1e-2, -3.0, 1e4, 0.0]])
    after = walked(name, gradient, 1e-3, **arguments)[0]
    step: NDArray[np.float64] = (after - START) / 1e-3
    return step


def test_gradient_descent_shrinks_a_parabola_by_the_same_factor_each_step() -> None:
    """With f = ½κθ², θₜ = (1 − lr·κ)ᵗ·θ₀."""
    theta = torch.tensor(START, requires_grad=True)
    optimizer = plugins.load(REFERENCE["reference.gradient_descent"].target)([theta], lr=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        torch.autograd.backward(0.5 * 3 * (theta**2).sum())
        optimizer.step()
    np.testing.assert_allclose(theta.detach().numpy(), (1 - 0.1 * 3) ** 20 * START, rtol=1e-12)


def test_classical_momentum_has_the_learning_rate_inside_the_velocity() -> None:
    """Sutskever et al. 2013, equations 1 and 2, while the learning rate halves each 100 steps."""
    given = gradients()
    lrs = [0.01 * 0.5 ** (step // 100) for step in range(len(given))]
    theta, v, path = START.copy(), np.zeros(4), []
    for g, lr in zip(given, lrs, strict=True):
        v = 0.9 * v - lr * g
        theta = theta + v
        path.append(theta)
    np.testing.assert_allclose(walked("classical_momentum", given, lrs), path, rtol=1e-12)


def test_both_momenta_walk_one_path_until_the_learning_rate_changes() -> None:
    given = gradients(40)
    lrs = [0.1] * 20 + [0.01] * 20
    inside, outside = (walked(name, given, lrs) for name in ("classical_momentum", "momentum"))
    np.testing.assert_allclose(inside[:20], outside[:20], rtol=1e-12)
    # What the velocity carries over is 0.9·(0.1 − 0.01) of the sum of past gradients.
    carried = sum(0.9 ** (19 - step) * given[step] for step in range(20))
    np.testing.assert_allclose(inside[20] - outside[20], -0.9 * 0.09 * carried, rtol=1e-9)


def test_nesterov_walks_the_points_ahead_of_sutskevers_form() -> None:
    """Sutskever et al. 2013, equations 3 and 4, on ½Σκθ²: the gradient is taken at x + μu."""
    curvatures, lr, mu = np.array([0.1, 1.0, 5.0, 2.0]), 0.05, 0.9
    theta = torch.tensor(START, requires_grad=True)
    optimizer = plugins.load(REFERENCE["reference.nesterov"].target)([theta], lr=lr, momentum=mu)
    x, u = START.copy(), np.zeros(4)
    for _ in range(100):
        theta.grad = torch.tensor(curvatures) * theta.detach()
        optimizer.step()
        u = mu * u - lr * curvatures * (x + mu * u)
        x = x + u
        np.testing.assert_allclose(theta.detach().numpy(), x + mu * u, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgdw_decays_the_weights_beside_the_velocity(momentum: float) -> None:
    """Loshchilov & Hutter 2019, algorithm 1, its λ being lr·weight_decay: θ − lr·v − λθ."""
    given = gradients()
    theta, v, path = START.copy(), np.zeros(4), []
    for g in given:
        v = momentum * v + g
        theta = theta - 0.01 * v - 0.01 * 0.1 * theta
        path.append(theta)
    found = walked("sgdw", given, momentum=momentum, weight_decay=0.1)
    np.testing.assert_allclose(found, path, rtol=1e-11)


def test_decoupled_decay_is_l2_for_sgd_and_not_with_momentum() -> None:
    """Loshchilov & Hutter 2019, proposition 1 and section 2."""
    given = gradients()
    l2, decoupled = (walked(name, given, weight_decay=0.1) for name in ("sgd", "sgdw"))
    np.testing.assert_allclose(l2, decoupled, rtol=1e-11)
    l2 = walked("momentum", given, weight_decay=0.1)
    decoupled = walked("sgdw", given, weight_decay=0.1, momentum=0.9)
    assert np.abs(l2 - decoupled).max() > 0.01


def test_adam_without_correction_divides_the_plain_averages() -> None:
    """Kingma & Ba 2015, algorithm 1, without its lines for m̂ and v̂."""
    given = gradients()
    theta, m, v, path = START.copy(), np.zeros(4), np.zeros(4), []
    for g in given:
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        theta = theta - 0.01 * m / (np.sqrt(v) + 1e-8)
        path.append(theta)
    np.testing.assert_allclose(walked("adam", given, bias_correction=False), path, rtol=1e-12)


@pytest.mark.parametrize("correction", ["none", "before", "after"])
def test_amsgrad_takes_the_maximum_of_what_its_correction_says(correction: str) -> None:
    """Reddi et al. 2018, algorithm 2 (none); torch's (after); of Adam's own divisor (before)."""
    given = gradients()
    theta, m, v, w, path = START.copy(), np.zeros(4), np.zeros(4), np.zeros(4), []
    for t, g in enumerate(given, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.99 * v + 0.01 * g**2
        w = np.maximum(w, v / (1 - 0.99**t) if correction == "before" else v)
        divisor = np.sqrt(w / (1 - 0.99**t) if correction == "after" else w) + 1e-8
        theta = theta - 0.01 * (m if correction == "none" else m / (1 - 0.9**t)) / divisor
        path.append(theta)
    found = walked("amsgrad", given, betas=(0.9, 0.99), correction=correction)
    np.testing.assert_allclose(found, path, rtol=1e-12)


def test_lion_mixes_by_its_first_beta_and_remembers_by_its_second() -> None:
    """Chen et al. 2023, algorithm 2, with decoupled weight decay."""
    given = gradients()
    theta, m, path = START.copy(), np.zeros(4), []
    for g in given:
        c = 0.9 * m + 0.1 * g
        theta = theta - 0.01 * (np.sign(c) + 0.1 * theta)
        m = 0.99 * m + 0.01 * g
        path.append(theta)
    np.testing.assert_allclose(walked("lion", given, weight_decay=0.1), path, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "arguments", "length"),
    [
        ("adam", {}, 1),
        ("adam", {"bias_correction": False}, 0.1 / 0.001**0.5),
        ("adam", {"bias_correction": False, "betas": (0.5, 0.96)}, 0.5 / 0.2),
        ("adamw", {"weight_decay": 0.0}, 1),
        ("amsgrad", {}, 1),
        ("amsgrad", {"correction": "before"}, 1),
        ("amsgrad", {"correction": "none"}, 0.1 / 0.001**0.5),
        ("adagrad", {}, 1),
        ("rmsprop", {}, 10),
        ("rmsprop", {"alpha": 0.9}, 10**0.5),
        ("adamax", {}, 1),
        ("lion", {}, 1),
    ],
)
def test_the_first_step_has_one_length_whatever_the_gradients_size(
    name: str, arguments: dict[str, Any], length: float
) -> None:
    """ε, at 1e-8, is a millionth of the smallest gradient: (1 − β₁)/√(1 − β₂) is left of Adam's."""
    np.testing.assert_allclose(first_step(name, **arguments), -length * SIGNS, rtol=4e-5)


def test_radam_is_momentum_in_five_steps_and_adapts_in_the_sixth() -> None:
    """Liu et al. 2020: ρₜ is about t in the beginning, and the threshold that torch has is 5."""
    one, ten = (walked("radam", np.full((6, 4), size), 1e-3) - START for size in (1.0, 10.0))
    steps = np.arange(1, 6)[:, None]
    np.testing.assert_allclose(one[:5], np.broadcast_to(-1e-3 * steps, (5, 4)), rtol=1e-9)
    np.testing.assert_allclose(ten[:5], 10 * one[:5], rtol=1e-9)
    np.testing.assert_allclose(ten[5] - ten[4], one[5] - one[4], rtol=1e-6)
    # r at t = 6 by algorithm 2, from ρ∞ = 1999 and ρ₆ = 1999 − 12·0.999⁶/(1 − 0.999⁶).
    rho = 1999 - 12 * 0.999**6 / (1 - 0.999**6)
    r = ((rho - 4) * (rho - 2) * 1999 / (1995 * 1997 * rho)) ** 0.5
    np.testing.assert_allclose(one[5] - one[4], -1e-3 * r, rtol=1e-6)


def online(
    name: str, slope: float, others: float, period: int, steps: int, **arguments: Any
) -> float:
    """The mean of the last points in [−1, 1], from 0, on slopes that come once a period.

    The step size is ½/√t, and a step that leaves the interval ends at its border.
    """
    x = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = plugins.load(REFERENCE[f"reference.{name}"].target)([x], **arguments)
    points = []
    for t in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = 0.5 / t**0.5
        x.grad = torch.full_like(x, slope if t % period == 1 else others)
        optimizer.step()
        x.detach().clamp_(-1, 1)
        points.append(x.item())
    return float(np.mean(points[-20 * period :]))


@pytest.mark.parametrize("corrected", [False, True])
def test_adam_goes_to_the_worst_point_where_amsgrad_finds_the_best(corrected: bool) -> None:
    """Reddi et al. 2018, theorem 1: f = Cx once in three, else −x, β₁ = 0, β₂ = 1/(1 + C²).

    Over three steps the slopes add up to C − 2 > 0, so that −1 is best and +1 worst.
    """
    course: dict[str, Any] = {"slope": 4.0, "others": -1.0, "period": 3, "steps": 1500}
    betas = (0.0, 1 / 17)
    adam = online("adam", **course, betas=betas, bias_correction=corrected)
    amsgrad = online("amsgrad", **course, betas=betas, correction="after" if corrected else "none")
    assert adam == pytest.approx(1, abs=0.02)
    assert amsgrad == pytest.approx(-1, abs=0.02)


def test_the_papers_own_example_drives_adam_up_and_amsgrad_down() -> None:
    """Reddi et al. 2018, section 3: f = 1010x once in 101, else −10x; −1 is best."""
    course: dict[str, Any] = {"slope": 1010.0, "others": -10.0, "period": 101, "steps": 5000}
    adam = online("adam", **course, betas=(0.9, 0.99), bias_correction=False)
    amsgrad = online("amsgrad", **course, betas=(0.9, 0.99), correction="none")
    assert adam > 0.3
    assert amsgrad < -0.7
