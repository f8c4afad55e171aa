"""One run of configs/adam_mnist.yaml against the hand-tuned loop, a process each, in turn.

    python benchmarks/single_run.py DATA_DIR [--rounds 5]

Seconds of its five epochs, training and evaluation, and of the whole command. The hand-tuned loop
also with float32 images and with torch.compile. Prints JSON with medians.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

import children
from children import HERE, ROOT
from piece import heard

EPOCHS = 5
LOOPS: dict[str, list[str]] = {
    "hand-tuned": [],
    "hand-tuned, float32 images": ["--images", "float32"],
    "hand-tuned, torch.compile": ["--compile"],
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data_dir", type=Path)
    arguments.add_argument("--config", type=Path, default=ROOT / "configs" / "adam_mnist.yaml")
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    data_dir, config = given.data_dir.resolve(), given.config.resolve()
    rounds = [
        {"optbench": optbench(data_dir, config)}
        | {name: hand_tuned(data_dir, *words) for name, words in LOOPS.items()}
        for _ in range(given.rounds)
    ]
    names = rounds[0]
    found = {
        name: {key: median(each[name][key] for each in rounds) for key in ("run", "command")}
        for name in names
    }
    print(json.dumps({"rounds": given.rounds, "epochs": EPOCHS, "seconds": found}))


def optbench(data_dir: Path, config: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as runs_dir:
        command: list[str | Path] = [
            sys.executable, "-m", "optbench", "run", config, "--data-dir", data_dir,
            "--runs-dir", runs_dir, "--quiet", "--no-fallback", "--device", "cpu",
        ]  # fmt: skip
        child = children.run(command)
        (timing,) = Path(runs_dir).glob("*/*/timing.csv")
        with timing.open(newline="") as stream:
            rows = list(csv.DictReader(stream))[1:]
    seconds = (float(row["train_seconds"]) + float(row["evaluation_seconds"]) for row in rows)
    return {"run": sum(seconds), "command": child.seconds}


def hand_tuned(data_dir: Path, *words: str) -> dict[str, float]:
    command: list[str | Path] = [
        sys.executable,
        HERE / "hand_tuned.py",
        data_dir,
        "--optimizers",
        "adam",
    ]
    child = children.run([*command, "--epochs", str(EPOCHS), *words], one_thread=True)
    (piece,) = heard(child.out)
    return {"run": piece.seconds, "command": child.seconds}


if __name__ == "__main__":
    main()
