"""From an experiment file to its settings: read, check against the catalog, expand."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.plugins import content_hash, is_import_path
from optbench.catalog.resolve import (
    Arguments,
    resolve_dataset,
    resolve_model,
    resolve_optimizer,
    resolve_schedule,
    resolve_training,
)
from optbench.catalog.schedules import PLATEAU
from optbench.config.extends import named_part
from optbench.config.extends import resolve as read_with_bases
from optbench.config.node import Node, Problems, child_key
from optbench.config.overrides import apply
from optbench.config.schema import DEVICE, DEVICE_RULE, Document, Part, read_document
from optbench.config.seeds import parse_seeds
from optbench.config.spaces import count, expand, first, tuning_spaces
from optbench.config.spec import Experiment, Setting
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_SETTINGS = 100_000
DEFAULT_BATCH_SIZE = 64


@dataclass(frozen=True)
class _Optimizer:
    """One expanded item: its arguments, those worth showing, and a schedule of its own."""

    arguments: Arguments
    said: Arguments
    schedule: Arguments | None
    part: Part


def load_experiment(
    path: str | Path,
    *,
    overrides: Sequence[str] = (),
    seeds: str | None = None,
    device: str | None = None,
    first_points: bool = False,
) -> Experiment:
    """Read an experiment file and check all of it, importing no torch.

    `overrides` are `key.path=value` texts, `seeds` and `device` replace the file's (`seeds` as
    on the command line: "5", "0,3,7", "0-4", "+5"); `first_points` takes the first point of
    every space instead of all. Raises `ConfigError` with every mistake, each with its file,
    line and key, and `UsageError` for `seeds` and `device`.
    """
    path = Path(path)
    if device is not None and not DEVICE.fullmatch(device):
        raise UsageError(f"--device: {DEVICE_RULE}, got {device!r}")
    problems = Problems()
    root = apply(read_with_bases(path), list(overrides))
    document = read_document(root, path, problems)
    settings = _settings(document, problems, first_points)
    problems.raise_if_any()
    return Experiment(
        name=document.name,
        file=path,
        settings=tuple({setting.setting_hash: setting for setting in settings}.values()),
        seeds=document.seeds if seeds is None else parse_seeds(seeds, document.seeds),
        device=device or document.device,
        claims=document.claims,
        searches=tuple(_searches(document)),
    )


def refuse_searches(experiment: Experiment) -> None:
    """Raise `UsageError` where an experiment leaves values to a tuner."""
    if experiment.searches:
        key, space = experiment.searches[0]
        raise UsageError(
            f"{experiment.file}: {key}: {{{space}: …}} is a range for tuning, not values to run; "
            "write {grid: […]}, {linspace: [a, b, n]} or {logspace: [a, b, n]}"
        )


def _searches(document: Document) -> Iterator[tuple[str, str]]:
    for part in _all_parts(document):
        for key, space in tuning_spaces(part.node, part.key):
            yield key, next(iter(space.mapping))


def _all_parts(document: Document) -> tuple[Part, ...]:
    parts = document.datasets + document.models + document.optimizers + document.schedules
    return (*parts, document.training)


def _settings(document: Document, problems: Problems, first_points: bool) -> list[Setting]:
    if not _few_enough(document, problems, first_points):
        return []
    points = _first_point if first_points else _every_point

    def resolved(
        parts: Sequence[Part], resolve: Callable[[Node, str, Problems], Arguments]
    ) -> list[tuple[Arguments, Part]]:
        return [
            (resolve(node, part.key, problems), part) for part in parts for node in points(part)
        ]

    datasets = resolved(document.datasets, resolve_dataset)
    models = resolved(document.models, resolve_model)
    schedules = resolved(document.schedules, resolve_schedule)
    training = resolved([document.training], resolve_training)
    optimizers = [
        _optimizer(node, part, problems) for part in document.optimizers for node in points(part)
    ]
    if problems:
        return []
    top = schedules or [(resolve_schedule(None, "", problems), document.training)]
    return [
        _setting(dataset, model, optimizer, schedule, training_, problems)
        for dataset, model, optimizer in itertools.product(datasets, models, optimizers)
        for schedule in ([(optimizer.schedule, optimizer.part)] if optimizer.schedule else top)
        for training_ in training
    ]


def _every_point(part: Part) -> list[Node]:
    return [first(node) for node in expand(part.node)]  # first: what tuning spaces leave open


def _first_point(part: Part) -> list[Node]:
    return [first(part.node)]


def _few_enough(document: Document, problems: Problems, first_points: bool) -> bool:
    if first_points:
        return True
    groups = (document.datasets, document.models, document.optimizers, document.schedules)
    sizes = [sum(count(part.node) for part in group) or 1 for group in groups]
    total = math.prod(sizes) * count(document.training.node)
    if total > MAX_SETTINGS:
        message = f"expands to {total:,} settings; at most {MAX_SETTINGS:,} are taken"
        problems.add(document.optimizers[0].node, document.optimizers[0].key, message)
    return total <= MAX_SETTINGS


def _optimizer(node: Node, part: Part, problems: Problems) -> _Optimizer:
    kept = {key: child for key, child in node.mapping.items() if key != "schedule"}
    body = Node(kept, node.mark, node.width, node.key_marks)
    arguments, said = resolve_optimizer(body, part.key, problems)
    own = node.mapping.get("schedule")
    schedule = None if own is None else _own_schedule(own, part, problems)
    return _Optimizer(arguments, said, schedule, part)


def _own_schedule(node: Node, part: Part, problems: Problems) -> Arguments:
    key = child_key(part.key, "schedule")
    node = named_part(node, key)
    if not node.is_mapping or "name" not in node.mapping:
        problems.add(node, key, f"must be a name or a mapping with a name, got {node.kind()}")
        return {}
    return resolve_schedule(node, key, problems)


def _setting(
    dataset: tuple[Arguments, Part],
    model: tuple[Arguments, Part],
    optimizer: _Optimizer,
    schedule: tuple[Arguments, Part],
    training: tuple[Arguments, Part],
    problems: Problems,
) -> Setting:
    data = dict(dataset[0])
    fallback = data.pop("fallback", None)
    parts = {
        "dataset": dataset[1],
        "model": model[1],
        "optimizer": optimizer.part,
        "schedule": schedule[1],
        "training": training[1],
    }
    if schedule[0]["name"] == PLATEAU and not data["validation"]:
        message = "watches the validation loss, and dataset.validation is 0"
        remedy = "hold examples out: dataset: {validation: 5000, …}"
        problems.add(schedule[1].node, schedule[1].key, f"{PLATEAU} {message}", remedy)
    names = (str(part["name"]) for part in (model[0], optimizer.arguments, schedule[0]))
    plugins = {name: content_hash(name) for name in names if is_import_path(name)}
    return Setting(
        dataset=data,
        model=model[0],
        optimizer=optimizer.arguments,
        schedule=schedule[0],
        training=training[0],
        hyperparameters=_hyperparameters(optimizer.said, schedule[0], training[0]),
        plugins={name: found for name, found in plugins.items() if found},
        fallback=fallback if isinstance(fallback, dict) else None,
        written=parts,
    )


def _hyperparameters(
    said: Arguments, schedule: Arguments, training: Arguments
) -> tuple[tuple[str, object], ...]:
    shown: list[tuple[str, object]] = sorted(said.items(), key=lambda item: item[0] != "lr")
    if schedule["name"] != "constant":
        shown.append(("schedule", schedule["name"]))
        shown += [(k, v) for k, v in schedule.items() if k == "warmup" and v]
    if training["batch_size"] != DEFAULT_BATCH_SIZE:
        shown.append(("batch_size", training["batch_size"]))
    return tuple(shown)
