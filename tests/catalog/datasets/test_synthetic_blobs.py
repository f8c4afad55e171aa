from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optbench.catalog.datasets.synthetic import synthetic
from optbench.errors import UsageError

NOWHERE = Path("/nonexistent")


def test_blobs_have_the_sizes_and_types_asked_for() -> None:
    source = synthetic(train=103, test=17, features=[1, 6, 5], classes=4)
    train, test = source.load(NOWHERE)
    assert train.inputs.shape == (103, 1, 6, 5)
    assert test.inputs.shape == (17, 1, 6, 5)
    assert train.inputs.dtype == np.float32
    assert train.targets.dtype == np.int64
    assert source.input_shape == (1, 6, 5)
    assert (source.train_size, source.test_size, source.classes) == (103, 17, 4)


def test_classes_differ_by_at_most_one_in_size() -> None:
    train, _ = synthetic(train=103, classes=4).load(NOWHERE)
    assert sorted(np.bincount(train.targets).tolist()) == [25, 26, 26, 26]


def test_blobs_have_unit_variance_and_the_separation_asked_for() -> None:
    train, _ = synthetic(train=20_000, features=50, classes=40, separation=6).load(NOWHERE)
    centres = np.stack([train.inputs[train.targets == label].mean(0) for label in range(40)])
    assert (train.inputs - centres[train.targets]).std() == pytest.approx(1, rel=0.01)
    squared = ((centres[:, None] - centres[None]) ** 2).sum(-1)
    measured = math.sqrt(squared.sum() / (40 * 39))
    # Means of 500 examples add 2 · 50/500 to the squared distance of 36: 6.02. The root mean
    # square over 40 centres in 50 dimensions has a standard deviation of about 2%.
    assert measured == pytest.approx(6.02, rel=0.06)


def test_the_same_parameters_give_the_same_bits() -> None:
    first, second = (synthetic(data_seed=3).load(NOWHERE) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.inputs, other.inputs)
        np.testing.assert_array_equal(one.targets, other.targets)


def test_training_and_test_examples_are_different_draws() -> None:
    train, test = synthetic(train=200, test=200).load(NOWHERE)
    assert not np.isin(test.inputs, train.inputs).any()


def test_more_training_examples_leave_the_test_set_as_it_is() -> None:
    _, few = synthetic(train=100).load(NOWHERE)
    _, many = synthetic(train=2000).load(NOWHERE)
    np.testing.assert_array_equal(few.inputs, many.inputs)


@pytest.mark.parametrize(
    "change",
    [
        {"train": 999},
        {"test": 199},
        {"features": 21},
        {"classes": 9},
        {"separation": 5},
        {"data_seed": 1},
    ],
    ids=str,
)
def test_every_parameter_is_part_of_the_content_hash(change: dict[str, Any]) -> None:
    assert synthetic(**change).content_hash() != synthetic().content_hash()


def test_one_number_written_in_two_ways_is_one_content() -> None:
    assert synthetic(separation=4).content_hash() == synthetic(separation=4.0).content_hash()
    assert synthetic(features=[20]).content_hash() == synthetic(features=20).content_hash()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"train": 0}, "train must be a whole number, at least 1, got 0"),
        ({"test": -5}, "test must be a whole number, at least 1, got -5"),
        ({"train": True}, "train must be a whole number, at least 1, got True"),
        ({"train": 1.5}, "train must be a whole number, at least 1, got 1.5"),
        ({"features": []}, "features must be a whole number, at least 1, got 0"),
        ({"features": [1, 0, 3]}, "features must be a whole number, at least 1, got 0"),
        ({"classes": 1}, "classes must be a whole number, at least 2, got 1"),
        ({"separation": math.nan}, "separation must be a finite number, at least 0, got nan"),
        ({"separation": -1}, "separation must be a finite number, at least 0, got -1"),
        ({"separation": "wide"}, "separation must be a finite number, at least 0, got wide"),
        ({"data_seed": -1}, "data_seed must be a whole number, at least 0, got -1"),
        ({"data_seed": 2**32}, "data_seed must be below 4,294,967,296, got 4,294,967,296"),
        ({"train": 10**9}, "must be below 1,073,741,824, got 20,000,004,000"),
    ],
    ids=str,
)
def test_values_that_make_no_data_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        synthetic(**arguments)
    assert said in str(caught.value)
