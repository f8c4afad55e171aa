"""The study, 2 optimizers × 5 learning rates × 5 seeds, by every contestant in turn.

    python benchmarks/race.py DATA_DIR [--rounds 3] [--peers PYTHON] [--only CONTESTANT …]

optbench trains all of it, start-up and storing included. Of the others a piece is timed: some
epochs of Adam and of SGD, on as many processes at a time as the study would take. Their study is

    start-ups × start-up + 125 × (an epoch of Adam + one of SGD) / processes at a time

for 25 runs of 5 epochs of either. Contestants take turns, so that what slows the machine slows all.
A peer that isn't installed for PYTHON is left out. Prints JSON.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any

import children
from children import HERE, Child, FailedError
from piece import Piece, heard

RUNS = 50
RUN_EPOCHS = 125  # of each optimizer
EPOCHS = 2  # in a piece


@dataclass(frozen=True)
class Lap:
    """What a contestant needs: seconds of a start-up, of a run-epoch, and of the study.

    `accuracy` is Adam's on the test set after `EPOCHS` epochs at its default learning rate.
    """

    start_up: float
    adam: float
    sgd: float
    study: float
    accuracy: float


@dataclass(frozen=True)
class Place:
    """Where things are: a folder with MNIST, one with its files unpacked, interpreters."""

    data_dir: Path
    unpacked: Path
    study: Path
    peers: str

    def script(self, name: str, *words: str, python: str = sys.executable) -> list[str | Path]:
        return [python, HERE / name, self.data_dir, "--epochs", str(EPOCHS), *words]


Contestant = Callable[[Place], Lap]


def textbook(place: Place, *, one_thread: bool) -> Lap:
    """The script fifty times, one after the other."""
    adam, sgd = (children.run(command, one_thread=one_thread) for command in _textbook(place))
    return _textbook_lap(adam, sgd, at_a_time=1)


def two_textbooks(place: Place) -> Lap:
    """The script fifty times, two at a time."""
    adam, sgd = children.run_together(_textbook(place))
    return _textbook_lap(adam, sgd, at_a_time=2)


def _textbook(place: Place) -> list[list[str | Path]]:
    command: list[str | Path] = [sys.executable, HERE / "textbook.py", place.unpacked]
    return [[*command, "--epochs", str(EPOCHS), "--optimizer", name] for name in ("adam", "sgd")]


def _textbook_lap(adam: Child, sgd: Child, at_a_time: int) -> Lap:
    pieces = [_textbook_piece("adam", adam), _textbook_piece("sgd", sgd)]
    wall = mean((adam.seconds, sgd.seconds)) - mean(piece.seconds for piece in pieces)
    return _lap(pieces, wall, start_ups=RUNS // at_a_time, at_a_time=at_a_time)


def _textbook_piece(optimizer: str, child: Child) -> Piece:
    lines = [[float(word) for word in line.split()] for line in child.out.splitlines()]
    seconds = sum(line[3] for line in lines)
    return Piece(optimizer, 1, len(lines), seconds, lines[-1][1], lines[-1][2])


def two_processes(place: Place, script: str, *words: str, peer: bool = True) -> Lap:
    """Half of the study in each of two processes, with a thread each."""
    python = place.peers if peer else sys.executable
    command = place.script(script, *words, python=python)
    both = children.run_together([command, command])
    return _two_laps(both)


def jax(place: Place) -> Lap:
    """Likewise, each on a core of its own: JAX starts threads for all that it may use."""
    commands = [
        place.script("with_jax.py", "--runs", "5", "--core", core, python=place.peers)
        for core in ("0", "1")
    ]
    return _two_laps(children.run_together(commands))


def _two_laps(both: list[Child]) -> Lap:
    pieces = [piece for child in both for piece in heard(child.out)]
    start_up = max(child.seconds for child in both) - sum(p.seconds for p in pieces) / 2
    return _lap(pieces, start_up, start_ups=1, at_a_time=2)


def ray_tune(place: Place) -> Lap:
    """Ray starts processes itself, so that its seconds a run-epoch are those of all."""
    child = children.run(place.script("with_ray_tune.py", "--runs", "4", python=place.peers))
    pieces = heard(child.out)
    start_up = child.seconds - sum(piece.seconds for piece in pieces)
    return _lap(pieces, start_up, start_ups=1, at_a_time=1)


def optbench(place: Place) -> Lap:
    """All of the study by one command; a run-epoch from the runs' timing.csv."""
    with tempfile.TemporaryDirectory() as runs_dir:
        command: list[str | Path] = [
            sys.executable, "-m", "optbench", "run", place.study, "--data-dir", place.data_dir,
            "--runs-dir", runs_dir, "--quiet", "--no-fallback",
        ]  # fmt: skip
        study = children.run(command).seconds
        runs = [path.parent for path in sorted(Path(runs_dir).glob("*/*/result.json"))]
        adam, sgd = (
            mean(_run_epoch(run) for run in runs if run.name.startswith(name))
            for name in ("adam", "sgd")
        )
        accuracy = mean(_accuracy(run) for run in runs if run.name.startswith("adam-lr0.001-"))
    start_up = study - RUN_EPOCHS * (adam + sgd) / 2
    return Lap(start_up, adam, sgd, study, accuracy)


