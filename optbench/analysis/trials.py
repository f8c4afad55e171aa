"""What became of the trials of a search, and which of them is the best: by validation alone."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from optbench.analysis.metric import Metric
from optbench.analysis.target import final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optbench.store.stored_run import StoredRun
    from optbench.store.tuning import Study, Trial

Fate = Literal["completed", "diverged", "pruned", "failed", "missing"]


@dataclass(frozen=True)
class Outcome:
    """A trial, its runs that are there, and what they show.

    `value` is the mean over its seeds of the objective's last value; `worst` where one diverged,
    that of the epoch where it was stopped if it was pruned, None where a run failed or is missing.
    `epochs` are those that its runs used, all together.
    """

    trial: Trial
    runs: tuple[StoredRun, ...]
    status: Fate
    value: float | None
    epochs: float


def higher_is_better(objective: str) -> bool:
    """Whether a larger value of the objective is the better one."""
    return Metric(objective).higher_is_better


def worst(objective: str) -> float:
    """The value of a trial that diverged: worse than any that did not."""
    return -math.inf if higher_is_better(objective) else math.inf


def outcomes(study: Study, runs: Iterable[StoredRun]) -> dict[str, tuple[Outcome, ...]]:
    """The trials of each contender, by its label, in the order of their numbers."""
    stored = {run.result.run: run for run in runs}
    return {
        contender.label: tuple(
            outcome(trial, stored, study.objective) for trial in contender.trials
        )
        for contender in study.contenders
    }


def outcome(trial: Trial, stored: Mapping[str, StoredRun], objective: str) -> Outcome:
    """What became of one trial; `stored` are runs by their hashes."""
    runs = tuple(stored[run] for run in trial.runs if run in stored)
    status = _fate(trial, runs)
    return Outcome(trial, runs, status, _value(runs, status, objective), sum(map(_epochs, runs)))


def best(found: Iterable[Outcome], objective: str) -> Outcome | None:
    """The completed trial with the best value, of equals the first; None where there is none."""
    sign = -1.0 if higher_is_better(objective) else 1.0
    ranked = [
        (sign * one.value, one.trial.number, one)
        for one in found
        if one.status == "completed" and one.value is not None
    ]
    return min(ranked, key=lambda entry: entry[:2])[2] if ranked else None


def _fate(trial: Trial, runs: tuple[StoredRun, ...]) -> Fate:
    """That of its worst run."""
    fates = {run.status for run in runs}
    if "diverged" in fates:
        return "diverged"
    if "failed" in fates:
        return "failed"
    if len(runs) < len(trial.runs) or not fates <= {"completed", "pruned"}:
        return "missing"
    return "pruned" if "pruned" in fates else "completed"


def _value(runs: tuple[StoredRun, ...], status: Fate, objective: str) -> float | None:
    if status == "diverged":
        return worst(objective)
    if status not in ("completed", "pruned"):
        return None
    values = [final(run, objective) for run in runs]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    mean = statistics.fmean(known)
    return mean if math.isfinite(mean) else worst(objective)


def _epochs(run: StoredRun) -> float:
    return (run.result.last or {}).get("epoch") or 0.0
