"""The best setting of each optimizer, chosen on validation and never on test."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.target import final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.analysis.setting import Setting
    from optbench.store.tuning import Study


def criterion(settings: Sequence[Setting]) -> str:
    """The column that selects: `val_loss` where a validation part was held out, else train loss."""
    completed = (run for setting in settings for run in setting.completed)
    held_out = any(final(run, "val_loss") is not None for run in completed)
    return "val_loss" if held_out else "train_loss"


def ranked(settings: Sequence[Setting], column: str) -> list[Setting]:
    """From best to worst mean final value.

    A setting that diverged at any seed stands behind all that did not, whatever its
    survivors show; then those without a finite mean. Ties keep their order.
    """
    return sorted(settings, key=lambda setting: _badness(setting, column))


@dataclass(frozen=True)
class Choices:
    """What searches have settled, by the keys of settings: their choices, and mere defaults.

    A search chooses on other seeds than those that are compared, which so have no say in it. The
    default setting that stands beside a choice never leads, whatever its family.
    """

    tuned: frozenset[str] = frozenset()
    defaults: frozenset[str] = frozenset()


NOTHING_CHOSEN = Choices()


def choices_of(studies: Iterable[Study]) -> Choices:
    """The choices of some searches."""
    found = [one for study in studies for one in study.contenders if one.selected is not None]
    tuned = frozenset(one.selected for one in found if one.selected is not None)
    defaults = frozenset(one.default for one in found if one.default is not None)
    return Choices(tuned, defaults - tuned)


def tuned_first(ranking: Sequence[Setting], choices: Choices) -> list[Setting]:
    """The ranking with a search's choice before the others of its family, in their places."""
    members: dict[str, list[Setting]] = defaultdict(list)
    for setting in sorted(ranking, key=lambda setting: setting.key not in choices.tuned):
        members[setting.family].append(setting)
    queues = {family: iter(settings) for family, settings in members.items()}
    return [next(queues[setting.family]) for setting in ranking]


def leaders(ranking: Sequence[Setting], choices: Choices = NOTHING_CHOSEN) -> list[Setting]:
    """The first of each family in a ranking, in its order."""
    first: dict[str, Setting] = {}
    for setting in ranking:
        if setting.key not in choices.defaults:
            first.setdefault(setting.family, setting)
    return list(first.values())


def _badness(setting: Setting, column: str) -> tuple[bool, bool, float]:
    values = [final(run, column) for run in setting.completed]
    known = [value for value in values if value is not None]
    finite = bool(known) and all(map(math.isfinite, known))  # nan is less than nothing, and more
    return bool(setting.diverged), not finite, statistics.fmean(known) if finite else math.inf
