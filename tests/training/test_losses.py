"""Losses of one's own against plain torch loops, and what is refused of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, assert_ends_as, in_cohorts, resumed, stopped, traces
from experiments import (
    command,
    make_learner,
    make_runs,
    only_directory,
    refusal,
    trained,
    write_experiment,
    write_plugin,
)
from plain_loop import documented_seed, mlp, one_thread
from torch.nn import functional

from optbench.store.rundir import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

DIGITS = {"name": "digits", "train": 200, "test": 60, "validation": 40}
MODEL = {"name": "mlp", "hidden": [16]}
ADAM = {"name": "adam", "lr": 0.01}
OWN = """
import torch
from torch import nn
from torch.nn import functional


class FocalLoss(nn.Module):
    def __init__(self, gamma: float = 2.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, outputs, targets):
        each = functional.cross_entropy(outputs, targets, reduction="none")
        return ((1 - (-each).exp()) ** self.gamma * each).mean()


def focal(outputs, targets, gamma: float = 2.0):
    return FocalLoss(gamma)(outputs, targets)


def noisy(outputs, targets):
    return functional.cross_entropy(outputs + 0.1 * torch.randn_like(outputs), targets)


def fragile(outputs, targets):
    if outputs.abs().max() > 1e3:
        raise ArithmeticError("outputs beyond a thousand")
    return functional.cross_entropy(outputs, targets)


class Weighted(nn.CrossEntropyLoss):
    def __init__(self, shares: list[float]):
        super().__init__(weight=torch.tensor(shares, dtype=torch.float64))


def spoiling(outputs, targets):
    found = functional.cross_entropy(outputs, targets.clone())
    targets.zero_()
    return found


def summed(outputs, targets):
    return functional.cross_entropy(outputs, targets, reduction="sum")


def each(outputs, targets):
    return functional.cross_entropy(outputs, targets, reduction="none")


def one(outputs):
    return outputs.mean()


def number(outputs, targets):
    return 1.0


def hits(outputs, targets):
    return (outputs.argmax(1) == targets).sum()


def constant(outputs, targets):
    return functional.cross_entropy(outputs.detach(), targets)


class Learned(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))


class Uncalled:
    pass


class Follows(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, outputs, targets):
        self.mean += 0.1 * (outputs.detach().mean() - self.mean)
        return functional.cross_entropy(outputs, targets) + self.mean
"""


def focal(gamma: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Lin et al., "Focal loss for dense object detection", 2017, equation 4, without α."""

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        each = functional.cross_entropy(outputs, targets, reduction="none")
        return ((1 - (-each).exp()) ** gamma * each).mean()

    return loss


def plain(learner: Any, loss: Callable[[Tensor, Tensor], Tensor]) -> tuple[Any, float]:
    """A plain loop over the documented batches: the model, and the last epoch's mean loss."""
    data, model = learner.data, mlp(64, 16, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    with one_thread():
        for epoch in range(5):
            total = 0.0
            generator = torch.Generator().manual_seed(documented_seed("batches", 0, epoch))
            for chosen in torch.split(torch.randperm(200, generator=generator), 32):
                value = loss(model(data.train.inputs[chosen]), data.train.targets[chosen])
                optimizer.zero_grad()
                torch.autograd.backward(value)
                optimizer.step()
                total += value.item() * len(chosen)
    return model, total / 200


@pytest.mark.parametrize(
    ("named", "gamma"),
    [
        ("./plugin.py:FocalLoss", 2.0),
        ({"name": "./plugin.py:FocalLoss", "gamma": 1}, 1.0),
        ({"name": "./plugin.py:focal", "gamma": 0.5}, 0.5),
    ],
    ids=str,
)
def test_a_loss_of_ones_own_trains_to_the_bits_of_a_plain_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: object, gamma: float
) -> None:
    """Six batches of 32 and one of 8 an epoch; evaluated in chunks of 7, the last shorter."""
    monkeypatch.setattr("optbench.training.evaluation.CHUNK", 7)
    write_plugin(tmp_path, OWN)
    training = {"epochs": 5, "batch_size": 32, "loss": named}
    learner = trained(tmp_path, dataset=DIGITS, model=MODEL, optimizer=ADAM, training=training)
    model, last_epoch = plain(learner, focal(gamma))
    for found, parameter in zip(learner.parameters, model.parameters(), strict=True):
        assert torch.equal(found, parameter)
    row, data = learner.rows[-1], learner.data
    assert row["train_loss"] == pytest.approx(last_epoch, rel=1e-12)
    for name, split in (("val", data.validation), ("test", data.test)):
        assert split is not None
        with torch.no_grad():
            outputs = model(split.inputs)
        whole = focal(gamma)(outputs, split.targets).item()
        assert row[f"{name}_loss"] == pytest.approx(whole, rel=1e-6)
        right = (outputs.argmax(1) == split.targets).double().mean().item()
        assert row[f"{name}_accuracy"] == pytest.approx(right, rel=1e-12)


