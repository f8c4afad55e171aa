"""Optuna, which is an extra."""

from __future__ import annotations

import importlib
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


def load_optuna() -> Any:
    """The package; UsageError with the remedy where it is not installed."""
    try:
        return importlib.import_module("optuna")
    except ImportError as error:
        raise UsageError(
            "tuning needs Optuna, which is not installed: pip install 'optbench[tune]'"
        ) from error


@contextmanager
def quietly() -> Iterator[None]:
    """Without what Optuna says of its own progress and experiments."""
    optuna = load_optuna()
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)
