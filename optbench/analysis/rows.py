"""The rows of one problem's table: how each setting did, and how far from the reference."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from optbench.analysis.interval import Estimate, t_interval, welch_interval
from optbench.analysis.metric import Metric, comparable
from optbench.analysis.pairing import pairs
from optbench.analysis.selection import NOTHING_CHOSEN, Choices, leaders
from optbench.analysis.speedup import Speedup, speedup
from optbench.analysis.target import TimeToTarget, final, time_to_target
from optbench.analysis.verdict import Verdict, judge_against

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optbench.analysis.question import Question
    from optbench.analysis.setting import Setting
    from optbench.store.stored_run import StoredRun


@dataclass(frozen=True)
class Difference:
    """A setting's metric minus the reference's, over the seeds that both completed.

    `estimate` is a t interval of paired differences, or Welch's of two independent means.
    """

    paired: bool
    estimate: Estimate
    seeds: tuple[int, ...]  # of the pairs, or of the setting where unpaired
    reference_seeds: tuple[int, ...]
    survivors_only: bool  # a seed of either diverged and is not in the mean

    @property
    def is_single(self) -> bool:
        """Whether one seed of either setting is all there is: no interval, no verdict."""
        return self.estimate.n == 1


@dataclass(frozen=True)
class SettingRow:
    """One setting: how it did, and how far from the reference."""

    key: str
    label: str
    name: str  # a shorter one that no other row of the problem has: `sgd`, `momentum`
    optimizer: str
    family: str  # what people call it: `momentum`, where the optimizer is `sgd`
    hyperparameters: Mapping[str, Any]
    leads: bool  # the best of its optimizer
    selected_by: str | None  # the column that chose it among others of its optimizer
    is_reference: bool
    completed: int
    diverged: int
    total: int  # seeds that were declared or begun
    estimates: Mapping[str, Estimate]  # by column of metrics.csv; what was not measured lacks
    to_target: TimeToTarget | None
    difference: Difference | None
    verdict: Verdict | None  # against the reference; None where it was not asked for
    speedup: Speedup | None
    runs: tuple[StoredRun, ...] = field(repr=False)

    @property
    def finished_seeds(self) -> frozenset[int]:
        """What verdicts count: those that diverged too, of which no estimate is a mean."""
        return frozenset(run.result.seed for run in self.runs if run.finished)


@dataclass(frozen=True)
class RowBuilder:
    """Makes the rows of one problem from its settings, which are in order of rank, by label."""

    labelled: Mapping[str, Setting]
    criterion: str
    reference: Setting | None
    metric: Metric
    target: float | None
    question: Question
    choices: Choices = NOTHING_CHOSEN

    def build(self) -> tuple[SettingRow, ...]:
        """The leaders first, both parts in order of rank."""
        rows = [self._row(label, setting) for label, setting in self.labelled.items()]
        return tuple(sorted(rows, key=lambda row: not row.leads))

    @cached_property
    def _leading(self) -> dict[str, Setting]:
        """Key → setting; every one where each is judged."""
        settings = list(self.labelled.values())
        leading = (
            settings if self.question.judges_every_setting else leaders(settings, self.choices)
        )
        return {setting.key: setting for setting in leading}

    @cached_property
    def _verdicts(self) -> dict[str, Verdict]:
        """Key → verdict, of those that lead."""
        if self.reference is None:
            return {}
        others = {
            key: setting.runs
            for key, setting in self._leading.items()
            if setting is not self.reference
        }
        margin = self.question.margin
        return judge_against(self.reference.runs, others, self.metric, margin=margin)

    @cached_property
    def _rivals(self) -> Counter[str]:
        return Counter(setting.family for setting in self.labelled.values())

    @cached_property
    def _families(self) -> Counter[str]:
        return Counter(setting.family for setting in self._leading.values())

    def _row(self, label: str, setting: Setting) -> SettingRow:
        leads = setting.key in self._leading
        by_setting = self.question.judges_every_setting
        rivals = self._rivals[setting.family]
        chosen = leads and rivals > 1 and setting.completed and not by_setting
        chosen = chosen and setting.key not in self.choices.tuned  # nothing here has chosen it
        return SettingRow(
            key=setting.key,
            label=label,
            name=self._name(label, setting),
            optimizer=setting.optimizer,
            family=setting.family,
            hyperparameters=setting.hyperparameters,
            leads=leads,
            selected_by=self.criterion if chosen else None,
            is_reference=setting is self.reference,
            completed=len(setting.completed),
            diverged=len(setting.diverged),
            total=max(len(setting.runs), setting.runs[0].declared),
            estimates=estimates(setting),
            to_target=self._to_target(setting),
            difference=difference(setting, self.reference, self.metric),
            verdict=self._verdicts.get(setting.key),
            speedup=self._speedup(setting) if leads else None,
            runs=setting.runs,
        )

    def _name(self, label: str, setting: Setting) -> str:
        """The shortest that only this row has; SGD with momentum is never `sgd`."""
        alone = setting.key in self._leading and self._families[setting.family] == 1
        return setting.family if alone else label

    def _to_target(self, setting: Setting) -> TimeToTarget | None:
        if self.target is None:
            return None
        return time_to_target(setting.runs, self.metric, self.target, self.question.time_unit)

    def _speedup(self, setting: Setting) -> Speedup | None:
        if self.target is None or self.reference is None or setting is self.reference:
            return None
        theirs = self.reference.runs
        return speedup(setting.runs, theirs, self.metric, self.target, self.question.time_unit)


def estimates(setting: Setting) -> dict[str, Estimate]:
    """Mean and interval of each final metric over the completed seeds."""
    last = [run.rows[-1] for run in setting.completed if run.rows]
    columns = comparable(dict.fromkeys(name for row in last for name in row))
    finals = {column: _finals(setting.completed, column) for column in columns}
    return {column: t_interval(values) for column, values in finals.items() if values}


def difference(setting: Setting, reference: Setting | None, metric: Metric) -> Difference | None:
    """None for the reference itself, without one, and where either has no finished value."""
    if reference is None or setting is reference:
        return None
    paired = pairs(setting.completed, reference.completed)
    ours = [run for run, _ in paired] or setting.completed
    theirs = [run for _, run in paired] or reference.completed
    values, others = _finals(ours, metric.name), _finals(theirs, metric.name)
    if not values or not others or (paired and len(values) != len(others)):
        return None
    return Difference(
        paired=bool(paired),
        estimate=t_interval([a - b for a, b in zip(values, others, strict=True)])
        if paired
        else welch_interval(values, others),
        seeds=tuple(run.result.seed for run in ours),
        reference_seeds=tuple(run.result.seed for run in theirs),
        survivors_only=bool(setting.diverged or reference.diverged),
    )


def _finals(runs: Iterable[StoredRun], column: str) -> list[float]:
    return [value for run in runs if (value := final(run, column)) is not None]
