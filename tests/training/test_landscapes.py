"""Points going down landscapes under `optbench run`, against theory and `optbench trajectory`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from experiments import command, make_learner, make_runs, train_all, trained, write_experiment
from plain_loop import documented_seed
from scipy.optimize import check_grad, rosen, rosen_der

from optbench.catalog.objectives import OBJECTIVES
from optbench.catalog.trajectory import load_trajectories
from optbench.store.metrics import format_rows, parse_rows
from optbench.training.checkpoint import from_bytes
from optbench.training.loop import train
from optbench.training.records import Commit
from optbench.training.trajectory import walk

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.training.learner import Learner

EACH_STEP = {"epochs": 1, "batch_size": 1, "evaluate_every": {"steps": 1}}


def descend(folder: Path, *, lr: float = 0.01, **dataset: Any) -> Learner:
    """Gradient descent on a landscape, with a row each step."""
    return trained(
        folder,
        dataset=dataset,
        model="point",
        optimizer={"name": "sgd", "lr": lr},
        training=EACH_STEP,
    )


def column(learner: Learner, name: str) -> list[float]:
    return [float(row[name] or 0) for row in learner.rows]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_is_descended_as_optbench_trajectory_does(
    name: str, tmp_path: Path
) -> None:
    learner = descend(tmp_path, name="objective", objective=name, train=20)
    (path,) = walk(load_trajectories(name, ["optimizer=sgd", "lr=0.01", "steps=20"]))
    for row, position in zip(learner.rows, path.positions, strict=False):
        assert (row["x"], row["y"]) == (position.x, position.y)
        above = position.value - OBJECTIVES[name].least
        assert row["test_loss"] == pytest.approx(above, rel=1e-6, abs=1e-12)
        away = min(math.dist((position.x, position.y), m) for m in OBJECTIVES[name].minima)
        assert row["distance"] == pytest.approx(away, rel=1e-12)


@pytest.mark.parametrize("rotated", [False, True])
def test_gradient_descent_on_a_quadratic_contracts_each_direction_by_its_curvature(
    rotated: bool, tmp_path: Path
) -> None:
    quadratic = {"dimensions": 5, "condition": 81, "rotated": rotated, "train": 30}
    learner = descend(tmp_path, lr=0.02, **{"name": "quadratic"} | quadratic)
    curvatures = np.array([1, 3, 9, 27, 81])
    first = _along_axes(learner, rotated)
    for step, row in enumerate(learner.rows):
        left = first * (1 - 0.02 * curvatures) ** step
        assert row["distance"] == pytest.approx(np.linalg.norm(left), rel=1e-9)
        assert row["test_loss"] == pytest.approx((curvatures * left**2).sum() / 2, rel=1e-5)


def _along_axes(learner: Learner, rotated: bool) -> np.ndarray[Any, Any]:
    """The start (1, …, 1) along the axes of curvature, found by the function's values alone."""
    height: Any = learner.model.height
    unit = torch.eye(5, dtype=torch.float64)
    hessian = np.array([[height(a + b) - height(a) - height(b) for a in unit] for b in unit])
    values, axes = np.linalg.eigh(hessian)
    assert values == pytest.approx([1, 3, 9, 27, 81])
    assert np.allclose(hessian, np.diag(values)) != rotated
    return axes.T @ np.ones(5)


def test_rosenbrock_in_many_dimensions_is_scipys(tmp_path: Path) -> None:
    start = [0.3, -1.1, 0.7, 1.6, -0.2]
    learner = descend(tmp_path, lr=0.001, name="objective", dimensions=5, start=start, train=3)
    assert check_grad(rosen, rosen_der, start) < 1e-3
    place = np.array(start)
    for row in learner.rows:
        assert row["test_loss"] == pytest.approx(rosen(place), rel=1e-6)
        assert row["distance"] == pytest.approx(np.linalg.norm(place - 1), rel=1e-9)
        place -= 0.001 * rosen_der(place)


def test_noise_is_the_seeds_and_of_the_size_asked_for(tmp_path: Path) -> None:
    noisy = {"name": "objective", "objective": "sphere", "noise": 0.5, "train": 40}
    learner = descend(tmp_path, lr=0.1, **noisy)
    random = np.random.RandomState(list(divmod(documented_seed("examples", 0, 0), 2**32)))
    drawn = (0.5 * random.standard_normal((40, 2))).astype(np.float32)
    generator = torch.Generator().manual_seed(documented_seed("batches", 0, 0))
    place = np.array([-4.0, 3.0])
    for row, chosen in zip(learner.rows[1:], torch.randperm(40, generator=generator), strict=True):
        place = place - 0.1 * (2 * place + drawn[chosen])
        assert (row["x"], row["y"]) == pytest.approx(tuple(place), rel=1e-9)
    assert learner.rows[-1]["test_loss"] == pytest.approx(place @ place, rel=1e-6)


