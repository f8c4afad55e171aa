"""The trackers by name, and what `--track mlflow=http://…` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.config.suggest import did_you_mean
from optbench.errors import UsageError
from optbench.trackers.mlflow import MLflow
from optbench.trackers.tensorboard import TensorBoard
from optbench.trackers.wandb import WeightsAndBiases

if TYPE_CHECKING:
    from collections.abc import Callable

    from optbench.trackers.tracker import Tracker

TRACKERS: dict[str, Callable[[str], Tracker]] = {
    "tensorboard": TensorBoard,
    "mlflow": MLflow,
    "wandb": WeightsAndBiases,
}


def open_tracker(asked: str, option: str) -> Tracker:
    """The tracker that `NAME` or `NAME=PLACE` asks for; the place is a folder, URI or project.

    Raises `UsageError` for a name that is none, and where its package is not installed.
    """
    name, _, place = asked.partition("=")
    if name not in TRACKERS:
        known = f"one of {', '.join(TRACKERS)}, got {name!r}"
        hint = did_you_mean(name, TRACKERS)
        raise UsageError(f"{option}: must be {known}{f'; {hint}' if hint else ''}")
    try:
        return TRACKERS[name](place)
    except ImportError as error:
        remedy = f"pip install 'optbench[{name}]'"
        raise UsageError(f"{option} {name}: {error.name} is not installed: {remedy}") from error
