"""Cohorts drawn at random, to find a shape in which company changes a run's bits."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, traces
from experiments import make_learner, make_runs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optbench.catalog.models.mlp import ACTIVATIONS
from optbench.training.learner import Learner

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.spec import Run

# Below, at and above the widths of vector instructions, and where products change their kernel.
WIDTHS = st.one_of(
    st.sampled_from([1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65]), st.integers(1, 150)
)
OPTIMIZERS = st.lists(
    st.sampled_from(
        [
            {"name": "adam", "lr": 0.01},
            {"name": "adam", "lr": 0.3, "weight_decay": 0.01},
            {"name": "sgd", "lr": 0.1},
            {"name": "sgd", "lr": 1e38},
            {"name": "sgd", "lr": 0.1, "momentum": 0.9, "schedule": {"name": "cosine"}},
            {"name": "rmsprop", "lr": 0.01},
            {"name": "adagrad", "lr": 0.1, "schedule": {"name": "steplr", "step_size": 1}},
            {"name": "adafactor", "lr": 0.1},
            {"name": "rprop", "lr": 0.01},
            {"name": "asgd", "lr": 0.1},
            {"name": "reference.lion", "lr": 0.01},
        ]
    ),
    min_size=1,
    max_size=6,
    unique_by=str,
)


@st.composite
def experiments(draw: st.DrawFn) -> dict[str, Any]:
    """The parts of an experiment on blobs, of at least one step an epoch."""
    train, validation = draw(st.integers(1, 150)), draw(st.sampled_from([0, 5]))
    dataset = {
        "name": "synthetic",
        "train": train + validation,
        "test": draw(st.sampled_from([1, 30])),
        "validation": validation,
        "features": draw(WIDTHS),
        "classes": draw(st.integers(2, 40)),
    }
    model = {
        "name": "mlp",
        "hidden": draw(st.lists(WIDTHS, max_size=3)),
        "activation": draw(st.sampled_from(sorted(ACTIVATIONS))),
        "dropout": draw(st.sampled_from([0.0, 0.0, 0.1, 0.5])),
    }
    training: dict[str, Any] = {
        "epochs": draw(st.integers(1, 3)),
        "batch_size": draw(st.one_of(st.integers(max(1, train // 6), train + 1), st.just("full"))),
    }
    if training["batch_size"] != "full":
        training["accumulate"] = draw(st.sampled_from([1, 1, 2, 3]))
    if draw(st.booleans()):
        training["evaluate_every"] = {"steps": draw(st.integers(1, 7))}
    if draw(st.sampled_from([False, False, True])):
        training["clip_norm"] = 0.5
    if draw(st.sampled_from([False, False, True])):
        training["label_smoothing"] = 0.1
    training["dtype"] = draw(st.sampled_from(["float32", "float32", "float64"]))
    training["average"] = draw(st.sampled_from([None, None, "ema", {"name": "swa", "start": 0.3}]))
    parts = {"dataset": dataset, "model": model, "training": training}
    return parts | {"optimizer": draw(OPTIMIZERS), "seeds": draw(st.integers(1, 3))}


def one_class(run: Run) -> Learner:
    data = make_learner(run).data
    train, test = (
        dataclasses.replace(split, targets=torch.zeros_like(split.targets))
        for split in (data.train, data.test)
    )
    task = dataclasses.replace(data.task, classes=1)
    return Learner(
        run, dataclasses.replace(data, train=train, validation=None, test=test, task=task)
    )


def company_changes_nothing(tmp_path: Path, data: st.DataObject) -> None:
    parts = data.draw(experiments())
    make = data.draw(st.sampled_from([make_learner, make_learner, one_class]))
    runs = make_runs(tmp_path, **parts)
    cohort = data.draw(st.permutations(runs))
    together = traces([make(run) for run in cohort])
    looked_at = data.draw(st.sets(st.sampled_from(range(len(runs))), min_size=1, max_size=3))
    for index in sorted(looked_at):
        (expected,) = alone([cohort[index]], make)
        assert together[index] == expected


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_company_changes_nothing(tmp_path: Path, data: st.DataObject) -> None:
    company_changes_nothing(tmp_path, data)


@pytest.mark.slow
@pytest.mark.long
@settings(
    max_examples=600,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_company_changes_nothing_in_ten_times_as_many(tmp_path: Path, data: st.DataObject) -> None:
    company_changes_nothing(tmp_path, data)
