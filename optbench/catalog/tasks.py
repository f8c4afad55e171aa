"""What a resolved data set, and what may stand in for it, ask of models and losses."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from optbench.catalog.datasets.task import Task
from optbench.catalog.resolve import source_of
from optbench.config.spec import display_name
from optbench.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def tasks_of(dataset: Mapping[str, object]) -> Iterator[tuple[str, Task]]:
    """Names and tasks of a data set and its stand-in, those that can be read."""
    if not dataset or not dataset["name"]:  # a mistake, which is noted
        return
    own = {key: value for key, value in dataset.items() if key not in ("fallback", "instead_of")}
    with contextlib.suppress(DataError, UsageError):  # said when the data are wanted
        yield display_name(str(own["name"])), source_of(own).task
    fallback = dataset.get("fallback")
    if isinstance(fallback, dict):
        yield from tasks_of(fallback)


def losses_of(dataset: Mapping[str, object]) -> tuple[str, ...]:
    """The losses that fit a data set and its stand-in; where neither can be read, of classes."""
    tasks = [task for _, task in tasks_of(dataset)] or [Task((), 1)]
    common = [loss for loss in tasks[0].losses if all(loss in task.losses for task in tasks)]
    return tuple(common) or tasks[0].losses
