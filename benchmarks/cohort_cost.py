"""What more runs cost: seconds of one step of all of them on one thread, from 1 to 200 runs.

    python benchmarks/cohort_cost.py DATA_DIR [--sizes 1 2 5 …]

In one cohort, however large, and in cohorts as the plan cuts them. Prints JSON.
"""

from __future__ import annotations

import json
from itertools import islice

import numpy as np
from cohort import COHORT, make_data, make_runs, parser, run_step_in_cohorts

SIZES = (1, 2, 5, 10, 25, 50, 100, 200)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    given = arguments.parse_args()
    runs = make_runs(given.study, given.data_dir, seeds=max(given.sizes))
    data = make_data(runs[0], given.data_dir)
    rows = []
    for size in given.sizes:
        chosen = list(islice(runs, size))
        together = run_step_in_cohorts(chosen, data, given.rows, size=size)
        planned = run_step_in_cohorts(chosen, data, given.rows, size=COHORT)
        rows.append({"runs": size, "one": size * together, "planned": size * planned})
    print(json.dumps({"cohort": COHORT, "rows": rows, "line": line(rows)}))


def line(rows: list[dict[str, float]]) -> dict[str, float]:
    """The straight line that fits the planned cohorts' seconds best, relative to them."""
    runs, seconds = (np.array([row[key] for row in rows]) for key in ("runs", "planned"))
    design = np.stack([runs, np.ones(len(runs))], axis=1) / seconds[:, None]
    (slope, intercept), *_ = np.linalg.lstsq(design, np.ones(len(runs)), rcond=None)
    residuals = (slope * runs + intercept) / seconds - 1
    return {
        "slope": float(slope),
        "intercept": float(intercept),
        "largest_residual": float(abs(residuals).max()),
    }


if __name__ == "__main__":
    main()
