"""What is summed and kept between two rows, by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch
from experiments import trained
from torch import nn

from optbench.training.grading import Grading
from optbench.training.interval import Interval

if TYPE_CHECKING:
    from pathlib import Path

GRADING = Grading(lambda outputs: outputs.argmax(-1), each=1)


def interval(*values: float) -> Interval:
    """That of one parameter, and of SGD with a rate of 0.1."""
    parameter = nn.Parameter(torch.tensor(values))
    return Interval([parameter], torch.optim.SGD([parameter], lr=0.1))


def test_means_weigh_each_batch_by_its_examples() -> None:
    found = interval(1.0)
    found.add([2.0, 5.0], [3, 1], correct=2)
    found.add([1.0], [4], correct=4)
    assert found.means(GRADING)[:2] == ((2 * 3 + 5 + 1 * 4) / 8, 6 / 8)
    assert found.means(None)[:2] == (15 / 8, None)


def test_there_is_no_mean_before_the_first_example() -> None:
    assert interval(1.0).means(GRADING)[:2] == pytest.approx((math.nan, math.nan), nan_ok=True)


def test_train_loss_weighs_the_short_last_batch_by_its_examples(tmp_path: Path) -> None:
    # With lr 1e-30 nothing moves, so the epoch's mean is that of the untrained model; a mean of
    # batch means would weigh the last 8 of 200 examples as much as the 32 before them.
    learner = trained(
        tmp_path,
        dataset={"name": "digits", "train": 200, "test": 60, "validation": 40},
        optimizer={"name": "sgd", "lr": 1e-30},
        training={"epochs": 1, "batch_size": 32},
    )
    untrained, after = learner.rows
    assert untrained["train_loss"] is not None
    assert after["train_loss"] == pytest.approx(untrained["train_loss"], rel=1e-6)
    assert after["train_accuracy"] == untrained["train_accuracy"]


def test_norms_are_of_the_gradients_measured_and_of_the_way_since_the_last_row() -> None:
    found = interval(1.0, 1.0)
    (parameter,) = found.parameters
    parameter.grad = torch.tensor([3.0, 4.0])
    found.measure_gradients()
    with torch.no_grad():
        parameter += torch.tensor([5.0, 12.0])
    assert (found.grad_norm, found.update_norm()) == (5, 13)
    found.begin()
    assert (found.grad_norm, found.update_norm()) == (5, 0)


def test_rates_are_those_of_every_group_that_has_one_when_they_were_measured() -> None:
    found = interval(1.0)
    groups = found.optimizer.param_groups
    groups += [{"params": [], "lr": 0.3}, {"params": []}]
    assert found.lrs == [0.1]
    found.measure_rates()
    groups[0]["lr"] = 0.2
    assert found.lrs == [0.1, 0.3]


def test_a_restored_interval_goes_on_from_where_the_parameters_were_at_its_row() -> None:
    found = interval(1.0, 1.0)
    found.add([2.0], [3], correct=1)
    with torch.no_grad():
        found.parameters[0] += torch.tensor([3.0, 4.0])
    again = interval(4.0, 5.0)
    assert again.update_norm() == 0
    again.restore(found.state())
    assert again.update_norm() == 5
    assert again.means(GRADING) == found.means(GRADING)


def test_an_interval_that_has_just_begun_keeps_no_copy_of_the_parameters() -> None:
    begun = interval(1.0).state()
    assert begun["anchor"] is None
    again = interval(7.0)
    again.restore(begun)
    assert again.update_norm() == 0
