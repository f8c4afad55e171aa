"""Hold out validation examples and take subsets: every class in proportion, or in one piece."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from optbench.catalog.datasets.data import Data, Examples
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from optbench.catalog.datasets.source import Stream
    from optbench.catalog.datasets.task import Task

# The split belongs to the problem, not to the run: were it drawn from the run's seed, runs of
# different seeds would train on different data, and validation scores would not be comparable.
SPLIT_SEED = 20141222  # any number, fixed for good; RandomState's stream is frozen (NEP 19)


def prepare(
    train: Examples,
    test: Examples,
    *,
    validation: int,
    train_limit: int | None,
    test_limit: int | None,
    task: Task,
    ordered: bool = False,
    contiguous: bool = False,
    stream: Stream | None = None,
) -> Data:
    """Hold out `validation` training examples, then limit what is left, all stratified.

    `contiguous` examples are held out at the end, and limited to the first. The limit doesn't
    touch the held-out examples, and what stays keeps its order.
    Raises UsageError for a size that the data can't give.
    """
    _check_validation(validation, len(train))
    held_out = None
    if validation:
        chosen = _last(train, validation) if contiguous else _drawn(train, validation, task)
        held_out, train = train.at(chosen), train.at(_others(chosen, len(train)))
    limited = partial(_limited, take=_first if contiguous else partial(_drawn, task=task))
    return Data(
        train=limited(train, train_limit, "training"),
        validation=held_out,
        test=limited(test, test_limit, "test"),
        task=task,
        ordered=ordered,
        stream=stream,
    )


def _drawn(examples: Examples, n: int, task: Task) -> NDArray[np.intp]:
    """`n` positions, in proportion to the classes where each example has one."""
    import numpy as np

    if task.numbers or task.positions:
        return stratified(np.zeros(len(examples), np.int64), n, 1)
    return stratified(examples.targets, n, task.classes)


def stratified(targets: NDArray[Any], n: int, classes: int) -> NDArray[np.intp]:
    """`n` positions in ascending order, drawn within each class; the same at every call."""
    import numpy as np

    random = np.random.RandomState(SPLIT_SEED)
    shares = allocate(np.bincount(targets, minlength=classes).tolist(), n)
    members = (np.flatnonzero(targets == label) for label in range(classes))
    drawn = [random.permutation(m)[:share] for m, share in zip(members, shares, strict=True)]
    return np.sort(np.concatenate(drawn))


def allocate(counts: list[int], n: int) -> list[int]:
    """Divide `n` among classes in proportion to `counts`, by the method of largest remainders.

    Each share is its exact proportion rounded up or down; equal remainders favour the first.
    """
    total = sum(counts)
    exact = [divmod(n * count, total) for count in counts]
    shares = [whole for whole, _ in exact]
    by_remainder = sorted(range(len(counts)), key=lambda label: -exact[label][1])
    for label in by_remainder[: n - sum(shares)]:
        shares[label] += 1
    return shares


def _others(chosen: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    import numpy as np

    return np.delete(np.arange(n), chosen)


def _first(examples: Examples, n: int) -> NDArray[np.intp]:  # noqa: ARG001
    import numpy as np

    return np.arange(n)


def _last(examples: Examples, n: int) -> NDArray[np.intp]:
    import numpy as np

    return np.arange(len(examples) - n, len(examples))


def _limited(
    examples: Examples,
    limit: int | None,
    kind: str,
    take: Callable[[Examples, int], NDArray[np.intp]],
) -> Examples:
    if limit is None or limit == len(examples):
        return examples
    if not 1 <= limit < len(examples):
        raise UsageError(
            f"there are {len(examples):,} {kind} examples to take from: "
            f"the limit must be between 1 and that, got {limit:,}"
        )
    return examples.at(take(examples, limit))


def _check_validation(validation: int, available: int) -> None:
    if not 0 <= validation < available:
        raise UsageError(
            f"validation must be at least 0 and smaller than the {available:,} training "
            f"examples that it is held out from, got {validation:,}"
        )
