"""Examples from arrays that a user brings: checked, and parted where there is no test set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.finite import check_finite
from optbench.catalog.datasets.mapped import Mapped, is_map
from optbench.catalog.datasets.split import stratified
from optbench.catalog.datasets.task import Task
from optbench.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

ONE_PART = ("x", "y")
_ONE_CLASS = "one class for each of them [n]"
_REMEDY = "Numbers to predict are told by floats [n, 1], in a file by targets: numbers."
TWO_PARTS = ("x_train", "y_train", "x_test", "y_test")


def from_arrays(
    arrays: Mapping[str, ArrayLike], test_share: float, where: str, targets: str | None = None
) -> tuple[Examples, Examples]:
    """Training and test examples from `x_train`, `y_train`, `x_test` and `y_test`.

    Of `x` and `y` alone the share `test_share` is drawn, by class, to be the test set: always
    the same examples. `targets` says whether they are classes or numbers to predict; by default
    floats `[n, k]` and fractions are. Raises ContentError, which begins with `where`, for anything
    else.
    """
    import numpy as np

    if set(TWO_PARTS) <= set(arrays):
        x_train, y_train, x_test, y_test = (arrays[name] for name in TWO_PARTS)
        numbers = _are_numbers(targets, y_train, y_test)
        train = _examples(x_train, y_train, where, numbers=numbers, part=" to train")
        test = _examples(x_test, y_test, where, numbers=numbers, part=" to test")
    elif set(ONE_PART) <= set(arrays):
        numbers = _are_numbers(targets, arrays["y"])
        examples = _examples(arrays["x"], arrays["y"], where, numbers=numbers)
        classes = np.zeros(len(examples), np.int64) if numbers else examples.targets
        train, test = map(examples.at, parted(classes, test_share, where))
    else:
        found = ", ".join(sorted(arrays)) or "nothing"
        raise ContentError(
            f"{where} must hold {', '.join(TWO_PARTS)}, or x and y; it holds {found}."
        )
    check_parts(train, test, where)
    return train, test


def task_of(train: Examples) -> Task:
    """What such examples ask: one of the classes, which are numbered from 0, or numbers."""
    import numpy as np

    shape, targets = train.inputs.shape[1:], train.targets
    if targets.dtype == np.int64:
        return Task(shape, int(targets.max()) + 1)
    if not ((targets >= 0) & (targets <= 1)).all():
        return Task(shape, targets.shape[1], losses=("mse",), graded=False)
    hard = bool(((targets == 0) | (targets == 1)).all())
    losses = ("mse", "bce", "bce_with_logits")
    return Task(shape, targets.shape[1], losses=losses, graded=hard)


def _are_numbers(targets: str | None, *found: ArrayLike) -> bool:
    """Whether targets are numbers to predict: as said, else as any of these arrays looks."""
    return any(map(_looks_like_numbers, found)) if targets is None else targets == "numbers"


def _looks_like_numbers(targets: ArrayLike) -> bool:
    import numpy as np

    y = np.asarray(targets)
    return y.dtype.kind == "f" and (y.ndim == 2 or not (y == np.floor(y)).all())


def _examples(
    inputs: ArrayLike, targets: ArrayLike, where: str, *, numbers: bool, part: str = ""
) -> Examples:
    import numpy as np

    x = inputs if is_map(inputs) else np.asarray(inputs)
    y = np.array(targets) if is_map(targets) else np.asarray(targets)  # few bytes, often looked at
    if numbers and y.ndim == 1:
        y = y[:, None]
    if x.ndim < 2 or y.ndim != 1 + numbers or len(x) != len(y) or not (x.size and y.size):
        wanted = "one number or several for each of them [n, k]" if numbers else _ONE_CLASS
        noun = "targets" if numbers else "classes"
        raise ContentError(
            f"{where} must hold inputs [n, …] and {wanted}; it holds inputs "
            f"{list(x.shape)} and {noun} {list(y.shape)}."
        )
    used = _numbers(y, where, part) if numbers else _classes(y, where)
    return Examples(_inputs(x, where, part), used)


def _numbers(y: NDArray[np.generic], where: str, part: str) -> NDArray[np.float32]:
    import numpy as np

    if y.dtype.kind not in "buif":
        raise ContentError(f"{where} must hold numbers as targets, not {y.dtype}.")
    with np.errstate(over="ignore"):  # noticed below
        targets = np.ascontiguousarray(y, np.float32)
    check_finite(targets, y, f"{where} holds targets{part}")
    return targets


def _inputs(
    x: NDArray[np.generic], where: str, part: str
) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Inputs of the types that are trained on; those of a memory map stay there."""
    import numpy as np

    if x.dtype.kind not in "buif":
        raise ContentError(f"{where} must hold numbers as inputs, not {x.dtype}.")
    if is_map(x):
        return Mapped.of(x, np.uint8 if x.dtype == np.uint8 else np.float32).as_array()
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    with np.errstate(over="ignore"):  # noticed below
        inputs = np.ascontiguousarray(x, np.float32)
    check_finite(inputs, x, f"{where} holds inputs{part}")
    return inputs


def _classes(y: NDArray[Any], where: str) -> NDArray[np.int64]:
    import numpy as np

    whole = y.dtype.kind in "bui" or (y.dtype.kind == "f" and bool((y == np.floor(y)).all()))
    if not whole or (y < 0).any():
        raise ContentError(f"{where} must number the classes from 0 in whole numbers. {_REMEDY}")
    if y.max() > len(y):  # before anything is counted in as many places
        raise ContentError(
            f"{where} names a class {y.max():,}; they are numbered from 0. {_REMEDY}"
        )
    return y.astype(np.int64)


def parted(
    classes: NDArray[Any], test_share: float, where: str
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions to train and to test, always the same: the share of each class.

    Raises ContentError, which begins with `where`, if nothing is left on one side.
    """
    import numpy as np

    n = round(test_share * len(classes))
    if not 0 < n < len(classes):
        raise ContentError(
            f"{where} has {len(classes):,} examples, and test_share {test_share:g} of them leaves "
            "none to test or to train."
        )
    chosen = stratified(classes, n, int(classes.max()) + 1)
    return np.delete(np.arange(len(classes)), chosen), chosen


def check_parts(train: Examples, test: Examples, where: str) -> None:
    """Raises ContentError, which begins with `where`, unless one can be learned on the other."""
    if train.inputs.shape[1:] != test.inputs.shape[1:] or train.inputs.dtype != test.inputs.dtype:
        raise ContentError(
            f"{where} must hold inputs of one shape and type: those to train are "
            f"{list(train.inputs.shape)} {train.inputs.dtype}, those to test "
            f"{list(test.inputs.shape)} {test.inputs.dtype}."
        )
    check_targets(train.targets, test.targets, where)


def check_targets(
    train: NDArray[np.int64] | NDArray[np.float32],
    test: NDArray[np.int64] | NDArray[np.float32],
    where: str,
) -> None:
    """The same of what is to be predicted."""
    import numpy as np

    if train.dtype != np.int64:
        if train.shape[1] != test.shape[1]:
            found = f"{train.shape[1]} to train and {test.shape[1]} to test"
            raise ContentError(f"{where} must hold as many numbers for each example, got {found}.")
        return
    highest = max(int(train.max()), int(test.max()))
    absent = np.setdiff1d(np.arange(highest + 1), train)
    if len(absent):
        raise ContentError(
            f"{where} has no training example of class {absent[0]}; the classes are numbered from "
            f"0 to {highest}."
        )
    if not highest:
        raise ContentError(f"{where} has a single class; at least two are needed.")
