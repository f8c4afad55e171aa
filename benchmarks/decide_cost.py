"""How long `optbench run` takes to find that all of a study is finished.

    python benchmarks/decide_cost.py [--runs 1000] [--rounds 5]

Trains the study first, on a few examples. Prints JSON: wall seconds of the whole command.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from children import run

STUDY = {
    "dataset": {"name": "synthetic", "train": 64, "test": 16},
    "model": "logistic",
    "optimizer": [
        {"name": "adam", "lr": {"logspace": [1e-4, 1e-1, 10]}},
        {"name": "sgd", "lr": {"logspace": [1e-3, 1, 10]}},
    ],
    "training": {"epochs": 5},
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=1000, help="a multiple of 20")
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "study.yaml"
        file.write_text(json.dumps(STUDY | {"seeds": given.runs // 20}))
        runs_dir = Path(scratch) / "runs"
        command: list[str | Path] = [sys.executable, "-m", "optbench", "run", file, "--quiet"]
        command += ["--runs-dir", runs_dir]
        trained = run(command).seconds
        seconds = median(run(command).seconds for _ in range(given.rounds))
    print(json.dumps({"runs": given.runs, "trained": trained, "decided": seconds}))


if __name__ == "__main__":
    main()