def test_a_random_start_is_the_seeds_inside_the_window_and_one_for_all_optimizers(
    tmp_path: Path,
) -> None:
    dataset = {"name": "objective", "objective": "beale", "start": "random", "train": 1}
    optimizers = [{"name": name, "lr": 0.001} for name in ("sgd", "adam")]
    runs = make_runs(
        tmp_path, dataset=dataset, model="point", optimizer=optimizers, training=EACH_STEP, seeds=4
    )
    places: dict[int, set[tuple[object, object]]] = {}
    for run in runs:
        learner = make_learner(run)
        train_all(learner)
        places.setdefault(run.seed, set()).add((learner.rows[0]["x"], learner.rows[0]["y"]))
    assert all(len(found) == 1 for found in places.values())
    starts = [place for (place,) in places.values()]
    assert len(set(starts)) == 4
    assert all(-0.5 <= x <= 4.5 and -2 <= y <= 2.5 for x, y in starts)  # type: ignore[operator]


def test_a_point_that_leaves_float32_has_diverged_and_its_rows_can_be_read(tmp_path: Path) -> None:
    learner = descend(tmp_path, lr=10, name="objective", objective="rosenbrock")
    assert learner.diverged is not None
    assert parse_rows(format_rows(learner.rows)) == learner.rows
    sphere = descend(tmp_path, lr=0.4, name="objective", objective="sphere")
    assert column(sphere, "distance")[-1] < 1e-60  # a loss of 1e-120, which is told as 0
    assert parse_rows(format_rows(sphere.rows)) == sphere.rows


def test_reddis_sequence_is_projected_and_its_regret_counted_as_a_plain_loop_does(
    tmp_path: Path,
) -> None:
    learner = trained(
        tmp_path,
        dataset={"name": "reddi-online", "train": 303, "start": 0.5},
        model="point",
        optimizer={"name": "sgd", "lr": 0.01},
        schedule="inverse-sqrt",
        training={"epochs": 2, "batch_size": 1},
    )
    x, regret = 0.5, 0.0
    for t in range(1, 607):
        slope = 1010 if t % 101 == 1 else -10
        regret += slope * x - slope * -1
        x = min(1.0, max(-1.0, x - 0.01 / math.sqrt(t) * slope))
    last = learner.rows[-1]
    assert last["x"] == pytest.approx(x, rel=1e-9)
    assert last["regret"] == pytest.approx(regret / 606, rel=1e-9)
    assert last["distance"] == pytest.approx(x + 1, rel=1e-9)
    # A period's mean slope is (1010 - 1000) / 101.
    assert last["test_loss"] == pytest.approx(10 / 101 * (x + 1), rel=1e-5)


def test_its_random_version_is_steep_at_one_step_in_a_hundred(tmp_path: Path) -> None:
    learner = trained(
        tmp_path,
        dataset={"name": "reddi-online", "train": 20_000, "stochastic": True},
        model="point",
        optimizer={"name": "sgd", "lr": 1e-9},
        training={"epochs": 1, "batch_size": 2000},
    )
    drawn = learner.data.epoch(0, 0).inputs.flatten()
    assert set(drawn.tolist()) == {1010.0, -10.0}
    assert (drawn > 0).double().mean().item() == pytest.approx(0.01, abs=0.003)
    assert learner.rows[0]["test_loss"] == pytest.approx(0.2)  # 0.01 · 1010 − 0.99 · 10


def test_a_resumed_online_run_goes_on_with_its_regret(tmp_path: Path) -> None:
    parts: dict[str, Any] = {
        "dataset": {"name": "reddi-online", "train": 150},
        "model": "point",
        "optimizer": {"name": "adam", "lr": 0.1},
        "schedule": "inverse-sqrt",
        "training": {"epochs": 2, "batch_size": 1, "evaluate_every": {"steps": 50}},
    }
    whole = trained(tmp_path, **parts)
    (run,) = make_runs(tmp_path, **parts)
    begun = make_learner(run)
    state = next(r.state() for r in train([begun]) if isinstance(r, Commit))
    again = make_learner(run)
    again.restore(from_bytes(state, run.hash))
    train_all(again)
    assert format_rows(again.rows) == format_rows(whole.rows)


@pytest.mark.parametrize(
    ("dataset", "model", "told"),
    [
        ("digits", "point", "digits is no landscape for a point to go down"),
        ("quadratic", "mlp", "must be point on quadratic, got mlp"),
        ({"name": "objective", "objective": "beal"}, "point", "did you mean 'beale'"),
        ({"name": "objective", "condition": 3}, "point", "rosenbrock has no condition"),
        ({"name": "objective", "objective": "booth", "dimensions": 3}, "point", "has 2 dimensions"),
        ({"name": "objective", "start": [1]}, "point", "start must be 2 finite numbers, or random"),
        ({"name": "quadratic", "start": "here"}, "point", "or random, got here"),
        ({"name": "quadratic", "condition": 0.5}, "point", "must be 1 or greater"),
        ({"name": "reddi-online", "start": 2}, "point", "start must be from -1 to 1"),
    ],
)
def test_what_makes_no_landscape_is_refused(
    dataset: Any, model: str, told: str, tmp_path: Path
) -> None:
    path = write_experiment(tmp_path, dataset=dataset, model=model)
    outcome = command("validate", path)
    assert outcome.code == 2
    assert told in outcome.err + outcome.out
