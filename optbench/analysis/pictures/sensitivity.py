"""Learning-rate sensitivity: the final selection loss of each seed along a grid of lr.

After Wortsman et al., "Small-scale proxies for large-scale transformer training
instabilities", 2023: a run counts at most as its untrained loss.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.pictures.series import Series, family, numbered
from optbench.analysis.statistics.lr_sensitivity import Sensitivity, lr_sensitivity
from optbench.analysis.target import final
from optbench.config.spec import format_value
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.rows import SettingRow
    from optbench.store.stored_run import StoredRun


@dataclass(frozen=True)
class Trial:
    """One run: its final loss, at most the untrained one."""

    seed: int
    loss: float
    diverged: bool


@dataclass(frozen=True)
class Stop:
    """One learning rate of a grid: its runs, and their mean loss."""

    lr: float
    trials: tuple[Trial, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(trial.loss for trial in self.trials)

    @property
    def diverged(self) -> int:
        return sum(trial.diverged for trial in self.trials)


@dataclass(frozen=True)
class LrCurve:
    """Settings that differ in the learning rate alone, by learning rate."""

    series: Series
    stops: tuple[Stop, ...]

    @property
    def best(self) -> Stop:
        """Where the mean loss is least."""
        return min(self.stops, key=lambda stop: stop.mean)

    @property
    def sensitivity(self) -> Sensitivity | None:
        """What the choice of the learning rate costs, over the seeds that all of them have.

        None for one learning rate, and without such seeds.
        """
        rows = {stop.lr: {trial.seed: trial.loss for trial in stop.trials} for stop in self.stops}
        seeds = sorted(set.intersection(*(set(row) for row in rows.values())))
        losses = {lr: [row[seed] for seed in seeds] for lr, row in rows.items()}
        return lr_sensitivity(losses, losses) if seeds else None  # capped already


@dataclass(frozen=True)
class ProblemSensitivity:
    """A problem's curves; `untrained` is the mean loss of row 0 where it was measured."""

    label: str
    criterion: str
    untrained: float | None
    curves: tuple[LrCurve, ...]
    left_out: int  # further grids of the same optimizers


def problem_sensitivities(comparison: Comparison) -> tuple[ProblemSensitivity, ...]:
    """The problems with a grid of learning rates; UsageError where no optimizer has two."""
    found = tuple(filter(None, map(problem_sensitivity, comparison.problems)))
    if not found:
        raise UsageError(
            "no optimizer was run with two learning rates, so there is no sensitivity to draw; "
            "write lr: {logspace: [1e-4, 1e-1, 7]} in the experiment"
        )
    return found


def problem_sensitivity(problem: ProblemComparison) -> ProblemSensitivity | None:
    """The curves of the optimizers that were run with several learning rates; None without."""
    grids = _grids(problem)
    shown = [rows for rows in grids if len(rows) > 1 and any(row.leads for row in rows)]
    if not shown:
        return None
    runs = [run for rows in shown for row in rows for run in row.runs if run.finished]
    untrained = [loss for run in runs if (loss := _untrained(run, problem.criterion)) is not None]
    named = zip(numbered(_names(shown)), shown, strict=True)
    curves = [LrCurve(series, tuple(_stops(rows, problem.criterion))) for series, rows in named]
    return ProblemSensitivity(
        label=problem.label,
        criterion=problem.criterion,
        untrained=statistics.fmean(untrained) if untrained else None,
        curves=tuple(curve for curve in curves if curve.stops),
        left_out=sum(len(rows) > 1 for rows in grids) - len(shown),
    )


def _grids(problem: ProblemComparison) -> list[list[SettingRow]]:
    """Rows that share everything but the learning rate, in order of the best of each."""
    grids: dict[object, list[SettingRow]] = defaultdict(list)
    for row in problem.rows:
        lr = row.hyperparameters.get("lr")
        if isinstance(lr, float | int) and lr > 0 and row.completed + row.diverged:
            grids[_without_lr(row)].append(row)
    return list(grids.values())


def _without_lr(row: SettingRow) -> tuple[object, ...]:
    rest = [(k, format_value(v)) for k, v in row.hyperparameters.items() if k != "lr"]
    return (row.optimizer, *sorted(rest))


def _names(grids: Sequence[Sequence[SettingRow]]) -> list[tuple[str, str]]:
    """Label and family of each grid; the label tells grids of one family apart."""
    families = [family(rows[0]) for rows in grids]
    return [
        (kin if families.count(kin) == 1 else _told(rows[0], kin, grids), kin)
        for kin, rows in zip(families, grids, strict=True)
    ]


def _told(row: SettingRow, kin: str, grids: Iterable[Sequence[SettingRow]]) -> str:
    rivals = [rows[0].hyperparameters for rows in grids if family(rows[0]) == kin]
    values = row.hyperparameters
    told = [
        f"{name}={format_value(value)}"
        for name, value in values.items()
        if name != "lr" and any(rival.get(name) != value for rival in rivals)
    ]
    return " ".join([kin, *told])


def _stops(rows: Iterable[SettingRow], criterion: str) -> list[Stop]:
    stops = []
    for row in sorted(rows, key=lambda row: float(row.hyperparameters["lr"])):
        trials = [trial for run in row.runs if (trial := _trial(run, criterion)) is not None]
        if trials:
            stops.append(Stop(float(row.hyperparameters["lr"]), tuple(trials)))
    return stops


def _trial(run: StoredRun, criterion: str) -> Trial | None:
    """None for a run that ended early, and where there is no finite loss to show."""
    if not run.finished or not run.rows:
        return None
    diverged = run.status == "diverged"
    start, end = _untrained(run, criterion), final(run, criterion)
    known = [loss for loss in (start, end) if loss is not None and math.isfinite(loss)]
    if not known:
        return None
    worst = start if diverged and start is not None else min(known)
    return Trial(run.result.seed, worst, diverged)


def _untrained(run: StoredRun, criterion: str) -> float | None:
    """The loss of row 0, where it was measured and is finite."""
    loss = run.rows[0].get(criterion) if run.rows else None
    return loss if loss is not None and math.isfinite(loss) else None
