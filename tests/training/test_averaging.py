"""EMA and SWA against torch.optim.swa_utils, in company and after a stop."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, assert_ends_as, in_cohorts, resumed, stopped, traces
from experiments import make_learner, make_runs, train_all, write_plugin
from plain_loop import accuracy, documented_seed, mean_loss, mlp, norm, one_thread
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from optbench.training.data import DeviceData
    from optbench.training.learner import Learner

DIGITS = {"name": "digits", "train": 200, "test": 60, "validation": 40}
MODEL = {"name": "mlp", "hidden": [16]}
ADAM = {"name": "adam", "lr": 0.01}
EPOCHS = 15
EMA = {"name": "ema", "decay": 0.9}
SWA = {"name": "swa", "start": 0.6}


def order(epoch: int, examples: int = 200) -> Tensor:
    generator = torch.Generator().manual_seed(documented_seed("batches", 0, epoch))
    return torch.randperm(examples, generator=generator)


@dataclass
class Plain:
    """torch's tutorial on weight averaging; a test loss and norm of the raw weights an epoch."""

    model: nn.Module
    averaged: AveragedModel
    data: DeviceData
    swa: bool = False
    rows: list[tuple[float, float]] = field(default_factory=list)

    def train(self) -> None:
        optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01, fused=True)
        with one_thread():
            for epoch in range(EPOCHS):
                for inputs, targets in self.batches(epoch):
                    optimizer.zero_grad()
                    loss = functional.cross_entropy(self.model(inputs), targets)
                    torch.autograd.backward(loss)
                    optimizer.step()
                    if not self.swa:
                        self.averaged.update_parameters(self.model)
                if self.swa and epoch + 1 >= 9:  # 0.6 of 15
                    self.averaged.update_parameters(self.model)
                begun = self.averaged.n_averaged > 0
                shown = self.averaged if begun else self.model
                if begun and self.swa:
                    update_bn(self.batches(epoch), self.averaged)
                raw = norm(torch.cat([p.detach().flatten() for p in self.model.parameters()]))
                self.rows.append((mean_loss(shown, self.data.test), raw))

    def batches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        for chosen in torch.split(order(epoch, len(self.data.train)), 32):
            yield self.data.train.inputs[chosen], self.data.train.targets[chosen]


def trained(folder: Path, average: dict[str, Any], model: object = MODEL) -> Learner:
    training = {"epochs": EPOCHS, "batch_size": 32, "average": average}
    (run,) = make_runs(folder, dataset=DIGITS, model=model, optimizer=ADAM, training=training)
    learner = make_learner(run)
    train_all(learner)
    return learner


def final(learner: Learner) -> dict[str, Tensor]:
    found: dict[str, Tensor] = torch.load(io.BytesIO(learner.weights()), weights_only=True)
    return found


def assert_rows(learner: Learner, plain: Plain) -> None:
    assert [row["test_loss"] for row in learner.rows[1:]] == pytest.approx(
        [loss for loss, _ in plain.rows], rel=1e-6
    )
    assert [row["param_norm"] for row in learner.rows[1:]] == pytest.approx(
        [raw for _, raw in plain.rows], rel=1e-9
    )


@pytest.mark.parametrize("average", [EMA, SWA], ids=["ema", "swa"])
def test_the_average_is_that_of_torchs_averaged_model(
    tmp_path: Path, average: dict[str, Any]
) -> None:
    """To the bit; but torch's SWA takes 1/n as a float32, where the learner takes a float64."""
    learner = trained(tmp_path, average)
    assert learner.way.kind == "chain"
    swa = average["name"] == "swa"
    model = mlp(64, 16, 10)
    mix = None if swa else get_ema_multi_avg_fn(0.9)  # type: ignore[no-untyped-call]
    plain = Plain(model, AveragedModel(model, multi_avg_fn=mix), learner.data, swa)
    plain.train()
    assert_rows(learner, plain)
    for found, parameter in zip(learner.parameters, model.parameters(), strict=True):
        assert torch.equal(found, parameter)
    expected = plain.averaged.module.parameters()
    for value, parameter in zip(final(learner).values(), expected, strict=True):
        torch.testing.assert_close(value, parameter.detach(), rtol=1e-6 * swa, atol=1e-7 * swa)
    test = learner.data.test
    assert learner.rows[-1]["test_accuracy"] == pytest.approx(accuracy(plain.averaged, test))


NORMALIZED = """
from torch import nn

class Normalized(nn.Sequential):
    def __init__(self, input_shape, classes):
        size = input_shape[0] * input_shape[1] * input_shape[2]
        super().__init__(
            nn.Flatten(), nn.Linear(size, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, classes)
        )
"""


