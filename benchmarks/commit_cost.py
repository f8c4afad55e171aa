"""What commits cost: a run and a cohort of five trained with all that is stored, and with nothing.

    python benchmarks/commit_cost.py DATA_DIR [--rounds 3]

A process each, in turn; seconds from a run's start to its stored end. Also how long a checkpoint of
the run (100,000 parameters, Adam) keeps it from training, and until the disk has it. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import children
from children import HERE, ROOT

SEEDS = {"run": "1", "cohort": "5"}
UNSTORED = (
    "write_config", "sync_config", "write_checkpoint", "sync_checkpoint", "delete_checkpoints",
    "write_progress", "write_end",
)  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data_dir", type=Path)
    arguments.add_argument("--config", type=Path, default=ROOT / "configs" / "adam_mnist.yaml")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--piece", nargs=2, help="train these seeds, storing `all` or `nothing`")
    given = arguments.parse_args()
    config, data_dir = given.config.resolve(), given.data_dir.resolve()
    if given.piece:
        print(json.dumps(piece(config, data_dir, *given.piece)))
        return
    this: list[str | Path] = [sys.executable, HERE / "commit_cost.py", data_dir]
    this += ["--config", config, "--piece"]
    found: dict[str, Any] = {"rounds": given.rounds}
    for name, seeds in SEEDS.items():
        pieces: dict[str, list[dict[str, Any]]] = {"all": [], "nothing": []}
        for _ in range(given.rounds):
            for stored, told in pieces.items():
                told.append(json.loads(children.run([*this, seeds, stored]).out.splitlines()[-1]))
        found[name] = {k: median(each["seconds"] for each in v) for k, v in pieces.items()}
        if name == "run":
            commits = [each["commits"] for each in pieces["all"]]
            for key in ("stands", "synced"):
                found[key] = median(commit[key] for each in commits for commit in each)
    print(json.dumps(found))


def piece(config: Path, data_dir: Path, seeds: str, stored: str) -> dict[str, Any]:
    """Seconds from the first start to the last end, and of each commit."""
    from optbench.execution.study import Options, load_experiments, plan_runs, train_plan
    from optbench.training.events import Ended, Started

    commits = listen() if stored == "all" else drop_everything()
    store = ROOT / "runs"  # the system's folder of temporary files may be in memory
    store.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store) as scratch:
        options = Options(
            seeds=seeds, device="cpu", data_dir=data_dir, runs_dir=Path(scratch), workers=1,
            allow_fallback=False,
        )  # fmt: skip
        plan = plan_runs(load_experiments([config], options), options, lambda _: None)
        began = ended = 0.0
        for event in train_plan(plan, options):
            if isinstance(event, Started):
                began = began or perf_counter()
            elif isinstance(event, Ended):
                ended = perf_counter()
    return {"seconds": ended - began, "commits": commits}


def drop_everything() -> list[dict[str, float]]:
    from optbench.execution.recorder import Recorder
    from optbench.store.rundir import RunDirectory

    for name in UNSTORED:
        setattr(RunDirectory, name, lambda *_: None)
    Recorder.commit = lambda *_: None  # type: ignore[method-assign]
    return []


def listen() -> list[dict[str, float]]:
    """Seconds that each commit keeps its run from training, and until the disk has it."""
    from optbench.execution.recorder import Recorder
    from optbench.store.rundir import RunDirectory

    commits: list[dict[str, float]] = []
    newest: dict[Path, dict[str, float]] = {}  # of each run
    commit, sync = Recorder.commit, RunDirectory.sync_checkpoint

    def timed(self: Recorder, *arguments: Any) -> None:
        began = perf_counter()
        told = newest[self.directory.path] = {"began": began}
        commits.append(told)
        commit(self, *arguments)
        told["stands"] = perf_counter() - began

    def synced(self: RunDirectory) -> None:
        told = newest[self.path]
        sync(self)
        told["synced"] = perf_counter() - told["began"]

    Recorder.commit = timed  # type: ignore[assignment, method-assign]
    RunDirectory.sync_checkpoint = synced  # type: ignore[method-assign]
    return commits


if __name__ == "__main__":
    main()