def test_a_loss_may_write_into_its_targets(tmp_path: Path) -> None:
    write_plugin(tmp_path, OWN)
    training = {"epochs": 2, "batch_size": 16, "loss": "./plugin.py:spoiling"}
    spoiling = trained(tmp_path, training=training)
    plain_torchs = trained(tmp_path, training=training | {"loss": "torch.nn:CrossEntropyLoss"})
    assert spoiling.rows == plain_torchs.rows


def test_buffers_of_a_loss_have_the_type_of_the_outputs(tmp_path: Path) -> None:
    write_plugin(tmp_path, OWN)
    loss = {"name": "./plugin.py:Weighted", "shares": [1.0, 2.0, 3.0]}
    for kind in ({}, {"dtype": "float64"}, {"dtype": "bfloat16"}, {"amp": "bfloat16"}):
        learner = trained(tmp_path, training={"epochs": 1, "loss": loss, **kind})
        assert learner.failure is None
        assert len(learner.rows) == 2


def test_a_loss_that_draws_in_company_and_resumed(tmp_path: Path) -> None:
    write_plugin(tmp_path, OWN)
    training = {"epochs": 3, "batch_size": 16, "loss": "./plugin.py:noisy", "accumulate": 2}
    items: list[dict[str, Any]] = [ADAM, {"name": "sgd", "lr": 0.1, "momentum": 0.9}]
    runs = make_runs(tmp_path, optimizer=items, training=training, seeds=2)
    assert make_learner(runs[0]).way.reason == "its loss noisy may do something else in each step"
    expected = alone(runs)
    assert in_cohorts(runs, 4) == expected
    sealed = stopped([make_learner(run) for run in runs], 2)
    for index, run in enumerate(runs):
        (found,) = traces([resumed(run, sealed[index])])
        assert_ends_as(found, expected[index])


def test_what_a_loss_raises_fails_its_run_alone(tmp_path: Path) -> None:
    write_plugin(tmp_path, OWN)
    items = [{"name": "sgd", "lr": 1e5}, {"name": "sgd", "lr": 0.01}]
    training = {"epochs": 1, "batch_size": 16, "loss": "./plugin.py:fragile"}
    path = write_experiment(tmp_path, optimizer=items, training=training)
    outcome = command("run", path, "--runs-dir", tmp_path / "runs", "--workers", "1")
    assert outcome.code == 3
    found = [RunDirectory(p.parent).result() for p in (tmp_path / "runs").glob("*/*/result.json")]
    reasons = {result.status: result.reason for result in found if result is not None}
    assert reasons == {
        "failed": "ArithmeticError: outputs beyond a thousand",
        "completed": None,
    }


