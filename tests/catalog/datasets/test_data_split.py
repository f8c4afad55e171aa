from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.catalog.datasets import Examples, prepare
from optbench.catalog.datasets.split import allocate
from optbench.catalog.datasets.task import Task
from optbench.errors import EXIT_USAGE, UsageError

labels = st.lists(st.integers(0, 4), min_size=2, max_size=80)


def examples(targets: list[int]) -> Examples:
    """Examples that can be told apart: each input is its own position."""
    positions = np.arange(len(targets), dtype=np.float32)
    return Examples(positions[:, None], np.array(targets, dtype=np.int64))


def positions(part: Examples | None) -> list[int]:
    return [] if part is None else part.inputs[:, 0].astype(int).tolist()


def counts(targets: list[int]) -> list[int]:
    return [targets.count(label) for label in range(5)]


def split(
    targets: list[int], validation: int = 0, limit: int | None = None
) -> tuple[list[int], list[int]]:
    data = prepare(
        examples(targets),
        examples([0]),
        validation=validation,
        train_limit=limit,
        test_limit=None,
        task=Task((1,), 5),
    )
    return positions(data.train), positions(data.validation)


@given(labels, st.data())
def test_validation_is_disjoint_of_exact_size_and_in_order(
    targets: list[int], data: st.DataObject
) -> None:
    n = data.draw(st.integers(0, len(targets) - 1))
    train, validation = split(targets, n)
    assert len(validation) == n
    assert sorted(train + validation) == list(range(len(targets)))
    assert train == sorted(train)
    assert validation == sorted(validation)


@given(labels, st.data())
def test_every_class_is_held_out_in_proportion_within_one(
    targets: list[int], data: st.DataObject
) -> None:
    n = data.draw(st.integers(0, len(targets) - 1))
    _, validation = split(targets, n)
    held = counts([targets[p] for p in validation])
    for share, size in zip(held, counts(targets), strict=True):
        assert abs(share - n * size / len(targets)) < 1


@given(labels, st.data())
def test_a_limit_takes_from_what_validation_leaves_in_proportion(
    targets: list[int], data: st.DataObject
) -> None:
    n = data.draw(st.integers(0, len(targets) - 1))
    limit = data.draw(st.integers(1, len(targets) - n))
    everything, held_out = split(targets, n)
    limited, still_held_out = split(targets, n, limit)
    assert still_held_out == held_out
    assert len(limited) == limit
    assert limited == sorted(limited)
    assert set(limited) <= set(everything)
    left = [targets[p] for p in everything]
    taken = counts([targets[p] for p in limited])
    for share, size in zip(taken, counts(left), strict=True):
        assert abs(share - limit * size / len(left)) < 1


def test_the_split_does_not_depend_on_any_global_seed() -> None:
    targets = [i % 5 for i in range(50)]
    np.random.seed(1)
    first = split(targets, 10)
    np.random.seed(2)
    assert split(targets, 10) == first


def test_the_split_is_random_within_a_class_and_not_its_beginning() -> None:
    _, validation = split([0] * 100, 50)
    assert validation != list(range(50))
    assert validation != list(range(50, 100))


def test_seats_are_given_by_largest_remainders() -> None:
    # Hand calculation for 10 seats among 47, 16, 15.8, 12, 6.1 and 3.1 thousand votes, the
    # textbook example of the Hare quota: 4.7, 1.6, 1.58, 1.2, 0.61, 0.31.
    assert allocate([47_000, 16_000, 15_800, 12_000, 6_100, 3_100], 10) == [5, 2, 1, 1, 1, 0]


def test_test_examples_are_limited_in_proportion_too() -> None:
    data = prepare(
        examples([0]),
        examples([0] * 60 + [1] * 30 + [2] * 10),
        validation=0,
        train_limit=None,
        test_limit=10,
        task=Task((1,), 5),
    )
    assert counts(data.test.targets.tolist()) == [6, 3, 1, 0, 0]
    assert data.validation is None
    assert data.task == Task((1,), 5)


@pytest.mark.parametrize("validation", [-1, 10, 11])
def test_validation_must_leave_something_to_train_on(validation: int) -> None:
    with pytest.raises(UsageError, match=f"smaller than the 10 training .* got {validation}") as e:
        split([0, 1] * 5, validation)
    assert e.value.exit_code == EXIT_USAGE == 2


@pytest.mark.parametrize("limit", [-1, 0, 9, 1000])
def test_a_limit_beyond_what_is_there_is_refused(limit: int) -> None:
    with pytest.raises(UsageError, match="there are 8 training examples"):
        split([0, 1] * 5, 2, limit)


def test_of_a_text_the_end_is_held_out_and_the_beginning_is_what_a_limit_leaves() -> None:
    targets = [0, 1] * 5
    data = prepare(
        examples(targets),
        examples(targets),
        validation=3,
        train_limit=4,
        test_limit=2,
        task=Task((1,), 2),
        contiguous=True,
    )
    assert positions(data.validation) == [7, 8, 9]
    assert positions(data.train) == [0, 1, 2, 3]
    assert positions(data.test) == [0, 1]
