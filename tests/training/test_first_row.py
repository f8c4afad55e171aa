"""Row 0, the untrained model: evaluated once for runs that start from the same weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from company import alone, traces
from experiments import make_learner, make_runs, write_plugin

from optbench.training import chain
from optbench.training.evaluation import CHUNK, evaluate
from optbench.training.learner import Learner

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    import torch
    from torch import nn

    from optbench.training.data import Split
    from optbench.training.evaluation import Score
    from optbench.training.network import Network

PLUGIN = """
import torch

class Halves(torch.optim.SGD):
    "Changes the weights before the first step."
    def __init__(self, params, lr=0.01):
        super().__init__(params, lr)
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    p.mul_(0.5)
"""
OPTIMIZERS = [{"name": "sgd", "lr": 0.1}, {"name": "adam", "lr": 0.01}]


def test_runs_of_a_seed_share_one_evaluation_of_the_untrained_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = make_runs(tmp_path, optimizer=OPTIMIZERS, training={"epochs": 1}, seeds=2)
    expected = [trace["rows"] for trace in alone(runs)]
    evaluated: list[nn.Module] = []
    outputs = chain._evaluated

    def counted(model: nn.Sequential, values: torch.Tensor) -> torch.Tensor:
        evaluated.append(model)
        return outputs(model, values)

    monkeypatch.setattr(chain, "_evaluated", counted)
    learners = [make_learner(run) for run in runs]
    data = learners[0].data
    assert [trace["rows"] for trace in traces(learners)] == expected
    splits = [split for split in (data.train, data.validation, data.test) if split is not None]
    assert all(len(split) <= CHUNK for split in splits), "so that each is evaluated in one go"
    untrained, seeds, after_the_epoch = len(splits), 2, len(splits) - 1
    assert len(evaluated) == seeds * untrained + len(runs) * after_the_epoch


def test_a_later_cohort_of_the_seed_does_not_evaluate_the_untrained_model_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smooth = {"epochs": 1, "label_smoothing": 0.1}
    runs = make_runs(tmp_path, optimizer=OPTIMIZERS, training={"epochs": 1}, seeds=1)
    smoothed = make_runs(tmp_path, optimizer=OPTIMIZERS, training=smooth, seeds=1)
    expected = [trace["rows"] for trace in alone([*runs, *smoothed])]
    learners = [make_learner(runs[0])]
    data = learners[0].data
    learners += [Learner(run, data) for run in (runs[1], *smoothed)]
    evaluated: list[Split] = []

    def counted(network: Network, split: Split, *given: Any, keep: bool) -> list[Score]:
        evaluated.append(split)
        return evaluate(network, split, *given, keep=keep)

    monkeypatch.setattr("optbench.training.part.evaluate", counted)
    assert [trace["rows"] for one in learners for trace in traces([one])] == expected
    assert sum(split is data.train for split in evaluated) == 2, "with and without smoothing"


def test_an_optimizer_that_changes_the_weights_when_it_is_made_has_a_row_of_its_own(
    tmp_path: Path,
) -> None:
    write_plugin(tmp_path, PLUGIN)
    own = [{"name": "./plugin.py:Halves", "lr": 0.1}, {"name": "./plugin.py:Halves", "lr": 0.2}]
    runs = make_runs(tmp_path, optimizer=[*OPTIMIZERS, *own], training={"epochs": 1}, seeds=1)
    found = traces([make_learner(run) for run in runs])
    assert found == alone(runs)
    first = [str(trace["rows"]).split("', '")[1] for trace in found]
    assert first[0] == first[1] != first[2] == first[3]
