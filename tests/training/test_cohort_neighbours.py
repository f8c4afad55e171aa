"""What one run of a cohort does, diverges or raises is its own: its neighbours keep their bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, traces
from experiments import make_learner, make_runs, write_plugin

from optbench.training.learner import Learner

if TYPE_CHECKING:
    from pathlib import Path

    from company import Trace

    from optbench.config.spec import Run

PLUGIN = """
import torch
from torch.optim.lr_scheduler import StepLR

def parameters(optimizer):
    return [p for group in optimizer.param_groups for p in group["params"]]

class Counts(torch.optim.SGD):
    "Does something of its own in its sixth step, in the middle of an interval."
    def __init__(self, params, lr=0.01):
        super().__init__(params, lr)
        self.done = 0

    def step(self, closure=None):
        super().step(closure)
        self.done += 1
        if self.done == 6:
            with torch.no_grad():
                self.act()

class BecomesNan(Counts):
    def act(self):
        for p in parameters(self):
            p.fill_(torch.nan)

class Raises(Counts):
    def act(self):
        raise ValueError("its own")

class Leaves(Counts):
    def act(self):
        raise SystemExit(3)

class Widens(Counts):
    def act(self):
        for p in parameters(self):
            p.data = p.data.double()  # as where numpy's float64 is added

class Shrinks(Counts):
    def act(self):
        for p in parameters(self):
            p.data = p.data[:1].clone()

class Freezes(Counts):
    def act(self):
        parameters(self)[0].requires_grad_(False)

class LosesItsRate(Counts):
    def act(self):
        for group in self.param_groups:
            group["lr"] = "none"

class Replaces(torch.optim.SGD):
    def step(self, closure=None):
        for p in parameters(self):
            p.data = p.data - 0.01 * p.grad

class Transposes(torch.optim.SGD):
    def step(self, closure=None):
        for p in parameters(self):
            p.data = (p.data.t() - 0.01 * p.grad.t()).contiguous().t()

class SharesMemory(torch.optim.SGD):
    "Parameters become views of one vector, as in optimizers that flatten."
    def step(self, closure=None):
        flat = torch.cat([(p.data - 0.01 * p.grad).flatten() for p in parameters(self)])
        for p, part in zip(parameters(self), flat.split([p.numel() for p in parameters(self)])):
            p.data = part.view_as(p)

class TakesGradients(torch.optim.SGD):
    def step(self, closure=None):
        super().step(closure)
        for p in parameters(self):
            p.grad = None

class ChangesGradients(torch.optim.SGD):
    def step(self, closure=None):
        for p in parameters(self):
            p.grad.mul_(100).clamp_(-0.1, 0.1)
        super().step(closure)
        for p in parameters(self):
            p.grad.fill_(torch.nan)

class KeepsGradients(torch.optim.SGD):
    def step(self, closure=None):
        for p in parameters(self):
            last = self.state[p].setdefault("last", p.grad)
            self.state[p]["last"] = p.grad
            p.data.add_(p.grad + 0.5 * last, alpha=-0.01)

class MultipliesGradients(torch.optim.SGD):
    "A product of vectors rounds by where they lie in memory."
    def step(self, closure=None):
        for p in parameters(self):
            flat = p.grad.flatten()
            p.data.addcdiv_(p.grad, (flat @ flat).sqrt() + 1e-8, value=-0.01)

class Draws(torch.optim.SGD):
    def step(self, closure=None):
        for p in parameters(self):
            p.grad += 0.1 * torch.randn_like(p)
        super().step(closure)

class DrawsWhenMade(torch.optim.SGD):
    def __init__(self, params, lr=0.01):
        super().__init__(params, lr)
        self.factor = torch.rand(())

    def step(self, closure=None):
        for p in parameters(self):
            p.grad *= self.factor
        super().step(closure)

class Seeds(torch.optim.SGD):
    def step(self, closure=None):
        torch.manual_seed(1)
        super().step(closure)

class SecondOrder(torch.optim.LBFGS):
    "Evaluates the loss itself."

class ScheduleRaises(StepLR):
    def __init__(self, optimizer):
        self.calls = 0
        super().__init__(optimizer, 1)

    def step(self, *unused):
        self.calls += 1
        if self.calls == 3:
            raise ValueError("the schedule's own")
        super().step(*unused)

class ScheduleDraws(StepLR):
    def __init__(self, optimizer):
        super().__init__(optimizer, 1)

    def step(self, *unused):
        super().step(*unused)
        for group in self.optimizer.param_groups:
            group["lr"] = 0.1 * torch.rand(()).item()
