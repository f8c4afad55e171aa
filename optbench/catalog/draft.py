"""The text of an experiment to start from: what `optbench init` writes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.datasets import DATASETS
from optbench.catalog.plugins import is_import_path
from optbench.catalog.resolve import as_written, resolve_dataset, resolve_model, source_of
from optbench.config.node import Problems, from_plain
from optbench.config.spec import display_name
from optbench.config.yaml_writer import flow
from optbench.errors import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.catalog.datasets.task import Task
    from optbench.catalog.signatures import Parameter

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
class Rival:
    """An optimizer and the ends of its learning rates, None where it takes none.

    `missing` are its other arguments without a default: whoever wrote it knows what to give.
    """

    name: str
    rates: tuple[float, float] | None
    missing: tuple[str, ...]

    def lines(self) -> str:
        """Its item of the list, below a comment that says what is to be filled in."""
        rates = {"lr": {"logspace": [*self.rates, POINTS]}} if self.rates else {}
        fill = f"  # {self.want}\n" if self.want else ""
        return f"{fill}  - {flow({'name': self.name, **rates})}"

    @property
    def want(self) -> str:
        """`MyAdam needs rho and beta: …`, and where they go; empty where nothing is missing."""
        if not self.missing:
            return ""
        needs = f"{display_name(self.name)} needs {' and '.join(self.missing)}"
        return f"{needs}: add {', '.join(f'{name}: …' for name in self.missing)} to its line"


@dataclass(frozen=True)
class Draft:
    """What is to be compared, on what; every part is known to be there.

    `dataset` is as YAML has it.
    """

    dataset: dict[str, object]
    model: str
    optimizers: tuple[Rival, ...]
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
            optimizers="\n".join(rival.lines() for rival in self.optimizers),
            how_long="" if self.own_code else ", and for how long if the data are on disk",
            claim=f"{ours} is better than {theirs}",
            metric=metric,
            ours=ours,
            theirs=theirs,
        )

    @property
    def own_code(self) -> bool:
        """Whether any of it is code of the user's, of which a dry run runs nothing."""
        names = (str(self.dataset["name"]), self.model, *(one.name for one in self.optimizers))
        return any(map(is_import_path, names))

    def _opponents(self) -> tuple[str, str]:
        first, second, *_ = self.optimizers
        return first.name, second.name


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
    names = dict.fromkeys([*optimizers, *RIVALS])
    rivals = tuple(_rival(name, folder, problems) for name in names)
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
        optimizers=rivals,
        graded=task.graded,
    )


def _dataset_part(dataset: str) -> dict[str, object]:
    path = Path(dataset)
    suffix = path.suffix.lower()
    is_path = path.exists() or suffix in _OWN_FILES or "/" in dataset
    if dataset in DATASETS or is_import_path(dataset) or not is_path:
        return {"name": dataset}
    if path.is_dir():
        kind = "file" if any(path.glob("*.npy")) else "image-folder"
        return {"name": kind, "path": dataset}
    return {"name": _OWN_FILES.get(suffix, "text"), "path": dataset}


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


def _rival(optimizer: str, folder: Path, problems: Problems) -> Rival:
    """What is known of an optimizer; noted where the name leads nowhere."""
    node = from_plain({"name": optimizer}, Mark(f"--optimizer {optimizer}"))
    given, receiver = as_written(node, "", problems)
    parameters = receiver.parameters if receiver else {}
    left = (p.name for p in parameters.values() if p.required and p.name not in given)
    missing = tuple(name for name in left if name != "lr")
    return Rival(
        _near(folder, optimizer), _learning_rates(optimizer, parameters.get("lr")), missing
    )


def _learning_rates(optimizer: str, parameter: Parameter | None) -> tuple[float, float] | None:
    """The ends of a range around the usual learning rate, two decades apart."""
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


_TEXT = """\
# yaml-language-server: $schema={schema}
# Which optimizer for this problem, and at which learning rate?
#   optbench run {file} --smoke
#     does it work? A few steps of one setting of each optimizer
#   optbench run {file} --dry-run
#     what it would train{how_long}
#   optbench run {file}
#     trains what is missing, and compares
#   optbench compare {runs} --reference {theirs}
#     the table again, each compared with {theirs}
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
