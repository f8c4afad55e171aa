"""optbench against the textbook script on genuine MNIST, side by side.

    python benchmarks/single_run.py DATA_DIR [--rounds 3] [--epochs 2]

Each round runs the textbook script, then `optbench run configs/adam_mnist.yaml`, each in a
process of its own; an epoch's time is training and evaluation. The ratio is that of the
medians over all epochs but the first of each process, which warms up.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path, help="a folder with MNIST/raw")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    arguments = parser.parse_args()
    textbook: list[float] = []
    optbench: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        raw = unpacked(arguments.data_dir, Path(scratch))
        for number in range(arguments.rounds):
            textbook += textbook_epochs(raw, arguments.epochs)
            optbench += optbench_epochs(
                arguments.data_dir, Path(scratch) / f"runs{number}", arguments.epochs
            )
    slow, fast = statistics.median(textbook), statistics.median(optbench)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"textbook  {slow:.2f} s an epoch (median of {len(textbook)})")
    print(f"optbench  {fast:.2f} s an epoch (median of {len(optbench)})")
    print(f"ratio     {slow / fast:.1f}")
    print(f"largest process {peak:,.0f} MB")


def unpacked(data_dir: Path, scratch: Path) -> Path:
    """torchvision reads only unpacked files; the data folder may be read-only."""
    target = scratch / "MNIST" / "raw"
    target.mkdir(parents=True)
    for source in sorted((data_dir / "MNIST" / "raw").glob("*.gz")):
        (target / source.stem).write_bytes(gzip.decompress(source.read_bytes()))
    return scratch


def textbook_epochs(data_dir: Path, epochs: int) -> list[float]:
    """Seconds of each epoch but the first."""
    script = Path(__file__).with_name("textbook.py")
    command = [sys.executable, str(script), str(data_dir), "--epochs", str(epochs)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(line.split()[-1]) for line in out.splitlines()][1:]


def optbench_epochs(data_dir: Path, runs_dir: Path, epochs: int) -> list[float]:
    """Seconds of each epoch but the first, from the run's timing.csv."""
    command = [
        sys.executable, "-m", "optbench", "run", str(ROOT / "configs" / "adam_mnist.yaml"),
        "--data-dir", str(data_dir), "--runs-dir", str(runs_dir), "--quiet", "--no-fallback",
        "--device", "cpu", "--set", f"training.epochs={epochs}",
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=ROOT)
    (timing,) = runs_dir.glob("*/*/timing.csv")
    with timing.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [float(r["train_seconds"]) + float(r["evaluation_seconds"]) for r in rows[2:]]


if __name__ == "__main__":
    main()
