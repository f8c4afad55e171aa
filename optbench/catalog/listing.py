"""The catalog as `optbench list` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.datasets import DATASETS
from optbench.catalog.losses import LOSSES
from optbench.catalog.metrics import METRICS
from optbench.catalog.models import MODELS, PREFIX, torchvision_models
from optbench.catalog.objectives import OBJECTIVES
from optbench.catalog.objectives.receiver import objective_receiver
from optbench.catalog.optimizers import IMPLEMENTATION, optimizers
from optbench.catalog.receivers import (
    dataset_receiver,
    model_receiver,
    optimizer_receiver,
    schedule_receiver,
)
from optbench.catalog.reference import REFERENCE
from optbench.catalog.schedules import schedules
from optbench.config.spec import format_value
from optbench.config.suggest import did_you_mean
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optbench.catalog.arguments import Receiver
    from optbench.catalog.entry import Entry

Line = tuple[str, str, str]  # name, summary, arguments with their defaults
_TEXTBOOK = "Textbook versions, a short file of equations each (docs/optimizers.md):"


def listing(kind: str) -> list[Line]:
    """The lines about one of `KINDS`; raises `UsageError` for another."""
    if kind not in KINDS:
        known = f"optbench lists {', '.join(KINDS)}, not {kind!r}"
        hint = did_you_mean(kind, KINDS)
        raise UsageError(f"{known}; {hint}" if hint else known)
    return KINDS[kind]()


def headings(kind: str) -> Mapping[str, str]:
    """What stands above some of the lines about a kind, by their names."""
    return {next(iter(REFERENCE)): _TEXTBOOK} if kind == "optimizers" else {}


def _datasets() -> list[Line]:
    return [
        (name, entry.summary, _arguments(dataset_receiver(name)))
        for name, entry in DATASETS.items()
    ]


def _models() -> list[Line]:
    names = ", ".join(name.removeprefix(PREFIX) for name in torchvision_models())
    summary = f"torchvision's image classifiers, for 3 channels; NAME is one of {names}"
    torchvisions = [(f"{PREFIX}NAME", summary, "")] if names else []
    return [*_entries(MODELS, model_receiver), *torchvisions]


def _entries(entries: Mapping[str, Entry], receiver: Callable[[str], Receiver]) -> list[Line]:
    return [_line(name, entry, receiver) for name, entry in entries.items()]


def _line(name: str, entry: Entry, receiver: Callable[[str], Receiver]) -> Line:
    preset = ", ".join(f"{key}={format_value(value)}" for key, value in entry.preset.items())
    return name, entry.summary, preset or _arguments(receiver(name))


def _arguments(receiver: Receiver) -> str:
    parameters = [p for name, p in receiver.parameters.items() if name not in IMPLEMENTATION]
    return ", ".join(
        p.name if p.required else f"{p.name}={format_value(p.default)}" for p in parameters
    )


KINDS: dict[str, Callable[[], list[Line]]] = {
    "datasets": _datasets,
    "models": _models,
    "optimizers": lambda: _entries(optimizers(), optimizer_receiver),
    "schedules": lambda: _entries(schedules(), schedule_receiver),
    "losses": lambda: [(name, entry.summary, "") for name, entry in LOSSES.items()],
    "metrics": lambda: [(name, entry.summary, "") for name, entry in METRICS.items()],
    "objectives": lambda: _entries(OBJECTIVES, objective_receiver),
}
