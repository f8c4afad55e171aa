"""Small models, where starting an operation costs more than its arithmetic: a run-step's seconds.

    python benchmarks/small_models.py

The hand-tuned loop, and cohorts of 1, 5 and 50 runs, on one thread each; Adam, batch 64, data
that come with optbench. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from cohort import make_data, make_runs, run_step
from hand_tuned import Split, make_optimizer, one_thread, train
from torch import nn

if TYPE_CHECKING:
    from optbench.training import data as training_data

SIZES = (1, 5, 50)
EPOCHS = 20
POINTS = {"name": "synthetic", "features": 2, "classes": 2, "train": 1437, "test": 360}
DIGITS = {"name": "digits"}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=4)
    given = arguments.parse_args()
    one_thread()
    found = {
        "2-4-2 on points": measured(POINTS, (2, 4, 2), given.rows),
        "logistic 64-10 on digits": measured(DIGITS, (64, 10), given.rows),
        "64-32-10 on digits": measured(DIGITS, (64, 32, 10), given.rows),
    }
    print(json.dumps(found))


def measured(dataset: dict[str, Any], widths: tuple[int, ...], rows: int) -> dict[str, float]:
    """Seconds a run-step of the hand-tuned loop, and of cohorts by their size."""
    hidden = list(widths[1:-1])
    model: dict[str, Any] = {"name": "mlp", "hidden": hidden} if hidden else {"name": "logistic"}
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "small.yaml"
        content = {"dataset": dataset, "model": model, "optimizer": {"name": "adam", "lr": 1e-3}}
        file.write_text(json.dumps(content))
        runs = make_runs(file, Path(scratch), seeds=max(SIZES))
        data = make_data(runs[0], Path(scratch))
    alone = {"hand-tuned": plain_step(widths, _flat(data.train), _flat(data.test))}
    return alone | {str(size): run_step(runs[:size], data, rows) for size in SIZES}


def plain_step(widths: tuple[int, ...], data: Split, test: Split) -> float:
    """Seconds a step of the hand-tuned loop: the median over epochs but the first."""
    model = chain(widths)
    epochs = train(model, make_optimizer("adam", model, 1e-3), data, test)
    trained = [next(epochs).train_seconds for _ in range(EPOCHS)]
    return median(trained[1:]) / -(-len(data.targets) // 64)


def chain(widths: tuple[int, ...]) -> nn.Sequential:
    first, *rest = (nn.Linear(inputs, outputs) for inputs, outputs in pairwise(widths))
    return nn.Sequential(first, *(layer for linear in rest for layer in (nn.ReLU(), linear)))


def _flat(split: training_data.Split) -> Split:
    return Split(split.inputs.flatten(1), split.targets)


if __name__ == "__main__":
    main()
