"""Cohorts of models whose steps are replayed: a run's bits in any company, and torch's own."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, assert_ends_as, in_cohorts, resumed, stopped, traces
from double_precision import make_double
from experiments import make_learner, make_runs, train_all
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_loop import PlainRun

from optbench.catalog.optimizers import optimizers

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn
    from torch.optim import Optimizer

    from optbench.config.spec import Run
    from optbench.training.learner import Learner

USABLE = [name for name in optimizers() if name not in ("lbfgs", "sparseadam")]
VIT = {"name": "vit", "width": 8, "depth": 1, "heads": 2, "dropout": 0.3}
ADAM, SGD = {"name": "adam", "lr": 0.01}, {"name": "sgd", "lr": 0.05, "momentum": 0.9}


def blobs(shape: list[int], train: int, classes: int = 3) -> dict[str, Any]:
    """Examples that lie on top of each other, so that losses stay away from zero."""
    sizes = {"train": train, "test": 9, "classes": classes, "separation": 1}
    return {"name": "synthetic", "features": shape, **sizes}


def assert_replayed(runs: tuple[Run, ...]) -> None:
    assert {make_learner(run).way.kind for run in runs} == {"replay"}


@pytest.fixture(scope="module")
def every_optimizer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, ...]:
    items = [{"name": name, "lr": 0.01} for name in USABLE]
    assert len(items) < 50
    items += [{"name": "adam", "lr": 0.0011 * k} for k in range(2, 2 + 50 - len(items))]
    return make_runs(
        tmp_path_factory.mktemp("all"),
        dataset=blobs([1, 4, 8], train=21),
        model=VIT,
        optimizer=items,
        training={"epochs": 2, "batch_size": 8, "clip_norm": 0.5},
    )


def test_every_optimizer_in_cohorts_of_two_seven_and_fifty(
    every_optimizer: tuple[Run, ...],
) -> None:
    assert_replayed(every_optimizer[:1])
    expected = alone(every_optimizer)
    for size in (2, 7, 50):
        assert in_cohorts(every_optimizer, size, order=size) == expected
    assert len(every_optimizer) == 50


def test_some_go_on_in_another_company(tmp_path: Path) -> None:
    runs = make_runs(
        tmp_path,
        dataset=blobs([1, 4, 8], train=21),
        model=VIT,
        optimizer=[ADAM, SGD, {"name": "rmsprop", "lr": 0.01}],
        training={"epochs": 3, "batch_size": 8, "evaluate_every": {"steps": 2}},
        seeds=2,
    )
    expected = alone(runs)
    sealed = stopped([make_learner(run) for run in runs], 3)
    chosen = [4, 0, 3]
    found = traces([resumed(runs[index], sealed[index]) for index in chosen])
    for trace, index in zip(found, chosen, strict=True):
        assert_ends_as(trace, expected[index])


PLAIN: dict[str, tuple[list[int], dict[str, Any]]] = {
    "vit": ([1, 4, 8], VIT),
    "gru": ([2, 5], {"hidden": 6}),
    "conv1d": ([2, 24], {"channels": 4}),
}
HUNDRED_STEPS = {"epochs": 25, "batch_size": 6, "evaluate_every": {"steps": 1}}  # of 21 examples


def hundred_steps(folder: Path, name: str) -> tuple[Run, ...]:
    shape, arguments = PLAIN[name]
    return make_runs(
        folder,
        dataset=blobs(shape, train=21),
        model={**arguments, "name": name},
        optimizer=[ADAM, SGD],
        training=HUNDRED_STEPS,
    )


def plain_losses(learner: Learner, model: nn.Module, **how: bool) -> torch.Tensor:
    """Of each step of the tutorial's loop, which draws its dropout from torch's own generator."""
    stock: Optimizer
    if learner.run.setting.optimizer["name"] == "adam":
        stock = torch.optim.Adam(model.parameters(), lr=0.01, **how)  # type: ignore[arg-type]
    else:
        stock = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, **how)
    rows = PlainRun(model, stock, learner.data, 25, 6, learner.run.seed, row_steps=1).train()
    return torch.tensor([row["train_loss"] for row in rows], dtype=torch.float64)


def losses(learner: Learner) -> torch.Tensor:
    return torch.tensor([row["train_loss"] for row in learner.rows[1:]], dtype=torch.float64)


@pytest.mark.parametrize("name", PLAIN)
def test_in_float64_losses_agree_to_1e_9_with_the_plainest_loop(tmp_path: Path, name: str) -> None:
    learners = [make_double(run) for run in hundred_steps(tmp_path, name)]
    models = [copy.deepcopy(learner.model) for learner in learners]
    assert {learner.way.kind for learner in learners} == {"replay"}
    train_all(*learners)
    for learner, model in zip(learners, models, strict=True):
        expected = plain_losses(learner, model, fused=False, foreach=False)
        assert len(expected) == 100
        assert (losses(learner) - expected).abs().max() < 1e-9


@pytest.mark.parametrize("name", PLAIN)
def test_in_float32_losses_are_those_of_a_plain_loop_to_the_bit(tmp_path: Path, name: str) -> None:
    learners = [make_learner(run) for run in hundred_steps(tmp_path, name)]
    models = [copy.deepcopy(learner.model) for learner in learners]
    train_all(*learners)
    for learner, model in zip(learners, models, strict=True):
        assert torch.equal(losses(learner), plain_losses(learner, model, fused=True))


WIDTHS = st.one_of(st.sampled_from([1, 2, 7, 8, 9, 16, 31, 32, 33]), st.integers(1, 40))


@st.composite
def experiments(draw: st.DrawFn) -> dict[str, Any]:
    """The parts of an experiment on sequences or small images."""
    name = draw(st.sampled_from(["vit", "gru", "conv1d"]))
    if name == "vit":
        heads = draw(st.integers(1, 3))
        shape = [draw(st.integers(1, 2)), 2 * draw(st.integers(1, 3)), 2 * draw(st.integers(1, 3))]
        arguments = {
            "patch": 2,
            "heads": heads,
            "width": heads * draw(st.integers(1, 11)),
            "depth": draw(st.integers(1, 2)),
            "dropout": draw(st.sampled_from([0.0, 0.3])),
        }
    elif name == "gru":
        shape, arguments = [draw(WIDTHS), draw(st.integers(1, 6))], {"hidden": draw(WIDTHS)}
    else:
        shape, arguments = [draw(WIDTHS), draw(st.integers(11, 33))], {"channels": draw(WIDTHS)}
    train = draw(st.integers(1, 70))
    training = {
        "epochs": draw(st.integers(1, 2)),
        "batch_size": draw(st.integers(max(1, train // 4), train + 1)),
    }
    return {
        "dataset": blobs(shape, train, classes=draw(st.integers(2, 35))),
        "model": {"name": name, **arguments},
        "optimizer": [ADAM, SGD, {"name": "adam", "lr": 0.3}],
        "training": training,
        "seeds": draw(st.integers(1, 3)),
    }


def company_changes_nothing(tmp_path: Path, data: st.DataObject) -> None:
    runs = make_runs(tmp_path, **data.draw(experiments()))
    assert_replayed(runs[:1])
    cohort = data.draw(st.permutations(runs))
    together = traces([make_learner(run) for run in cohort])
    index = data.draw(st.sampled_from(range(len(runs))))
    assert [together[index]] == alone([cohort[index]])


def _searched(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@_searched(24)
@given(data=st.data())
def test_company_changes_nothing(tmp_path: Path, data: st.DataObject) -> None:
    company_changes_nothing(tmp_path, data)


@pytest.mark.slow
@pytest.mark.long
@_searched(240)
@given(data=st.data())
def test_company_changes_nothing_in_ten_times_as_many(tmp_path: Path, data: st.DataObject) -> None:
    company_changes_nothing(tmp_path, data)
