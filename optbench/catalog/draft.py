"""The text of an experiment to start from: what `optbench init` writes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.datasets import DATASETS
from optbench.catalog.plugins import is_import_path
from optbench.catalog.receivers import optimizer_receiver
from optbench.catalog.resolve import (
    resolve_dataset,
    resolve_model,
    resolve_optimizer,
    source_of,
)
from optbench.config.node import Problems, from_plain
from optbench.config.spec import display_name
from optbench.config.yaml_writer import flow
from optbench.errors import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.catalog.datasets.task import Task

RIVALS = ("adam", "sgd")
POINTS = 5
# Where torch's default is far from what is usual, or there is none.
_USUAL = {"sgd": (0.01, 1.0), "momentum": (0.001, 0.1)}
_ANY = (1e-4, 0.1)
_OWN_FILES = {
    ".npz": "file", ".pt": "file", ".csv": "file", ".txt": "text", ".tsv": "labelled-text",
}  # fmt: skip
_MOST_HELD_OUT = 5000


@dataclass(frozen=True)
class Draft:
    """What is to be compared, on what; every part is known to be there, with its arguments.

    `dataset` is as YAML has it, `optimizers` pairs of a name and the ends of its learning rates
    (None where it takes none).
    """

    dataset: dict[str, object]
    model: str
    optimizers: tuple[tuple[str, tuple[float, float] | None], ...]
    graded: bool

    def text(self, file: Path, schema: str) -> str:
        """The file's text; `schema` is what editors are to check it by."""
        ours, theirs = (display_name(name) for name in self._opponents())
        metric = "test_accuracy" if self.graded else "test_loss"
        return _TEXT.format(
            schema=schema,
            file=file,
            runs=f"runs/{file.stem}",
            dataset=flow(self.dataset),
            model=flow({"name": self.model}),
            optimizers="\n".join(_optimizer_line(*each) for each in self.optimizers),
            points=POINTS,
            claim=f"{ours} is better than {theirs}",
            metric=metric,
            ours=ours,
            theirs=theirs,
        )

    def _opponents(self) -> tuple[str, str]:
        names = [name for name, _ in self.optimizers]
        return names[0], names[1]


def draft(optimizers: Sequence[str], dataset: str, model: str | None, folder: Path) -> Draft:
    """An experiment that compares optimizers, and those of `RIVALS`, on a data set.

    `dataset` is a name of the catalog, an import path, or the path of data of one's own; paths
    are from here, and `folder` is where the experiment is to be. Without a `model`, one is taken
    that fits. Raises `ConfigError` for names that lead nowhere, `DataError` for data that can't be
    read.
    """
    problems = Problems()
    part = _dataset_part(dataset)
    resolved = resolve_dataset(from_plain(part, Mark(f"--dataset {dataset}")), "", problems)
    names = tuple(dict.fromkeys([*optimizers, *RIVALS]))
    for name in names:
        node = from_plain({"name": name}, Mark(f"--optimizer {name}"))
        resolve_optimizer(node, "", problems)
    if model is not None:
        resolve_model(from_plain({"name": model}, Mark(f"--model {model}")), "", problems)
    problems.raise_if_any()
    source = source_of(resolved)
    task = source.task
    if not (task.landscape or source.ordered or "validation" in part):
        part["validation"] = _held_out(source.train_size)
    entry = DATASETS.get(dataset)
    if entry is not None and entry.stand_in is not None:
        stand_in = resolve_dataset(from_plain(dict(entry.stand_in), Mark("")), "", problems)
        held_out = _held_out(source_of(stand_in).train_size)
        part["fallback"] = {**entry.stand_in, "validation": held_out}
    return Draft(
        dataset=_from(folder, part),
        model=_near(folder, model or _fitting_model(task)),
        optimizers=tuple((_near(folder, name), _learning_rates(name)) for name in names),
        graded=task.graded,
    )


def _dataset_part(dataset: str) -> dict[str, object]:
    path = Path(dataset)
    if dataset in DATASETS or is_import_path(dataset) or not path.exists():
        return {"name": dataset}
    if path.is_dir():
        kind = "file" if any(path.glob("*.npy")) else "image-folder"
        return {"name": kind, "path": dataset}
    return {"name": _OWN_FILES.get(path.suffix.lower(), "text"), "path": dataset}


def _held_out(train: int) -> int:
    """A tenth of the training examples, in round numbers."""
    tenth = min(train // 10, _MOST_HELD_OUT)
    unit = int(10 ** (len(str(tenth)) - 1))
    return tenth // unit * unit


def _fitting_model(task: Task) -> str:
    if task.landscape is not None:
        return "point"
    if task.vocabulary is not None:
        return "transformer"
    if task.losses[0] == "bce":
        return "sigmoid-mlp"
    return "cnn" if task.images and task.input_shape[0] > 1 else "mlp"


def _learning_rates(optimizer: str) -> tuple[float, float] | None:
    """The ends of a range around the usual learning rate, two decades apart."""
    parameter = optimizer_receiver(optimizer).parameters.get("lr")
    if parameter is None:
        return None
    default = parameter.default
    if optimizer in _USUAL:
        return _USUAL[optimizer]
    if isinstance(default, int | float) and default > 0:
        return float(f"{default / 10:.3g}"), float(f"{default * 10:.3g}")
    return _ANY


def _from(folder: Path, part: dict[str, object]) -> dict[str, object]:
    """The part with its paths as from a folder."""
    paths = {"path": os.path.relpath(str(part["path"]), folder)} if "path" in part else {}
    return {**part, **paths, "name": _near(folder, str(part["name"]))}


def _near(folder: Path, name: str) -> str:
    source, _, attribute = name.rpartition(":")
    if not source.endswith(".py"):
        return name
    near = os.path.relpath(source, folder)
    return f"{near if near.startswith('.') else f'./{near}'}:{attribute}"


def _optimizer_line(name: str, ends: tuple[float, float] | None) -> str:
    rates = {"lr": {"logspace": [*ends, POINTS]}} if ends else {}
    return f"  - {flow({'name': name, **rates})}"


_TEXT = """\
# yaml-language-server: $schema={schema}
# Which optimizer for this problem, and at which learning rate?
#   optbench run {file} --smoke
#     does it work? A few steps of each
#   optbench run {file} --dry-run
#     what it would train, and for how long
#   optbench run {file}
#     trains what is missing, and compares
#   optbench report {runs}
#     the same as a page for a browser

# Settings are chosen on the validation examples, so that the test examples only judge.
dataset: {dataset}
model: {model}
# As many learning rates for each, around the usual one. Where the best lies at an end of its
# range, `optbench compare` says so: widen it.
optimizer:
{optimizers}
training: {{epochs: 5, batch_size: 64}}
seeds: 8  # a verdict needs 6 or more

# What you expect, if you do: `optbench verify {file}` judges it.
# expect:
#   - claim: {claim}
#     metric: {metric}
#     setting: {{optimizer: {ours}}}
#     better_than: {{optimizer: {theirs}}}
"""
