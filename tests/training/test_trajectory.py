"""Paths against what theory says of them; objectives and learning rates are chosen for that."""

from __future__ import annotations

import math

import pytest
from scipy.optimize import minimize_scalar

from optbench.catalog.objectives.path import Path, Position
from optbench.catalog.trajectory import load_trajectories
from optbench.training.trajectory import surface, walk


def paths(objective: str, *settings: str) -> list[Path]:
    return list(walk(load_trajectories(objective, settings)))


def path(objective: str, *settings: str) -> Path:
    (found,) = paths(objective, *settings)
    return found


def distance(position: Position) -> float:
    return math.hypot(position.x, position.y)


def test_gradient_descent_on_a_quadratic_is_a_geometric_series_in_each_direction() -> None:
    found = path("bowl", "optimizer=sgd", "lr=0.05", "start=[-4, 2]", "steps=30")
    for step, x, y, *_ in found.positions:  # curvatures 1 and 10
        assert x == pytest.approx(-4 * (1 - 0.05) ** step, rel=1e-12)
        assert y == pytest.approx(2 * (1 - 0.5) ** step, rel=1e-12)


def test_a_position_holds_value_gradient_and_learning_rate() -> None:
    first = path("bowl", "optimizer=sgd", "lr=0.05", "start=[3, 0.4]").positions[0]
    assert first == pytest.approx(Position(0, 3, 0.4, (9 + 1.6) / 2, 5, 0.05))


@pytest.mark.parametrize("condition", [1.0, 10.0, 50.0])
@pytest.mark.parametrize("share", [0.1, 0.98, 1.02, 1.9])
def test_gradient_descent_diverges_exactly_above_two_over_the_largest_curvature(
    condition: float, share: float
) -> None:
    """Nesterov 2004, section 2.1.5: it converges for lr < 2 / L. Here `share` is lr L / 2."""
    lr = 2 * share / condition
    found = path(
        "bowl",
        f"objective.condition={condition!r}",
        "optimizer=sgd",
        f"lr={lr!r}",
        "start=[1, 1]",
        "steps=600",
    )
    assert found.diverged == (share > 1)
    ends = (abs(found.positions[0].y), abs(found.positions[-1].y))
    assert (ends[1] > ends[0]) == (share > 1)


def test_a_diverged_path_ends_with_its_last_finite_position() -> None:
    found = path("rosenbrock", "optimizer=sgd", "lr=1", "steps=100")
    assert found.diverged
    assert len(found.positions) < 10
    assert all(math.isfinite(number) for at in found.positions for number in at)


def heavy_ball(kappa: float) -> tuple[float, float, float]:
    """The best lr and momentum for curvatures 1 and κ, and the rate (Polyak 1964, theorem 9)."""
    root = math.sqrt(kappa)
    return 4 / (root + 1) ** 2, ((root - 1) / (root + 1)) ** 2, (root - 1) / (root + 1)


def test_heavy_ball_at_polyaks_rates_converges_as_fast_as_he_proved() -> None:
    lr, momentum, rate = heavy_ball(100)
    found = path(
        "ravine", f"optimizer={{name: sgd, lr: {lr!r}, momentum: {momentum!r}}}", "steps=160"
    )
    early, late = found.positions[80], found.positions[160]
    # The double root adds a factor that grows like the step: (160 / 80) over 80 steps.
    expected = 2 ** (1 / 80) * rate
    assert (distance(late) / distance(early)) ** (1 / 80) == pytest.approx(expected, rel=0.005)


def test_momentum_dampens_the_oscillation_in_a_ravine() -> None:
    """Gradient descent at its best, lr = 2 / (1 + κ), keeps (κ − 1) / (κ + 1) of it each step."""
    lr, momentum, _ = heavy_ball(100)
    plain, heavy = paths(
        "ravine",
        f"optimizer=[{{name: sgd, lr: {2 / 101!r}}}, "
        f"{{name: sgd, lr: {lr!r}, momentum: {momentum!r}}}]",
    )
    across = [(one.positions[40].x - one.positions[40].y) for one in (plain, heavy)]
    start = plain.positions[0].x - plain.positions[0].y
    assert across[0] == pytest.approx(start * (99 / 101) ** 40, rel=1e-9)
    assert abs(across[1]) < abs(across[0]) / 10


