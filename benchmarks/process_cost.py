"""What a command costs beside its training: start-up against `import torch`, and peak memory.

    python benchmarks/process_cost.py DATA_DIR [--rounds 5]

Memory is that of the command and its workers together, pages that they share counted once, while
it trains one epoch of the study. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import sleep

import psutil
from children import ROOT, run

LOOK_EVERY = 0.2  # seconds
ONE_STEP = {
    "dataset": {"name": "synthetic", "train": 64, "test": 16},
    "model": "logistic",
    "optimizer": {"name": "adam", "lr": 1e-3},
    "training": {"epochs": 1},
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data_dir", type=Path)
    arguments.add_argument("--study", type=Path, default=Path(__file__).with_name("study.yaml"))
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = start_up(Path(scratch), given.rounds)
        runs_dir = Path(scratch) / "study"
        command: list[str | Path] = [
            sys.executable, "-m", "optbench", "run", given.study, "--data-dir", given.data_dir,
            "--runs-dir", runs_dir, "--no-fallback", "--set", "training.epochs=1",
        ]  # fmt: skip
        found["planned_bytes"] = planned_bytes(command)
        found["peak_bytes"] = peak_bytes(command)
    print(json.dumps(found))


def start_up(scratch: Path, rounds: int) -> dict[str, float]:
    """Wall seconds of `import torch`, of one step of one run, and of `--help`: medians."""
    file = scratch / "step.yaml"
    file.write_text(json.dumps(ONE_STEP))
    step: list[str | Path] = [
        "-m",
        "optbench",
        "run",
        file,
        "--quiet",
        "--force",
        "--runs-dir",
        scratch / "step",
    ]
    commands: dict[str, list[str | Path]] = {
        "import_torch": ["-c", "import torch"],
        "one_step": step,
        "help": ["-m", "optbench", "--help"],
    }
    seconds = [
        {name: run([sys.executable, *words]).seconds for name, words in commands.items()}
        for _ in range(rounds)
    ]
    return {name: median(each[name] for each in seconds) for name in commands}


def planned_bytes(command: list[str | Path]) -> float:
    """What `--dry-run` says: `50 to train in 10 cohorts on 2 workers: about 40 s, 1.8 GB`."""
    out = run([*command, "--dry-run"]).out
    found = re.search(r"to train in .* ([0-9,.]+) GB", out)
    if found is None:
        raise ValueError(f"the plan names no memory: {out[:200]}")
    return float(found[1].replace(",", "")) * 1e9


def peak_bytes(command: list[str | Path]) -> int:
    """The most that a command and its descendants held, looked at now and then."""
    process = subprocess.Popen([*map(str, command), "--quiet"], cwd=ROOT)
    peak = 0
    while process.poll() is None:
        peak = max(peak, held_bytes(process.pid))
        sleep(LOOK_EVERY)
    return peak


def held_bytes(pid: int) -> int:
    """Of a process and its descendants."""
    try:
        top = psutil.Process(pid)
        return sum(_own_bytes(process) for process in (top, *top.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def _own_bytes(process: psutil.Process) -> int:
    """Its proportional share of resident pages; all of them where the system doesn't tell."""
    try:
        found = process.memory_full_info()
        return int(getattr(found, "pss", found.rss))
    except psutil.Error:  # it has just ended
        return 0


if __name__ == "__main__":
    main()
