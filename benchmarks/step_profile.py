"""Where the time of a cohort's step goes, on one thread.

    python benchmarks/step_profile.py DATA_DIR

torch's profiler tells the seconds of each operation; the step's seconds are taken without it, and
what the operations leave of them is Python and what starts them. Prints JSON.
"""

from __future__ import annotations

import json
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING

from cohort import COHORT, CPU, make_data, make_runs, parser, run_step
from torch.profiler import ProfilerActivity, profile

from optbench.training.device import reproducible
from optbench.training.learner import Learner
from optbench.training.loop import READ_EVERY, train
from optbench.training.records import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.config.spec import Run
    from optbench.training.data import DeviceData
    from optbench.training.records import Record

WARM_UP = 50  # steps
ROUNDS = 3
RARELY = 100_000  # steps: evaluations are no part of a step
KINDS = {
    "matrix products": ("mm", "linear_pointwise"),
    "optimizer": ("_fused_adam", "_foreach", "Optimizer"),
    "batches": ("index_select", "aten::div", "randperm"),
}
SMALL = "small operations"
PYTHON = "Python and starting operations"


def main() -> None:
    given = parser(__doc__).parse_args()
    runs = make_runs(given.study, given.data_dir, seeds=1)[:COHORT]
    data = make_data(runs[0], given.data_dir)
    without_rows = make_runs(given.study, given.data_dir, seeds=1, row_steps=RARELY)[:COHORT]
    steps, profiles = [], []
    for _ in range(ROUNDS):
        steps.append(run_step(runs, data, given.rows))
        profiles.append(profiled(without_rows, data, given.rows * READ_EVERY))
    step = median(steps)
    kinds = {kind: median(found[kind] for found in profiles) for kind in (*KINDS, SMALL)}
    kinds[PYTHON] = max(step - sum(kinds.values()), 0)
    print(json.dumps({"cohort": COHORT, "step": step, "kinds": kinds}))


def profiled(runs: Sequence[Run], data: DeviceData, steps: int) -> dict[str, float]:
    """Seconds a run-step in the operations of each kind."""
    with reproducible(CPU):
        records = train([Learner(run, data) for run in runs])
        _until(records, WARM_UP)
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            last = _until(records, WARM_UP + steps)
    found: dict[str, float] = defaultdict(float)
    for event in profiler.key_averages():
        found[_kind(event.key)] += event.self_cpu_time_total / 1e6 / (len(runs) * (last - WARM_UP))
    return found


def _until(records: Iterator[Record], steps: int) -> int:
    """Train until so many steps are done."""
    return next(r.steps for r in records if isinstance(r, Step) and r.steps >= steps)


def _kind(operation: str) -> str:
    names = (kind for kind, parts in KINDS.items() if any(part in operation for part in parts))
    return next(names, SMALL)


if __name__ == "__main__":
    main()