@pytest.mark.parametrize("average", [EMA, SWA], ids=["ema", "swa"])
def test_statistics_of_batch_normalization_belong_to_the_average(
    tmp_path: Path, average: dict[str, Any]
) -> None:
    """EMA averages them as torch's use_buffers does, SWA finds them anew as its update_bn does."""
    write_plugin(tmp_path, NORMALIZED)
    learner = trained(tmp_path, average, "./plugin.py:Normalized")
    swa = average["name"] == "swa"
    torch.manual_seed(documented_seed("weights", 0))
    layers = [nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 10)]
    model = nn.Sequential(nn.Flatten(), *layers)
    mix = None if swa else get_ema_multi_avg_fn(0.9)  # type: ignore[no-untyped-call]
    plain = Plain(
        model, AveragedModel(model, multi_avg_fn=mix, use_buffers=not swa), learner.data, swa
    )
    plain.train()
    assert_rows(learner, plain)
    found, expected = final(learner), plain.averaged.module.state_dict()
    assert {"2.running_mean", "2.running_var"} <= found.keys()
    for name in found:
        if name != "2.num_batches_tracked":
            torch.testing.assert_close(found[name], expected[name], rtol=1e-5, atol=1e-6)
    raw = learner.model.state_dict()
    for name, value in model.state_dict().items():
        assert torch.equal(raw[name], value)  # training goes on with its own


COMPANY: list[dict[str, Any]] = [
    ADAM,
    {"name": "sgd", "lr": 0.1, "momentum": 0.9, "schedule": {"name": "cosine"}},
    {"name": "sgd", "lr": 0.1, "schedule": {"name": "reducelronplateau", "patience": 0}},
]


@pytest.mark.parametrize("average", [EMA, {"name": "swa", "start": 0.5}], ids=["ema", "swa"])
def test_averages_in_company_and_resumed(tmp_path: Path, average: dict[str, Any]) -> None:
    """Rows within epochs too, stopped before and after SWA begins."""
    model = {"name": "mlp", "hidden": [17, 3], "dropout": 0.3}
    every = {"steps": 3}
    training = {"epochs": 4, "batch_size": 16, "average": average, "evaluate_every": every}
    runs = make_runs(tmp_path, model=model, optimizer=COMPANY, training=training, seeds=2)
    expected = alone(runs)
    assert in_cohorts(runs, 4) == expected
    for epochs in (1, 3):
        sealed = stopped([make_learner(run) for run in runs[:3]], 4 * epochs)
        found = traces([resumed(runs[index], sealed[index]) for index in (2, 0)])
        assert_ends_as(found[0], expected[2])
        assert_ends_as(found[1], expected[0])


NOISY = """
from torch import nn

class Noisy(nn.Sequential):
    def __init__(self, input_shape, classes):
        super().__init__(
            nn.Linear(input_shape[0], 9), nn.BatchNorm1d(9), nn.Dropout(0.5), nn.Linear(9, classes)
        )
"""


def test_finding_statistics_anew_draws_nothing_that_training_draws(tmp_path: Path) -> None:
    """The raw weights end as those of the same run without an average."""
    write_plugin(tmp_path, NOISY)
    grid = {"grid": [None, {"name": "swa", "start": 0.25}, "ema"]}
    training = {"epochs": 4, "batch_size": 16, "average": grid}
    runs = make_runs(tmp_path, model="./plugin.py:Noisy", training=training)
    learners = [make_learner(run) for run in runs]
    train_all(*learners)
    assert [bool(learner.average and learner.average.values) for learner in learners] == [
        False, True, True,
    ]  # fmt: skip
    plain, *averaged = [learner.model.state_dict() for learner in learners]
    for state in averaged:
        for name, value in plain.items():
            assert torch.equal(state[name], value)
    expected = alone(runs)
    sealed = stopped([make_learner(runs[1])], 8)
    (found,) = traces([resumed(runs[1], sealed[0])])
    assert_ends_as(found, expected[1])


def test_before_it_begins_rows_are_of_the_weights_in_training(tmp_path: Path) -> None:
    learner = trained(tmp_path, SWA)
    training = {"epochs": EPOCHS, "batch_size": 32}
    parts: dict[str, Any] = {"dataset": DIGITS, "model": MODEL, "optimizer": ADAM}
    (run,) = make_runs(tmp_path, training=training, **parts)
    without = make_learner(run)
    train_all(without)
    assert learner.rows[:10] == without.rows[:10]  # the average of one is that one, at epoch 9
    for row, other in zip(learner.rows[10:], without.rows[10:], strict=True):
        assert row["train_loss"] == other["train_loss"]
        assert row["update_norm"] == other["update_norm"]
        assert row["test_loss"] != other["test_loss"]
