"""The lr column against torch's own schedulers, stepped by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch
from experiments import TINY_EPOCH_STEPS, trained
from torch.optim import lr_scheduler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

EPOCHS = 6
STEPS = EPOCHS * TINY_EPOCH_STEPS
Case = tuple[str, dict[str, Any], "Callable[[Optimizer], LRScheduler]"]

BY_EPOCH: list[Case] = [
    ("steplr", {"step_size": 2, "gamma": 0.3}, lambda o: lr_scheduler.StepLR(o, 2, 0.3)),
    ("multisteplr", {"milestones": [1, 4]}, lambda o: lr_scheduler.MultiStepLR(o, [1, 4])),
    ("exponentiallr", {"gamma": 0.8}, lambda o: lr_scheduler.ExponentialLR(o, 0.8)),
    ("linearlr", {}, lambda o: lr_scheduler.LinearLR(o, total_iters=EPOCHS)),
    ("linearlr", {"total_iters": 3}, lambda o: lr_scheduler.LinearLR(o, total_iters=3)),
    ("constantlr", {"total_iters": 2}, lambda o: lr_scheduler.ConstantLR(o, total_iters=2)),
    ("polynomiallr", {"power": 2}, lambda o: lr_scheduler.PolynomialLR(o, EPOCHS, 2)),
    ("cosineannealinglr", {}, lambda o: lr_scheduler.CosineAnnealingLR(o, EPOCHS)),
    ("cosineannealinglr", {"T_max": 4}, lambda o: lr_scheduler.CosineAnnealingLR(o, 4)),
    (
        "cosineannealingwarmrestarts",
        {"T_0": 2},
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2),
    ),
]
BY_STEP: list[Case] = [
    ("onecyclelr", {"max_lr": 0.5}, lambda o: lr_scheduler.OneCycleLR(o, 0.5, STEPS)),
    (
        "cycliclr",
        {"base_lr": 0.01, "max_lr": 0.5, "step_size_up": 3},
        lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.5, step_size_up=3),
    ),
]


def identity(value: object) -> str:
    return value if isinstance(value, str) else ",".join(value) if isinstance(value, dict) else ""


def by_hand(factory: Callable[[Optimizer], LRScheduler], steps: int) -> list[float]:
    """The lr before each of `steps` advances of a scheduler."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1, momentum=0.9)
    schedule = factory(optimizer)
    lrs = []
    for _ in range(steps):
        lrs.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        schedule.step()
    return lrs


def lr_column(folder: Path, **parts: Any) -> list[float | int | None]:
    """lr after each step of six epochs of four steps."""
    learner = trained(
        folder,
        optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.9},
        training={"epochs": EPOCHS, "batch_size": 16, "evaluate_every": {"steps": 1}},
        **parts,
    )
    first, *lrs = (row["lr"] for row in learner.rows)
    assert first is None
    return lrs


@pytest.mark.parametrize(("name", "arguments", "factory"), BY_EPOCH, ids=identity)
def test_a_schedule_by_epoch_holds_its_rate_within_each(
    tmp_path: Path,
    name: str,
    arguments: dict[str, Any],
    factory: Callable[[Optimizer], LRScheduler],
) -> None:
    lrs = lr_column(tmp_path, schedule={"name": name, **arguments})
    assert lrs == [lr for lr in by_hand(factory, EPOCHS) for _ in range(TINY_EPOCH_STEPS)]


@pytest.mark.parametrize(("name", "arguments", "factory"), BY_STEP, ids=identity)
def test_a_schedule_by_batch_advances_each_step(
    tmp_path: Path,
    name: str,
    arguments: dict[str, Any],
    factory: Callable[[Optimizer], LRScheduler],
) -> None:
    assert lr_column(tmp_path, schedule={"name": name, **arguments}) == by_hand(factory, STEPS)


def test_warm_up_and_cosine_span_the_run(tmp_path: Path) -> None:
    lrs = lr_column(tmp_path, schedule={"name": "cosine", "warmup": 0.25, "final": 0.1})
    # A quarter of 24 steps rises in sixths; the 18 after it fall along half a cosine to a tenth.
    rising = [0.1 * k / 6 for k in range(1, 7)]
    falling = [0.1 * (0.1 + 0.9 * (1 + math.cos(math.pi * k / 17)) / 2) for k in range(18)]
    assert lrs == pytest.approx(rising + falling, rel=1e-12)
    assert lrs[-1] == pytest.approx(0.01)


def test_a_plateau_is_judged_by_the_validation_loss_after_each_epoch(tmp_path: Path) -> None:
    parts: dict[str, Any] = {
        "optimizer": {"name": "sgd", "lr": 0.1},
        "schedule": {"name": "reducelronplateau", "factor": 0.5, "patience": 0, "threshold": 0.05},
    }
    learner = trained(tmp_path, **parts, training={"epochs": 12, "batch_size": 16})
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=0.05)
    for row in learner.rows[1:]:
        assert row["lr"] == optimizer.param_groups[0]["lr"]
        assert row["val_loss"] is not None
        schedule.step(row["val_loss"])
    assert learner.rows[-1]["lr"] != 0.1  # it was put to the test


def test_a_plateau_is_judged_the_same_where_rows_miss_the_epochs_end(tmp_path: Path) -> None:
    schedule = {"name": "reducelronplateau", "factor": 0.5, "patience": 0, "threshold": 0.05}
    each, missing = (
        trained(
            tmp_path,
            optimizer={"name": "sgd", "lr": 0.1},
            schedule=schedule,
            training={"epochs": 12, "batch_size": 16, "evaluate_every": {"steps": steps}},
        )
        for steps in (TINY_EPOCH_STEPS, 7)
    )
    assert each.weights() == missing.weights()
    assert each.rows[-1]["lr"] == missing.rows[-1]["lr"] != 0.1


def test_every_parameter_group_has_a_rate_of_its_own(tmp_path: Path) -> None:
    learner = trained(
        tmp_path,
        optimizer={
            "name": "sgd",
            "lr": 0.1,
            "groups": [{"match": "*.bias", "lr": 0.02}, {"match": "1.*", "weight_decay": 0.5}],
        },
        schedule={"name": "exponentiallr", "gamma": 0.5},
    )
    columns = [(r["lr"], r["lr.*.bias"], r["lr.1.*"]) for r in learner.rows]
    assert columns == [
        (None, None, None), (0.1, 0.02, 0.1), (0.05, 0.01, 0.05), (0.025, 0.005, 0.025),
    ]  # fmt: skip


def test_groups_that_take_every_parameter_keep_their_columns(tmp_path: Path) -> None:
    groups = [{"match": "*.weight", "lr": 0.3}, {"match": "*.bias", "lr": 0.02}]
    learner = trained(tmp_path, optimizer={"name": "adam", "lr": 0.1, "groups": groups})
    last = learner.rows[-1]
    assert (last["lr"], last["lr.*.weight"], last["lr.*.bias"]) == (0.1, 0.3, 0.02)
