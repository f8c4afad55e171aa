"""The catalog as `optbench list` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.datasets import DATASETS
from optbench.catalog.models import CLASS_PARAMETERS, MODELS, SHAPE_PARAMETERS
from optbench.catalog.optimizers import IMPLEMENTATION, optimizers
from optbench.catalog.resolve import data_parameters
from optbench.catalog.schedules import schedules
from optbench.catalog.signatures import Parameter, signature_of
from optbench.config.spec import format_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from optbench.catalog.entry import Entry

Line = tuple[str, str, str]  # name, summary, arguments with their defaults

_PROVIDED = (
    "params", "optimizer", "last_epoch", *SHAPE_PARAMETERS, *CLASS_PARAMETERS, *IMPLEMENTATION,
)  # fmt: skip


def listing(kind: str) -> list[Line]:
    """The lines about `datasets`, `models`, `optimizers` or `schedules`."""
    kinds: dict[str, Callable[[], list[Line]]] = {
        "datasets": _datasets,
        "models": lambda: _entries(MODELS),
        "optimizers": lambda: _entries(optimizers()),
        "schedules": lambda: _entries(schedules()),
    }
    return kinds[kind]()


def _datasets() -> list[Line]:
    return [
        (name, entry.summary, _arguments(data_parameters(name))) for name, entry in DATASETS.items()
    ]


def _entries(entries: Mapping[str, Entry]) -> list[Line]:
    return [(name, _summary(entry), _entry_arguments(entry)) for name, entry in entries.items()]


def _summary(entry: Entry) -> str:
    return f"not available: {entry.refusal}" if entry.refusal else entry.summary


def _entry_arguments(entry: Entry) -> str:
    if not entry.target or entry.refusal:
        return ""
    parameters = signature_of(entry.target).parameters
    preset = ", ".join(f"{key}={format_value(value)}" for key, value in entry.preset.items())
    return preset or _arguments(parameters)


def _arguments(parameters: Iterable[Parameter]) -> str:
    shown = [p for p in parameters if p.name not in _PROVIDED and p.writable]
    return ", ".join(p.name if p.required else f"{p.name}={format_value(p.default)}" for p in shown)
