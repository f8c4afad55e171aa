"""What Ray costs: a task, a study beside worker processes, and the store's intake of results.

    python benchmarks/ray_cost.py DATA_DIR [--study benchmarks/study.yaml] [--runs 10000]
        [--parts tasks intake study] [--store FOLDER]

Needs Ray. `--store` is where the intake writes: what a disk takes decides it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import zip_longest
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import children
from children import HERE, ROOT

from optbench.execution.cluster.attempt import Attempt
from optbench.execution.cluster.connection import RayOptions, connected
from optbench.execution.cluster.messages import Order, packed
from optbench.execution.cluster.study import UNREAD, WRITERS, Study
from optbench.execution.cluster.task import train_cohort, versions
from optbench.execution.data import load_data
from optbench.execution.signals import Interruptions
from optbench.execution.study import Options, load_experiments, plan_runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

TASKS = 500
COHORT = 50
NODES = 16  # that tell of a cohort at the same time
SMALL = {
    "dataset": {"name": "synthetic", "train": 75, "test": 30, "features": 6, "classes": 3},
    "model": {"name": "mlp", "hidden": [5]},
    "optimizer": {"name": "adam", "lr": 0.01},
    "training": {"epochs": 1, "batch_size": 25},
}


def tasks() -> dict[str, float]:
    """Milliseconds of a cohort without a run: one after the other, and with two processors busy."""
    with connected(RayOptions(), 2, Interruptions()) as ray:
        streaming = {"num_returns": "streaming", "_generator_backpressure_num_objects": UNREAD}
        task = ray.remote(train_cohort).options(num_cpus=1, max_retries=0, **streaming)
        begin = partial(task.remote, versions(), packed([]), None)

        def heard(streams: list[Any]) -> None:
            for stream in streams:
                for told in stream:
                    ray.get(told)

        heard([begin() for _ in range(20)])  # torch is imported by the first
        began = perf_counter()
        for _ in range(TASKS):
            heard([begin()])
        alone = perf_counter() - began
        began = perf_counter()
        heard([begin() for _ in range(TASKS)])
        together = perf_counter() - began
    return {"alone_ms": 1000 * alone / TASKS, "together_ms": 1000 * together / TASKS}


def intake(runs: int, store: Path | None) -> dict[str, float]:
    """Runs of one epoch a second from what nodes tell, recorded before, into a store."""
    with tempfile.TemporaryDirectory(dir=store) as folder:
        path = Path(folder) / "small.json"
        path.write_text(json.dumps(SMALL | {"seeds": runs}))
        options = Options(runs_dir=Path(folder) / "runs")
        plan = plan_runs(load_experiments([path], options), options, lambda _: None)
        data = load_data(plan.runs[0].run.setting, Path(folder))
        node = {"NodeID": "", "Alive": True, "Resources": {"CPU": 2.0, "memory": 8e9}}
        idle = SimpleNamespace(nodes=lambda: [node], remote=lambda function: function)
        order = Order(plan, Path(folder), RayOptions(), 2)
        study = Study(idle, order, lambda _: None, Interruptions(), {})
        cohorts = [
            tuple(range(first, min(first + COHORT, runs))) for first in range(0, runs, COHORT)
        ]
        told, seconds = [], 0.0
        for cohort in cohorts:
            began = perf_counter()
            attempt = Attempt(plan, cohort)
            list(attempt.claim())
            assigned = packed(attempt.assigned())
            seconds += perf_counter() - began
            told.append((attempt, list(train_cohort(versions(), assigned, data))))
        began = perf_counter()
        with ThreadPoolExecutor(WRITERS) as writers:
            for first in range(0, len(told), NODES):
                _store(study, told[first : first + NODES], writers)
        seconds += perf_counter() - began
        stored = len(list((Path(folder) / "runs").glob("*/*/weights.pt")))
    if stored != runs:
        raise RuntimeError(f"{stored} of {runs} runs were stored")
    return {"runs": runs, "runs_per_second": runs / seconds}


def _store(study: Study, told: list[tuple[Attempt, list[bytes]]], writers: Executor) -> None:
    """What cohorts that train at the same time tell, a message of each after the other."""
    for contents in zip_longest(*(contents for _, contents in told)):
        heard = zip((attempt for attempt, _ in told), contents, strict=True)
        study.take([(attempt, content) for attempt, content in heard if content], writers)
    for attempt, _ in told:
        attempt.release()


def whole_study(path: Path, data_dir: Path) -> dict[str, float]:
    """Seconds of the command in worker processes and on Ray; whether the bytes are the same."""
    found: dict[str, float] = {}
    bytes_of: list[dict[str, bytes]] = []
    with tempfile.TemporaryDirectory() as folder:
        for executor in ("local", "ray"):
            runs = Path(folder) / executor
            words: list[str | Path] = [sys.executable, "-m", "optbench", "run", path, "--quiet"]
            words += ["--data-dir", data_dir, "--runs-dir", runs, "--workers", "2"]
            began = perf_counter()
            children.run([*words, "--executor", executor])
            found[f"{executor}_seconds"] = perf_counter() - began
            bytes_of.append({p.parent.name: p.read_bytes() for p in runs.rglob("metrics.csv")})
    return found | {"same_bytes": bytes_of[0] == bytes_of[1], "runs": len(bytes_of[0])}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data_dir", type=Path)
    arguments.add_argument("--study", type=Path, default=HERE / "study.yaml")
    arguments.add_argument("--runs", type=int, default=10_000)
    arguments.add_argument("--store", type=Path)
    arguments.add_argument("--parts", nargs="+", default=["tasks", "intake", "study"])
    given = arguments.parse_args()
    os.environ.setdefault("PYTHONPATH", str(ROOT))
    measure: dict[str, Callable[[], dict[str, float]]] = {
        "tasks": tasks,
        "intake": partial(intake, given.runs, given.store),
        "study": partial(whole_study, given.study.resolve(), given.data_dir.resolve()),
    }
    print(json.dumps({part: measure[part]() for part in given.parts}))


if __name__ == "__main__":
    main()
