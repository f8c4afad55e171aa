"""Finished runs for Python: as a data frame, and compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from optbench.analysis import comparison
from optbench.analysis.question import Question
from optbench.analysis.search import with_searches
from optbench.store.scan import scan
from optbench.store.tuning import studies

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars

    from optbench.report.notebook import Shown


def load_runs(runs_dir: str | Path = "runs") -> polars.DataFrame:
    """A tidy polars frame: a row an evaluation, a column a metric and a hyperparameter.

    Raises `UsageError` where there are no runs.
    """
    from optbench.analysis.frames import to_frame

    return to_frame(scan(Path(runs_dir)).runs)


def compare(
    runs_dir: str | Path = "runs",
    *,
    reference: str | None = None,
    metric: str = "test_accuracy",
    target: float | None = None,
    where: Sequence[str] = (),
    margin: float | None = None,
    by: str = "optimizer",
    unit: str = "steps",
) -> Shown:
    """What `optbench compare` shows, as data that shows itself; the arguments are its options.

    Raises `UsageError` where there are no finished runs, and for unknown names.
    """
    from optbench.report.notebook import Shown

    runs = scan(Path(runs_dir)).runs
    question = Question(metric, reference, target, tuple(where), margin, by, unit)
    compared = comparison.compare(runs, question, studies(Path(runs_dir)))
    return Shown.of(with_searches(compared, [Path(runs_dir)]))