def test_adam_begins_with_a_step_of_the_learning_rate_in_each_direction() -> None:
    """Kingma & Ba 2015, section 2.1: |Δ| ≈ α; so its path begins along the diagonal."""
    found = path("bowl", "optimizer=adam", "lr=0.1", "start=[-4, 2]", "steps=1")
    end = found.positions[-1]
    assert (end.x, end.y) == pytest.approx((-3.9, 1.9), abs=1e-8)


def test_gradient_descent_that_starts_on_the_ridge_ends_in_the_saddle_point() -> None:
    """Nesterov 2004, example 1.2.2; a thousandth beside it, it ends in a minimum."""
    on, beside = (
        path("saddle", "optimizer=sgd", f"start=[1, {y}]", "steps=400").positions[-1]
        for y in (0, 0.001)
    )
    assert (on.x, on.y) == pytest.approx((0, 0), abs=1e-9)
    assert (beside.x, beside.y) == pytest.approx((0, 1), abs=1e-9)


def test_gradient_descent_stays_in_the_local_minimum_where_it_starts() -> None:
    found = path("rastrigin", "optimizer=sgd", "lr=0.002", "start=[-2.3, 1.7]").positions[-1]

    def rastrigin(z: float) -> float:
        return 10 + z * z - 10 * math.cos(2 * math.pi * z)

    for end, basin in ((found.x, (-2.5, -1.5)), (found.y, (1.5, 2.5))):
        near = minimize_scalar(rastrigin, bounds=basin, options={"xatol": 1e-10})
        assert end == pytest.approx(near.x, abs=1e-6)


def test_on_a_plateau_gradient_descent_stays_and_adam_does_not() -> None:
    plain, adam = paths("plateau", "optimizer=[sgd, adam]", "start=[-3, 2.4]")
    assert distance(plain.positions[-1]) > 3.7
    assert distance(adam.positions[-1]) < 0.01


def noise_of(found: Path, lr: float) -> list[tuple[float, float]]:
    """What must have been added to the gradients of gradient descent on curvatures 1 and 10."""
    pairs = zip(found.positions, found.positions[1:], strict=False)
    return [((a.x - b.x) / lr - a.x, (a.y - b.y) / lr - 10 * a.y) for a, b in pairs]


def test_all_optimizers_meet_the_same_noise_of_the_asked_size() -> None:
    slow, fast = paths("bowl", "optimizer={name: sgd, lr: {grid: [0.01, 0.1]}}", "noise=0.5",
                       "steps=2000")  # fmt: skip
    first, second = noise_of(slow, 0.01), noise_of(fast, 0.1)
    flat = [number for pair in first for number in pair]
    assert flat == pytest.approx([number for pair in second for number in pair], abs=1e-9)
    # Of 4,000 draws the root mean square is within 4.5% of σ, four standard errors.
    assert math.sqrt(sum(n * n for n in flat) / len(flat)) == pytest.approx(0.5, rel=0.045)


def test_the_seed_alone_chooses_the_noise() -> None:
    settings = ("optimizer=sgd", "noise=0.5", "steps=20")
    assert path("bowl", *settings, "seed=1") == path("bowl", *settings, "seed=1")
    assert path("bowl", *settings, "seed=1") != path("bowl", *settings, "seed=2")


def test_a_textbook_optimizer_walks_as_torchs_does() -> None:
    ours, torchs = paths("beale", "optimizer=[reference.adam, adam]", "lr=0.05", "steps=300")
    for mine, its in zip(ours.positions, torchs.positions, strict=True):
        assert mine[1:4] == pytest.approx(its[1:4], abs=1e-11)


def test_lbfgs_evaluates_the_objective_as_often_as_its_line_search_likes() -> None:
    """Nocedal & Wright 2006, section 6.1: from (−1.2, 1) BFGS takes 34 iterations to 1e-5."""
    lbfgs = "{name: lbfgs, lr: 1, max_iter: 1, max_eval: 25, line_search_fn: strong_wolfe}"
    end = path("rosenbrock", f"optimizer={lbfgs}", "steps=40").positions[-1]
    assert (end.x, end.y) == pytest.approx((1, 1), abs=1e-4)


def test_the_surface_is_the_objective_at_the_middles_of_cells_from_the_top_down() -> None:
    found = surface(load_trajectories("sphere", ["window=[[0, 4], [0, 2]]", "start=[1, 1]"]), 2, 2)
    assert found.values == ((1 + 2.25, 9 + 2.25), (1 + 0.25, 9 + 0.25))
