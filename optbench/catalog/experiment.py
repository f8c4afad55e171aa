"""An experiment file, read and checked: its settings, its bounds, and what it leaves to a tuner."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.expansion import expanded, only_claims
from optbench.catalog.selectors import check_selectors
from optbench.config.extends import resolve as read_with_bases
from optbench.config.node import Problems
from optbench.config.overrides import apply
from optbench.config.schema import DEVICE, DEVICE_RULE, Document, Part, read_document
from optbench.config.seeds import parse_seeds
from optbench.config.spaces import count, tuning_spaces
from optbench.config.spec import (
    Experiment,
    Setting,
)
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


MAX_SETTINGS = 100_000
MAX_RUNS = 1_000_000


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
    document = read_file(path, overrides, problems)
    chosen = document.seeds if seeds is None else parse_seeds(seeds, document.seeds)
    settings: list[Setting] = []
    if first_points or _few_enough(document, len(chosen), problems):
        settings = expanded(document, problems, first_points=first_points)
    if not only_claims(problems):  # what claims choose is known of whole settings alone
        problems.raise_if_any()
    experiment = Experiment(
        name=document.name,
        file=path,
        settings=tuple({setting.setting_hash: setting for setting in settings}.values()),
        seeds=chosen,
        device=device or document.device,
        claims=document.claims,
        searches=tuple(_searches(document)),
    )
    if not (overrides or first_points):  # claims are about the experiment as it is written
        check_selectors(experiment, problems)
    problems.raise_if_any()
    return experiment


def read_file(path: Path, overrides: Sequence[str], problems: Problems) -> Document:
    """An experiment file over those it extends, with `key.path=value` texts set in it."""
    return read_document(apply(read_with_bases(path), list(overrides)), path, problems)


def refuse_searches(experiment: Experiment) -> None:
    """Raise `ConfigError` where an experiment leaves values to a tuner."""
    problems = Problems()
    for search in experiment.searches:
        (space,) = search.node.mapping
        message = f"{space} is a range for tuning, not values to run"
        remedy = (
            f"optbench tune {experiment.file}, or write {{grid: […]}} or {{logspace: [a, b, n]}}"
        )
        problems.add(search.node, search.key, message, remedy)
    problems.raise_if_any()


def _searches(document: Document) -> list[Part]:
    groups = (document.datasets, document.models, document.optimizers, document.schedules)
    parts = [*itertools.chain(*groups), document.training]
    return [Part(*found) for part in parts for found in tuning_spaces(part.node, part.key)]


def count_settings(path: Path, overrides: Sequence[str] = ()) -> int:
    """How many settings a valid experiment file describes, without building them.

    Ranges for tuning stand for one value. Two that come to the same count twice.
    """
    document = read_file(path, overrides, Problems())
    groups = (document.datasets, document.models, [document.training])
    shared = sum(count(part.node) for part in document.schedules) or 1
    own = ((count(part.node), "schedule" in part.node.mapping) for part in document.optimizers)
    optimizers = sum(points if scheduled else points * shared for points, scheduled in own)
    return optimizers * math.prod(sum(count(part.node) for part in group) for group in groups)


def _few_enough(document: Document, seeds: int, problems: Problems) -> bool:
    groups = (document.datasets, document.models, document.optimizers, document.schedules)
    sizes = [sum(count(part.node) for part in group) or 1 for group in groups]
    total = math.prod(sizes) * count(document.training.node)
    message = ""
    if total > MAX_SETTINGS:
        message = f"expands to {total:,} settings; at most {MAX_SETTINGS:,} are taken"
    elif total * seeds > MAX_RUNS:
        message = f"expands to {total * seeds:,} runs; at most {MAX_RUNS:,} are taken"
    if message:
        parts = [*itertools.chain(*groups), document.training]
        part = max(parts, key=lambda part: count(part.node))
        problems.add(part.node, part.key, message, "take fewer points, or split the experiment")
    return not message