def _run_epoch(run: Path) -> float:
    with (run / "timing.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))[1:]
    return mean(float(row["train_seconds"]) + float(row["evaluation_seconds"]) for row in rows)


def _accuracy(run: Path) -> float:
    with (run / "metrics.csv").open(newline="") as stream:
        return float(list(csv.DictReader(stream))[EPOCHS]["test_accuracy"])


def _lap(pieces: list[Piece], start_up: float, start_ups: int, at_a_time: int) -> Lap:
    adam, sgd = (
        mean(piece.run_epoch for piece in pieces if piece.optimizer == name)
        for name in ("adam", "sgd")
    )
    accuracy = mean(piece.accuracy for piece in pieces if piece.optimizer == "adam")
    study = start_ups * start_up + RUN_EPOCHS * (adam + sgd) / at_a_time
    return Lap(start_up, adam, sgd, study, accuracy)


CONTESTANTS: dict[str, Contestant] = {
    "textbook": partial(textbook, one_thread=False),
    "textbook, one thread": partial(textbook, one_thread=True),
    "textbook, two at a time": two_textbooks,
    "hand-tuned": lambda place: two_processes(
        place, "hand_tuned.py", "--runs", "2", peer=False
    ),
    "optbench": optbench,
}  # fmt: skip
PEERS: dict[str, Contestant] = {
    "JAX and optax": jax,
    "Optuna": lambda place: two_processes(place, "with_optuna.py"),
    "skorch": lambda place: two_processes(place, "with_skorch.py"),
    "Lightning": lambda place: two_processes(place, "with_lightning.py"),
    "Ray Tune": ray_tune,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data_dir", type=Path)
    arguments.add_argument("--study", type=Path, default=HERE / "study.yaml")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--peers", default=sys.executable, help="a Python that has them")
    arguments.add_argument("--peer-rounds", type=int, default=1)
    arguments.add_argument("--only", nargs="+", choices=[*CONTESTANTS, *PEERS])
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = given.data_dir.resolve()
        unpacked = unpack(data_dir, Path(scratch))
        place = Place(data_dir, unpacked, given.study.resolve(), given.peers)
        chosen = given.only or [*CONTESTANTS, *PEERS]
        found = raced(place, chosen, given.rounds, given.peer_rounds)
    print(json.dumps(found))


def raced(place: Place, chosen: Sequence[str], rounds: int, peer_rounds: int) -> dict[str, Any]:
    """Medians of all laps, and why peers are absent."""
    laps: dict[str, list[Lap]] = defaultdict(list)
    absent: dict[str, str] = {}
    for number in range(rounds):
        for name in chosen:
            if name in CONTESTANTS:
                laps[name].append(CONTESTANTS[name](place))
            elif number < peer_rounds:
                try:
                    lap = PEERS[name](place)
                except FailedError as error:
                    absent[name] = str(error)
                else:
                    laps[name].append(lap)
    return {"rounds": rounds, "laps": _medians(laps), "absent": absent}


def _medians(laps: dict[str, list[Lap]]) -> dict[str, dict[str, float]]:
    return {
        name: {key: median(asdict(lap)[key] for lap in its) for key in asdict(its[0])}
        for name, its in laps.items()
    }


def unpack(data_dir: Path, scratch: Path) -> Path:
    """torchvision reads only unpacked files; the data folder may be read-only."""
    target = scratch / "MNIST" / "raw"
    target.mkdir(parents=True)
    for source in sorted((data_dir / "MNIST" / "raw").glob("*-ubyte*")):
        content = source.read_bytes()
        packed = source.suffix == ".gz"
        name = source.stem if packed else source.name
        (target / name).write_bytes(gzip.decompress(content) if packed else content)
    return scratch


if __name__ == "__main__":
    main()
