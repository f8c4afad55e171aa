"""How long `optbench compare` takes, and how much memory, over more and more runs.

    python benchmarks/compare_speed.py [--sizes 100 300 1000 3000 10000] [--rounds 3]
        [--chart docs/compare_speed.svg]

Writes stores of runs of 20 epochs (eight seeds a setting, all of one problem, as the run command
would) and compares each in a process of its own. The files are in the system's cache then; the
first reading of a cold disk takes what the disk takes.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.store.result import Cohort, Hashes, Labels, Result, Sizes
from optbench.store.rundir import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.store.metrics import Row

EPOCHS = 20
SEEDS = 8
STEPS_PER_EPOCH = 860
EXAMPLES = 55_000
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {"betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0, "amsgrad": False},
    "adamw": {"betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01, "amsgrad": False},
    "rmsprop": {"alpha": 0.99, "eps": 1e-8, "weight_decay": 0, "momentum": 0},
    "sgd": {"momentum": 0, "weight_decay": 0, "nesterov": False},
}
PROBLEM = "mnist · mlp 784-128-10 · cross entropy"
ENVIRONMENT: dict[str, str | float | int | None] = {
    "optbench": "0.1.0",
    "python": "3.11.9",
    "torch": "2.10.0",
    "device": "cpu",
    "threads": 1,
    "processor": "a processor",
    "host": "a host",
}


@dataclass(frozen=True)
class Cost:
    """Wall seconds and peak resident megabytes of one process."""

    seconds: float
    megabytes: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000, 3000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chart", type=Path, help="draw the medians: .svg or .png")
    arguments = parser.parse_args()
    medians = {}
    with tempfile.TemporaryDirectory() as scratch:
        for size in arguments.sizes:
            store = Path(scratch) / str(size)
            write_store(store, size)
            costs = [cost_of("compare", store) for _ in range(arguments.rounds)]
            medians[size] = Cost(
                statistics.median(cost.seconds for cost in costs),
                max(cost.megabytes for cost in costs),
            )
            print(
                f"{size:>6,} runs  {medians[size].seconds:6.2f} s  "
                f"{medians[size].megabytes:5,.0f} MB",
                flush=True,
            )
    if arguments.chart:
        draw(medians, arguments.chart)


def write_store(root: Path, size: int) -> None:
    """`size` finished runs: settings of four optimizers at growing learning rates, 8 seeds each."""
    settings = math.ceil(size / SEEDS)
    names = sorted(OPTIMIZERS)
    for number in range(size):
        setting, seed = divmod(number, SEEDS)
        name = names[setting % len(names)]
        lr = float(f"{10 ** (-5 + 5 * setting / settings):.4g}")
        write_run(root, {"name": name, "lr": lr} | OPTIMIZERS[name], seed)


def write_run(root: Path, optimizer: dict[str, Any], seed: int) -> None:
    rows = make_rows(f"{optimizer} {seed}", optimizer["lr"])
    result = make_result(optimizer, seed, rows)
    directory = RunDirectory(root / "sweep" / f"{optimizer['name']}-s{seed}-{result.run[:8]}")
    directory.create()
    directory.write_progress(rows, [(int(row["steps"] or 0), 1.5, 0.25) for row in rows], result)


def make_rows(name: str, lr: float) -> list[Row]:
    """Curves that look like training, with all the digits that training gives."""
    chance = random.Random(name)  # noqa: S311  (no secret)
    error = 0.02 + 0.01 * abs(math.log10(lr) + 2.5)
    return [_row(epoch, lr, error + 0.9 * math.exp(-epoch) + chance.gauss(0, 5e-4), chance)
            for epoch in range(EPOCHS + 1)]  # fmt: skip


def _row(epoch: int, lr: float, error: float, chance: random.Random) -> Row:
    row: Row = {
        "epoch": epoch,
        "steps": STEPS_PER_EPOCH * epoch,
        "examples": EXAMPLES * epoch,
        "lr": lr if epoch else None,
    }
    for part in ("train", "val", "test"):
        row[f"{part}_loss"] = 3 * error + chance.gauss(0, 1e-3)
        row[f"{part}_accuracy"] = 1 - error + chance.gauss(0, 1e-3)
    for norm in ("grad_norm", "update_norm", "param_norm"):
        row[norm] = chance.uniform(1, 10) if epoch or norm == "param_norm" else None
    return row


def make_result(optimizer: dict[str, Any], seed: int, rows: Sequence[Row]) -> Result:
    setting = digest(str(optimizer))
    return Result(
        status="completed",
        reason=None,
        experiment="sweep",
        run=digest(f"{setting} {seed}"),
        setting=setting,
        problem=digest(PROBLEM),
        seed=seed,
        declared_seeds=SEEDS,
        labels=Labels(PROBLEM, f"{optimizer['name']} lr={optimizer['lr']:g}"),
        config=make_config(optimizer, seed),
        requested_dataset=None,
        sizes=Sizes(EXAMPLES, 5000, 10_000, 101_770, STEPS_PER_EPOCH),
        last=rows[-1],
        best=rows[-1],
        state_bytes_per_parameter=8.0,
        hashes=Hashes(digest("data"), digest(f"weights {seed}"), digest(f"order {seed}")),
        environment=ENVIRONMENT,
        cohort=Cohort(1, stacked=False, reason="one run"),
        started="2026-11-22T15:00:00+00:00",
        finished="2026-11-22T15:00:36+00:00",
        seconds=36.75,
        files={},
    )


def make_config(optimizer: dict[str, Any], seed: int) -> dict[str, Any]:
    return {
        "name": "sweep",
        "dataset": {"name": "mnist", "train": None, "test": None, "validation": 5000},
        "model": {"name": "mlp", "hidden": [128], "activation": "relu", "dropout": 0},
        "optimizer": optimizer,
        "schedule": {"name": "constant"},
        "training": {"epochs": EPOCHS, "batch_size": 64, "loss": "cross_entropy"},
        "seeds": [seed],
        "device": "auto",
    }


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def cost_of(*arguments: str | Path) -> Cost:
    """What one `optbench` process costs; RuntimeError if it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "optbench", *map(str, arguments)], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"optbench ended with exit code {process.returncode}")
    return Cost(seconds, usage.ru_maxrss / 1024)


def draw(medians: dict[int, Cost], path: Path) -> None:
    """Seconds and megabytes over runs; a line through the first and the last shows what is even."""
    import altair
    import polars

    rows = [
        {"runs": size, "measure": measure, "value": value}
        for size, cost in sorted(medians.items())
        for measure, value in (("seconds", cost.seconds), ("megabytes", cost.megabytes))
    ]
    ends = f"datum.runs == {min(medians)} || datum.runs == {max(medians)}"
    base = altair.Chart().encode(x=altair.X("runs:Q"), y=altair.Y("value:Q", title=None))
    even = base.transform_filter(ends).mark_line(color="#999999", strokeDash=[4, 3])
    measured = base.mark_line(color="#0072b2", point={"color": "#0072b2"})
    panel = altair.layer(even, measured, data=polars.DataFrame(rows)).properties(
        width=320, height=200
    )
    column = altair.Column("measure:N", title=None, sort="descending")
    panel.facet(column=column).resolve_scale(y="independent").save(path)


if __name__ == "__main__":
    main()
