"""Any experiment, cut down to a few seconds: does everything in it work?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from optbench.catalog.datasets import DATASETS
from optbench.catalog.resolve import source_of
from optbench.catalog.weights import START

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.spec import Experiment, Resolved, Setting

TRAIN, VALIDATION, TEST = 256, 64, 128  # examples
MAX_EPOCHS = 2
MAX_SETTINGS = 12


def smoke(experiment: Experiment, data_dir: Path) -> Experiment:
    """One seed, at most two epochs, a few hundred examples of the data or of their stand-in.

    Expects an experiment loaded with the first point of every space, and takes at most twelve
    of its settings. Nothing is downloaded: a set that isn't on disk is replaced by the bundled
    or generated one of its shape, a file of the user's own by its fallback, and weights that
    aren't are drawn.
    """
    return dataclasses.replace(
        experiment,
        settings=tuple(_smaller(s, data_dir) for s in experiment.settings[:MAX_SETTINGS]),
        seeds=experiment.seeds[:1],
    )


def _smaller(setting: Setting, data_dir: Path) -> Setting:
    dataset, requested = dict(setting.dataset), None
    substitute = _substitute(setting)
    if substitute is not None and source_of(dataset).missing(data_dir):
        dataset, requested = substitute, str(setting.dataset["name"])
    return dataclasses.replace(
        _startable(setting, data_dir),
        dataset={**dataset, **_sizes(dataset)},
        training={**setting.training, "epochs": min(MAX_EPOCHS, setting.epochs)},
        fallback=None,
        requested_dataset=requested,
    )


def _startable(setting: Setting, data_dir: Path) -> Setting:
    """Without weights that would have to be downloaded."""
    weights = setting.weights
    if weights is None or not weights.address or (data_dir / weights.path).exists():
        return setting
    model = {key: value for key, value in setting.model.items() if key not in START}
    return dataclasses.replace(setting, model=model, weights=None)


def _substitute(setting: Setting) -> dict[str, object] | None:
    """What may stand in for the data: for a set that is downloaded ours, else the fallback."""
    entry = DATASETS.get(str(setting.dataset["name"]))
    if entry is not None and entry.stand_in is not None:
        kept = {k: setting.dataset[k] for k in ("validation", "normalize") if k in setting.dataset}
        return {**entry.stand_in, **kept}
    return None if setting.fallback is None else dict(setting.fallback)


def _sizes(dataset: Resolved) -> dict[str, int]:
    source = source_of(dataset)
    validation = min(VALIDATION, source.train_size // 4) if dataset["validation"] else 0
    sizes = {"train": (TRAIN, source.train_size - validation), "test": (TEST, source.test_size)}
    limits = {key: min(*bounds, _limit(dataset, key)) for key, bounds in sizes.items()}
    return {**limits, "validation": validation}


def _limit(dataset: Resolved, key: str) -> int:
    """What the experiment itself takes of a split, where it says."""
    limit = dataset.get(key)
    return limit if isinstance(limit, int) else max(TRAIN, TEST)
