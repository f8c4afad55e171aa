"""Steps over several batches, against steps of torch alone over all their examples at once."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, assert_ends_as, in_cohorts, resumed, stopped, traces
from experiments import make_learner, make_runs, train_all, write_plugin
from plain_loop import documented_seed, mlp, one_thread
from torch import Tensor, nn
from torch.nn import functional

from optbench.training.accumulation import MeanGradient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch.optim import Optimizer

    from optbench.training.data import DeviceData
    from optbench.training.learner import Learner

# 1,476 examples are 15 steps of 4 · 24 = 96, and one of 36: a batch of 24 and one of 12.
DATA = {"name": "synthetic", "train": 1476, "test": 5, "classes": 10, "features": 20}
STEP_EXAMPLES, EPOCH_STEPS, EPOCHS = 96, 16, 7
ONE_CYCLE = {"name": "onecyclelr", "max_lr": 0.1, "cycle_momentum": False}
OPTIMIZERS: list[dict[str, Any]] = [
    {"name": "adam", "lr": 0.01},
    {"name": "momentum", "lr": 0.1, "schedule": ONE_CYCLE},
    {"name": "lbfgs", "lr": 0.1, "max_iter": 3},
]
PARTS: dict[str, Any] = {
    "dataset": DATA | {"separation": 1},
    "model": {"name": "mlp", "hidden": [32]},
    "training": {
        "epochs": EPOCHS,
        "batch_size": 24,
        "accumulate": 4,
        "clip_norm": 0.5,
        "evaluate_every": {"steps": 1},
    },
}


def plain_rows(
    make: Callable[[nn.Module], Optimizer], data: DeviceData, schedule: bool
) -> list[tuple[float, float]]:
    """Loss and norm of the gradient before clipping of each step, batches of 96 at once."""
    model = mlp(20, 32, 10).double()
    optimizer = make(model)
    total = EPOCHS * EPOCH_STEPS
    one_cycle = None
    if schedule:
        one_cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, 0.1, total_steps=total, cycle_momentum=False
        )
    rows = []
    for epoch in range(EPOCHS):
        generator = torch.Generator().manual_seed(documented_seed("batches", 0, epoch))
        order = torch.randperm(len(data.train.targets), generator=generator)
        for chosen in torch.split(order, STEP_EXAMPLES):
            found: list[tuple[float, float]] = []

            def closure(chosen: Tensor = chosen, found: list[Any] = found) -> Tensor:
                optimizer.zero_grad()
                outputs = model(data.train.inputs[chosen].double())
                loss = functional.cross_entropy(outputs, data.train.targets[chosen])
                torch.autograd.backward(loss)
                norm = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                found.append((loss.item(), norm.item()))
                return loss

            if isinstance(optimizer, torch.optim.LBFGS):
                optimizer.step(closure)  # type: ignore[no-untyped-call]
            else:
                closure()
                optimizer.step()
            if one_cycle is not None:
                one_cycle.step()
            rows.append(found[0])
    return rows


def double(learner: Learner) -> Learner:
    """The same run with float64 weights and data."""
    data = learner.data
    train, test = (
        dataclasses.replace(split, inputs=split.inputs.double(), dtype=torch.float64)
        for split in (data.train, data.test)
    )
    learner.data = dataclasses.replace(data, train=train, test=test)
    learner.model.double()
    return learner


@pytest.mark.parametrize("place", [0, 1, 2], ids=["adam", "momentum", "lbfgs"])
def test_a_step_is_that_of_one_batch_with_all_its_examples(tmp_path: Path, place: int) -> None:
    (run,) = make_runs(tmp_path, optimizer=OPTIMIZERS[place], **PARTS)
    learner = double(make_learner(run))
    train_all(learner)
    made: list[Callable[[nn.Module], Optimizer]] = [
        lambda model: torch.optim.Adam(model.parameters(), lr=0.01),
        lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        lambda model: torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3),
    ]
    with one_thread():
        expected = plain_rows(made[place], learner.data, schedule=place == 1)
    rows = learner.rows[1:]
    assert len(rows) == len(expected) == EPOCHS * EPOCH_STEPS
    for row, (loss, norm) in zip(rows, expected, strict=True):
        assert row["train_loss"] == pytest.approx(loss, abs=1e-9)
        assert row["grad_norm"] == pytest.approx(norm, abs=1e-9)
    assert [row["examples"] for row in rows[:17]] == [*range(96, 1441, 96), 1476, 1572]
    assert [rows[k]["epoch"] for k in (15, 31)] == [1, 2]


def test_steps_over_several_batches_in_company_and_resumed(tmp_path: Path) -> None:
    """In float32, with dropout: the same bits alone, together, and gone on with elsewhere."""
    items = [*OPTIMIZERS[:2], {"name": "reference.adam", "lr": 0.01}, {"name": "rprop"}]
    model = {"name": "mlp", "hidden": [17], "dropout": 0.3}
    training = {"epochs": 3, "batch_size": 7, "accumulate": 3, "evaluate_every": {"steps": 2}}
    runs = make_runs(tmp_path, model=model, optimizer=items, training=training, seeds=2)
    expected = alone(runs)
    assert in_cohorts(runs, 5) == expected
    sealed = stopped([make_learner(run) for run in runs[:3]], 3)
    found = traces([resumed(runs[index], sealed[index]) for index in (2, 1)])
    for trace, whole in zip(found, (expected[2], expected[1]), strict=True):
        assert_ends_as(trace, whole)


HALF_USED = """
import torch

class TakesTurns(torch.nn.Module):
    "The loss uses one layer in batches with an odd number of examples, the other in even ones."
    def __init__(self, input_shape, classes):
        super().__init__()
        self.odd = torch.nn.Linear(input_shape[0], classes)
        self.even = torch.nn.Linear(input_shape[0], classes)

    def forward(self, inputs):
        return (self.odd if len(inputs) % 2 else self.even)(inputs)
"""


def test_a_parameter_that_some_batches_do_not_use_counts_as_zero_there(tmp_path: Path) -> None:
    """60 examples are batches of 25, 25 and 10: the last alone has an even number."""
    write_plugin(tmp_path, HALF_USED)
    training = {"epochs": 1, "batch_size": 25, "accumulate": 3}
    (run,) = make_runs(
        tmp_path,
        model="./plugin.py:TakesTurns",
        optimizer={"name": "sgd", "lr": 1},
        training=training,
    )
    learner = make_learner(run)
    layer = learner.model.get_submodule("even")
    before = layer.get_parameter("bias").detach().clone()
    last = learner.order(0)[50:]
    outputs = layer(learner.data.train.inputs[last])
    loss = functional.cross_entropy(outputs, learner.data.train.targets[last])
    (gradient,) = torch.autograd.grad(loss, [layer.get_parameter("bias")])
    train_all(learner)
    torch.testing.assert_close(layer.get_parameter("bias"), before - gradient / 6)


def test_a_parameter_that_no_batch_uses_gets_no_gradient() -> None:
    used, unused = (nn.Parameter(torch.ones(2)) for _ in range(2))
    mean = MeanGradient([used, unused])
    for share, value in ((0.75, 1.0), (0.25, 5.0)):
        used.grad = torch.full((2,), value)
        mean.add(share)
    mean.hand_out()
    assert unused.grad is None
    assert used.grad is not None
    assert used.grad.tolist() == [2.0, 2.0]
