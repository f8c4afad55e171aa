"""Who goes on from a rung: decided for all trials of a bracket at once, from the rows so far.

So a decision depends on nothing that differs from one training of the same trials to the next.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from optbench.analysis.trials import higher_is_better

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optbench.store.stored_run import StoredRun
    from optbench.store.tuning import Trial

MEDIAN_OF = 5  # trials that have to be complete before the median decides, as in Optuna


def history(trial: Trial, stored: Mapping[str, StoredRun], objective: str) -> dict[float, float]:
    """Epoch → the objective then, the mean over the seeds: of the rows that all of them have.

    Empty where a run diverged or failed: such a trial does not go on.
    """
    runs = [stored[run] for run in trial.runs if run in stored]
    if len(runs) < len(trial.runs) or {run.status for run in runs} & {"diverged", "failed"}:
        return {}
    found = [_column(run, objective) for run in runs]
    common = set(found[0]).intersection(*found[1:])
    means = {epoch: statistics.fmean(rows[epoch] for rows in found) for epoch in common}
    return {epoch: mean for epoch, mean in sorted(means.items()) if math.isfinite(mean)}


def best_ones(
    histories: Mapping[int, Mapping[float, float]], rung: int, count: int, objective: str
) -> set[int]:
    """The numbers of so many trials with the best values at a rung; of equals the first."""
    sign = -1.0 if higher_is_better(objective) else 1.0
    ranked = sorted(
        (sign * value, number)
        for number, told in histories.items()
        if (value := at(told, rung)) is not None
    )
    return {number for _, number in ranked[:count]}


def above_median(
    histories: Mapping[int, Mapping[float, float]],
    rung: int,
    complete: Sequence[Mapping[float, float]],
    objective: str,
) -> set[int]:
    """The numbers of trials whose best value so far is no worse than the median at a rung.

    The median is over trials that were complete before; with fewer than five all go on. Golovin
    et al., "Google Vizier", KDD 2017, with Optuna's choice of what is compared.
    """
    sign = -1.0 if higher_is_better(objective) else 1.0
    known = [value for told in complete if (value := at(told, rung)) is not None]
    told = {number: one for number, one in histories.items() if at(one, rung) is not None}
    if len(known) < MEDIAN_OF:
        return set(told)
    median = sign * statistics.median(known)
    return {
        number
        for number, one in told.items()
        if min(sign * value for epoch, value in one.items() if epoch <= rung) <= median
    }


def at(told: Mapping[float, float], rung: int) -> float | None:
    """The value at the last evaluation up to a rung."""
    epochs = [epoch for epoch in told if epoch <= rung]
    return told[max(epochs)] if epochs else None


def _column(run: StoredRun, objective: str) -> dict[float, float]:
    found = ((row["epoch"], row.get(objective)) for row in run.rows)
    return {epoch: value for epoch, value in found if epoch and value is not None}
