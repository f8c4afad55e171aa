"""What a contestant takes and tells: a piece of the study, as a line of JSON."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

BATCH = 64
HIDDEN = 128
CLASSES = 10
LEARNING_RATES = {"adam": 1e-3, "sgd": 0.1}


@dataclass(frozen=True)
class Piece:
    """`runs` runs of one optimizer over `epochs` epochs, in `seconds` after start-up.

    The seconds are training and an evaluation on the test set each epoch. `loss` (in training)
    and `accuracy` (on the test set) are the last epoch's, and their means over the runs.
    """

    optimizer: str
    runs: int
    epochs: int
    seconds: float
    loss: float
    accuracy: float

    @property
    def run_epoch(self) -> float:
        """Seconds a run and epoch."""
        return self.seconds / (self.runs * self.epochs)

    def tell(self) -> None:
        print(json.dumps(asdict(self)), flush=True)


def heard(out: str) -> list[Piece]:
    """The pieces that a contestant told of, among whatever else it printed."""
    return [Piece(**json.loads(line)) for line in out.splitlines() if line.startswith('{"opti')]


def parser(about: str | None) -> argparse.ArgumentParser:
    """Where MNIST is, and how much of the study to train."""
    found = argparse.ArgumentParser(description=about)
    found.add_argument("data_dir", type=Path, help="a folder with MNIST/raw")
    found.add_argument("--optimizers", nargs="+", choices=LEARNING_RATES, default=["adam", "sgd"])
    found.add_argument("--epochs", type=int, default=5)
    found.add_argument("--runs", type=int, default=1, help="of each optimizer")
    return found