def test_the_content_of_its_file_identifies_it_and_a_runs_own_file_finds_it(
    tmp_path: Path,
) -> None:
    write_plugin(tmp_path, OWN)
    training = {"epochs": 1, "loss": {"name": "./plugin.py:FocalLoss", "gamma": 1}}
    path = write_experiment(tmp_path, training=training)
    assert command("run", path, "--runs-dir", tmp_path / "runs").code == 0
    directory = only_directory(tmp_path / "runs")
    again = command("run", directory / "config.yaml", "--runs-dir", tmp_path / "runs")
    assert again.code == 0
    assert "FocalLoss gamma=1" in again.out
    assert directory == only_directory(tmp_path / "runs")
    (run,) = make_runs(tmp_path, training=training)
    write_plugin(tmp_path, OWN + "# another\n")
    (changed,) = make_runs(tmp_path, training=training)
    (catalogs,) = make_runs(tmp_path, training={"epochs": 1})
    problems = [one.setting.problem_hash for one in (run, changed, catalogs)]
    assert len(set(problems)) == 3


def test_a_catalog_loss_may_have_any_of_its_names(tmp_path: Path) -> None:
    names = ["cross_entropy", {"name": "cross_entropy"}, "torch.nn.functional:cross_entropy", None]
    runs = [make_runs(tmp_path, training={"epochs": 1, "loss": name})[0] for name in names]
    assert len({run.hash for run in runs}) == 1


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("./plugin.py:summed", "training.loss: summed: it adds up: a batch twice over gives"),
        ("./plugin.py:each", "training.loss: each: it must return one number, the mean over a "
                             "batch, not numbers [8]: add .mean()"),
        ("./plugin.py:one", "training.loss: one refuses: TypeError: one() takes 1 positional "
                            "argument but 2 were given"),
        ("./plugin.py:number", "it must return a tensor, the mean over a batch; it returns 1.0"),
        ("./plugin.py:hits", "it must return a number with a fraction, not torch.int64"),
        ("./plugin.py:constant", "what it returns has no gradient: nothing could be learned"),
        ("./plugin.py:Learned", "it has parameters, which nothing would train"),
        ("./plugin.py:Uncalled", "its objects can't be called with outputs and targets"),
        ("./plugin.py:Follows", "it must keep nothing from one call to the next, and draw from the "
                                "global generators alone"),
        ({"name": "torch.nn:CrossEntropyLoss", "reduction": "sum"}, "it adds up"),
        ("./plugin.py:Focal", "training.loss.name: plugin.py has no 'Focal' did you mean 'focal'?"),
        ({"name": "./plugin.py:FocalLoss", "gama": 1}, "training.loss.gama: FocalLoss has no such "
                                                       "argument did you mean 'gamma'?"),
        ({"name": "./plugin.py:focal", "targets": 1}, "training.loss.targets: optbench provides"),
        ("./nowhere.py:focal", "training.loss.name: there is no file"),
        (3, "training.loss: must be a name or a mapping with a name, got 3"),
        ({"gamma": 2}, "training.loss: has no name loss: {name: …}"),
        ({"name": "mse", "gamma": 2}, "training.loss.gamma: mse has no such argument"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_a_loss_is_refused_at_its_line(
    tmp_path: Path, loss: object, message: str
) -> None:
    write_plugin(tmp_path, OWN)
    shown = refusal(tmp_path, training={"epochs": 1, "loss": loss})
    assert message in shown
    assert "tiny.yaml:1: training.loss" in shown


@pytest.mark.parametrize(
    "arguments", [["validate"], ["run", "--dry-run", "--runs-dir", "nowhere"]], ids=str
)
def test_nothing_of_it_is_executed_until_it_is_run(tmp_path: Path, arguments: list[str]) -> None:
    write_plugin(tmp_path, "raise SystemExit(70)\n\n\ndef loss(outputs, targets): ...\n")
    path = write_experiment(tmp_path, training={"epochs": 1, "loss": "./plugin.py:loss"})
    assert command(arguments[0], path, *arguments[1:]).code == 0


def test_smoothing_labels_is_for_the_catalogs_own(tmp_path: Path) -> None:
    write_plugin(tmp_path, OWN)
    training = {"epochs": 1, "loss": "./plugin.py:FocalLoss", "label_smoothing": 0.1}
    outcome = command("validate", write_experiment(tmp_path, training=training))
    assert outcome.code == 2
    assert "is for cross_entropy, and the loss is FocalLoss gamma=2" in " ".join(
        outcome.err.split()
    )
