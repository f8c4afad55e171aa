"""A random search of 200 trials: `optbench tune` against Optuna driving the hand-tuned loop.

    python benchmarks/tuning_speed.py DATA_DIR [--rounds 2] [--search FILE] [--trials 200]
        [--epochs 5] [--piece 8] [--peers PYTHON]

optbench searches all of it, start-up, storing and the comparison at the end included: two further
runs, of the best setting and of the default one. Of Optuna's search a piece is timed, in one
process and in two at a time, each of `piece` trials; its search is

    start-up + trials × seconds of a trial / processes at a time

They take turns, so that what slows the machine slows all. Prints JSON with medians.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

import children
from children import HERE, Child

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data_dir", type=Path)
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--search", type=Path, default=HERE / "tuning.yaml")
    arguments.add_argument("--trials", type=int, default=200)
    arguments.add_argument("--epochs", type=int, default=5)
    arguments.add_argument("--piece", type=int, default=8)
    arguments.add_argument("--held-out", type=int, default=5_000, help="images, of Optuna's search")
    arguments.add_argument("--peers", default=sys.executable, help="a Python that has Optuna")
    given = arguments.parse_args()
    contestants: dict[str, Callable[[argparse.Namespace], float]] = {
        "one process": partial(optuna, at_a_time=1),
        "optbench": optbench,
        "two processes": partial(optuna, at_a_time=2),
    }
    laps: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(given.rounds):
        for name, contestant in contestants.items():
            laps[name].append(contestant(given))
            print(f"{name}: {laps[name][-1]:.1f} s", file=sys.stderr, flush=True)
    told: dict[str, Any] = {name: getattr(given, name) for name in ("rounds", "trials", "epochs")}
    print(json.dumps(told | {"seconds": {name: median(its) for name, its in laps.items()}}))


def optuna(given: argparse.Namespace, at_a_time: int) -> float:
    """Seconds of all trials, of which a piece in each process is timed."""
    commands = [
        [
            given.peers, HERE / "with_optuna_search.py", given.data_dir.resolve(),
            "--trials", str(given.piece), "--epochs", str(given.epochs), "--seed", str(seed),
            "--held-out", str(given.held_out),
        ]
        for seed in range(at_a_time)
    ]  # fmt: skip
    pieces = children.run_together(commands)
    searched = [_seconds(child) for child in pieces]
    start_up = max(child.seconds - seconds for child, seconds in zip(pieces, searched, strict=True))
    return float(start_up + given.trials * mean(searched) / given.piece / at_a_time)


def _seconds(child: Child) -> float:
    return float(json.loads(child.out.splitlines()[-1])["seconds"])


def optbench(given: argparse.Namespace) -> float:
    """Seconds of the whole command."""
    with tempfile.TemporaryDirectory() as runs_dir:
        command: list[str | Path] = [
            sys.executable, "-m", "optbench", "tune", given.search.resolve(),
            "--data-dir", given.data_dir.resolve(), "--runs-dir", runs_dir, "--quiet",
            "--no-fallback", "--device", "cpu", "--trials", str(given.trials),
            "--set", f"training.epochs={given.epochs}",
        ]  # fmt: skip
        return children.run(command).seconds


if __name__ == "__main__":
    main()