"""

GOOD: list[dict[str, Any]] = [
    {"name": "adam", "lr": 0.01},
    {"name": "sgd", "lr": 0.1, "schedule": {"name": "cosine"}},
    {"name": "adagrad", "lr": 0.1},
    {"name": "sgd", "lr": 0.05, "momentum": 0.9, "schedule": {"name": "reducelronplateau"}},
    {"name": "rmsprop", "lr": 0.01},
    {"name": "adamw", "lr": 0.02},
    {"name": "./plugin.py:Draws", "lr": 0.02},
]


def plugin(name: str) -> dict[str, Any]:
    return {"name": f"./plugin.py:{name}"}


BAD: dict[str, dict[str, Any]] = {
    "diverges": {"name": "sgd", "lr": 1e38},
    "schedule raises": {"name": "adam", "lr": 0.02, "schedule": plugin("ScheduleRaises")},
    "SecondOrder": plugin("SecondOrder") | {"max_iter": 3},
    "schedule draws": {"name": "adam", "lr": 0.02, "schedule": plugin("ScheduleDraws")},
} | {
    name: plugin(name)
    for name in (
        "BecomesNan", "Raises", "Leaves", "Widens", "Shrinks", "Freezes", "LosesItsRate",
        "Replaces", "Transposes", "SharesMemory", "TakesGradients", "ChangesGradients",
        "KeepsGradients", "MultipliesGradients", "Draws", "DrawsWhenMade", "Seeds",
    )
}  # fmt: skip
ENDS = {
    "diverges": ("diverged", "train loss became nan at step 2"),
    "BecomesNan": ("diverged", "train loss became nan at step 7"),
    "Raises": ("failed", "ValueError('its own')"),
    "Leaves": ("failed", "SystemExit(3)"),
    "Widens": ("failed", "Error"),
    "Shrinks": ("failed", "Error"),
    "Freezes": ("failed", "Error"),  # a plain loop would train it no more: better no number
    "LosesItsRate": ("failed", "Error"),
    "schedule raises": ("failed", 'ValueError("the schedule\'s own")'),
}
PLACES = {"first": [0], "middle": [3], "last": [6], "several": [0, 2, 5], "all": list(range(7))}
DATA = {"name": "synthetic", "train": 75, "test": 30, "features": 31, "classes": 7}
DATA_AND_MODEL: dict[str, Any] = {
    "dataset": DATA | {"validation": 15},
    "model": {"name": "mlp", "hidden": [33, 17], "dropout": 0.3},
    # 60 examples in batches of 16: 4 steps an epoch, the last of 12 examples.
    "training": {"epochs": 4, "batch_size": 16, "evaluate_every": {"steps": 5}},
}


class Company:
    """Good runs and bad ones of two seeds, and what each leaves when it trains alone."""

    def __init__(self, folder: Path) -> None:
        write_plugin(folder, PLUGIN)
        items = [*GOOD, *BAD.values()]
        runs = make_runs(folder, optimizer=items, seeds=2, **DATA_AND_MODEL)
        self.good = [runs[k] for k in range(len(GOOD))]
        self.bad = {
            name: [runs[k], runs[k + len(items)]] for k, name in enumerate(BAD, start=len(GOOD))
        }
        self._alone: dict[str, Trace] = {}

    def alone(self, run: Run) -> Trace:
        if run.hash not in self._alone:
            (self._alone[run.hash],) = alone([run])
        return self._alone[run.hash]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return Company(tmp_path_factory.mktemp("company"))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", BAD)
def test_neighbours_notice_nothing(company: Company, name: str, place: str) -> None:
    bad = company.bad[name]
    runs = [bad[k % 2] if k in PLACES[place] else company.good[k] for k in range(7)]
    together = traces([make_learner(run) for run in runs])
    for run, found in zip(runs, together, strict=True):
        assert found == company.alone(run), run.directory_name
        if run in bad and name in ENDS:
            kind, words = ENDS[name]
            assert words in str(found[kind])
        else:
            assert "weights" in found


def test_all_ways_to_end_at_once(company: Company) -> None:
    ending = [run for name in ENDS for run in company.bad[name]]
    runs = [*company.good[:3], *ending, *company.good[3:]]
    together = traces([make_learner(run) for run in runs])
    assert together == [company.alone(run) for run in runs]
    assert sum("weights" in trace for trace in together) == len(GOOD)


BREAKS_LATE = """
import torch

class RaisesAfterNan(torch.optim.SGD):
    def __init__(self, params, lr=0.01):
        super().__init__(params, lr)
        self.done = 0

    def step(self, closure=None):
        self.done += 1
        if self.done == 8:
            raise ValueError("can't go on")
        super().step(closure)
        if self.done == 6:
            with torch.no_grad():
                self.param_groups[0]["params"][0].fill_(torch.nan)
"""


def test_a_run_that_has_diverged_is_not_one_that_failed_later(tmp_path: Path) -> None:
    """Losses are read now and then, at moments that depend on the clock; the end must not."""
    write_plugin(tmp_path, BREAKS_LATE)
    training = {"epochs": 4, "batch_size": 16, "evaluate_every": {"steps": 12}}
    optimizer = {"name": "./plugin.py:RaisesAfterNan"}
    (run,) = make_runs(tmp_path, **DATA_AND_MODEL | {"training": training, "optimizer": optimizer})
    (trace,) = alone([run])
    assert trace["diverged"] == "train loss became nan at step 7"


CHANGES_ITS_INPUTS = """
from torch import nn

class Whitens(nn.Module):
    def __init__(self, input_shape, classes):
        super().__init__()
        self.layer = nn.Linear(input_shape[0], classes)

    def forward(self, inputs):
        inputs -= 0.1  # in place: the next one to look sees that
        return self.layer(inputs)
"""


def test_a_model_that_changes_its_inputs_changes_its_own(tmp_path: Path) -> None:
    write_plugin(tmp_path, CHANGES_ITS_INPUTS)
    parts = DATA_AND_MODEL | {"model": {"name": "./plugin.py:Whitens"}}
    runs = make_runs(tmp_path, optimizer=GOOD[:3], **parts)
    data = make_learner(runs[0]).data
    before = data.test.inputs.clone()
    together = traces([Learner(run, data) for run in runs])
    assert together == alone(runs)
    assert torch.equal(data.test.inputs, before)


def test_replayed_runs_among_all_of_them(tmp_path: Path) -> None:
    write_plugin(tmp_path, PLUGIN)
    parts = DATA_AND_MODEL | {
        "dataset": DATA | {"features": [2, 7], "validation": 15},
        "model": {"name": "gru", "hidden": 5},
    }
    runs = make_runs(tmp_path, optimizer=[*GOOD, *BAD.values()], **parts)
    learners = [make_learner(run) for run in runs]
    assert sum(learner.way.kind == "replay" for learner in learners) == len(runs) - 1
    assert traces(learners) == alone(runs)
