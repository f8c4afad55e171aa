"""Examples from arrays that a user brings: checked, and parted where there is no test set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.split import stratified
from optbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

ONE_PART = ("x", "y")
TWO_PARTS = ("x_train", "y_train", "x_test", "y_test")


def from_arrays(
    arrays: Mapping[str, ArrayLike], test_share: float, where: str
) -> tuple[Examples, Examples]:
    """Training and test examples from `x_train`, `y_train`, `x_test` and `y_test`.

    Of `x` and `y` alone the share `test_share` is drawn, by class, to be the test set: always
    the same examples. Raises DataError, which begins with `where`, for anything else.
    """
    if set(TWO_PARTS) <= set(arrays):
        x_train, y_train, x_test, y_test = (arrays[name] for name in TWO_PARTS)
        train, test = _examples(x_train, y_train, where), _examples(x_test, y_test, where)
    elif set(ONE_PART) <= set(arrays):
        examples = _examples(arrays["x"], arrays["y"], where)
        train, test = map(examples.at, parted(examples.targets, test_share, where))
    else:
        found = ", ".join(sorted(arrays)) or "nothing"
        raise DataError(f"{where} must hold {', '.join(TWO_PARTS)}, or x and y; it holds {found}.")
    check_parts(train, test, where)
    return train, test


def class_count(train: Examples) -> int:
    """How many classes there are; they are numbered from 0."""
    return int(train.targets.max()) + 1


def _examples(inputs: ArrayLike, targets: ArrayLike, where: str) -> Examples:
    import numpy as np

    x, y = np.asarray(inputs), np.asarray(targets)
    if x.ndim < 2 or y.ndim != 1 or len(x) != len(y) or not x.size:
        raise DataError(
            f"{where} must hold inputs [n, …] and one class for each of them [n]; it holds inputs "
            f"{list(x.shape)} and classes {list(y.shape)}."
        )
    return Examples(_inputs(x, where), _targets(y, where))


def _inputs(x: NDArray[np.generic], where: str) -> NDArray[np.uint8] | NDArray[np.float32]:
    import numpy as np

    if x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    if x.dtype.kind not in "buif":
        raise DataError(f"{where} must hold numbers as inputs, not {x.dtype}.")
    with np.errstate(over="ignore"):  # noticed below
        inputs = np.ascontiguousarray(x, np.float32)
    if not np.isfinite(inputs).all():
        raise DataError(f"{where} holds inputs that are NaN, infinite or too large for float32.")
    return inputs


def _targets(y: NDArray[Any], where: str) -> NDArray[np.int64]:
    import numpy as np

    whole = y.dtype.kind in "bui" or (y.dtype.kind == "f" and bool((y == np.floor(y)).all()))
    if not whole or (y < 0).any():
        raise DataError(f"{where} must number the classes from 0 in whole numbers.")
    if y.max() > len(y):  # before anything is counted in as many places
        raise DataError(f"{where} names a class {y.max():,}; they are numbered from 0.")
    return y.astype(np.int64)


def parted(
    classes: NDArray[Any], test_share: float, where: str
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions to train and to test, always the same: the share of each class.

    Raises DataError, which begins with `where`, if nothing is left on one side.
    """
    import numpy as np

    n = round(test_share * len(classes))
    if not 0 < n < len(classes):
        raise DataError(
            f"{where} has {len(classes):,} examples, and test_share {test_share:g} of them leaves "
            "none to test or to train."
        )
    chosen = stratified(classes, n, int(classes.max()) + 1)
    return np.delete(np.arange(len(classes)), chosen), chosen


def check_parts(train: Examples, test: Examples, where: str) -> None:
    """Raises DataError, which begins with `where`, unless one can be learned on the other."""
    import numpy as np

    if train.inputs.shape[1:] != test.inputs.shape[1:] or train.inputs.dtype != test.inputs.dtype:
        raise DataError(
            f"{where} must hold inputs of one shape and type: those to train are "
            f"{list(train.inputs.shape)} {train.inputs.dtype}, those to test "
            f"{list(test.inputs.shape)} {test.inputs.dtype}."
        )
    highest = max(int(train.targets.max()), int(test.targets.max()))
    absent = np.setdiff1d(np.arange(highest + 1), train.targets)
    if len(absent):
        raise DataError(
            f"{where} has no training example of class {absent[0]}; the classes are numbered from "
            f"0 to {highest}."
        )
    if not highest:
        raise DataError(f"{where} has a single class; at least two are needed.")
