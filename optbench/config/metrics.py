"""Columns of metrics.csv that an experiment asks for beside loss and accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from optbench.config.spec import display_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.config.node import Node

QUANTITIES = ("accuracy", "loss")  # that every run has
EVALUATED = ("val", "test")  # the parts of the data that metrics are of


def metric_name(metric: object) -> str:
    """Of a name or import path, or a mapping with that and arguments: what columns are called."""
    name = metric.get("name") if isinstance(metric, Mapping) else metric
    return display_name(str(name))


def metric_columns(names: Iterable[str], parts: Iterable[str] = EVALUATED) -> tuple[str, ...]:
    """`val_macro_f1`, `test_macro_f1`."""
    named = list(names)
    return tuple(f"{part}_{name}" for name in named for part in parts)


def names_in(training: Node | None) -> tuple[str, ...]:
    """What `metrics` under `training` names, as far as that is written as it should be."""
    node = training.mapping.get("metrics") if training is not None and training.is_mapping else None
    items = node.sequence if node is not None and node.is_sequence else ()
    return tuple(metric_name(item.plain()) for item in items)
