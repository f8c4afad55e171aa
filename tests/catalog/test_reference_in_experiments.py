"""Textbook versions in experiments: named, trained, paired, resumed and compared like any other."""

from __future__ import annotations

import csv
import json
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from experiments import Child, command, only_directory, signal_at, status_of, write_experiment

from optbench.catalog.reference import REFERENCE

if TYPE_CHECKING:
    from pathlib import Path

DIGITS: dict[str, Any] = {
    "dataset": "digits",
    "model": {"name": "mlp", "hidden": [16]},
    "training": {"epochs": 2, "batch_size": 32},
}


def trained(folder: Path, optimizer: Any, **parts: Any) -> dict[tuple[str, int], Path]:
    """Run directories by optimizer and seed."""
    path = write_experiment(folder, **DIGITS | parts, optimizer=optimizer)
    done = command("run", path, "--runs-dir", folder / "runs")
    assert done.code == 0, done.err
    found = {}
    for result in (folder / "runs").glob("*/[!.]*/result.json"):
        told = json.loads(result.read_bytes())
        found[told["config"]["optimizer"]["name"], told["seed"]] = result.parent
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Path]:
    """Two seeds of torch's Adam and of the textbook's."""
    return trained(tmp_path_factory.mktemp("runs"), ["adam", "reference.adam"], seeds=2)


def rows(directory: Path) -> list[dict[str, float]]:
    with (directory / "metrics.csv").open(encoding="utf-8") as file:
        return [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def test_it_measures_what_torchs_measures(runs: dict[tuple[str, int], Path]) -> None:
    for seed in range(2):
        ours, theirs = rows(runs["reference.adam", seed]), rows(runs["adam", seed])
        assert len(ours) == len(theirs) == 3
        for mine, torchs in zip(ours, theirs, strict=True):
            assert mine == pytest.approx(torchs, rel=1e-5)


def test_it_is_paired_with_torchs_at_each_seed(runs: dict[tuple[str, int], Path]) -> None:
    hashes = {
        key: json.loads((directory / "result.json").read_bytes())["hashes"]
        for key, directory in runs.items()
    }
    assert hashes["reference.adam", 0] == hashes["adam", 0]
    assert hashes["reference.adam", 1] == hashes["adam", 1]
    assert hashes["reference.adam", 0] != hashes["reference.adam", 1]


def test_its_memory_is_two_moments_a_parameter(runs: dict[tuple[str, int], Path]) -> None:
    result = json.loads((runs["reference.adam", 0] / "result.json").read_bytes())
    assert result["state_bytes_per_parameter"] == 2 * 4


def test_alone_it_leaves_the_bytes_that_it_left_in_company(
    runs: dict[tuple[str, int], Path], tmp_path: Path
) -> None:
    ((key, alone),) = trained(tmp_path, "reference.adam", seeds=[1]).items()
    assert (alone / "metrics.csv").read_bytes() == (runs[key] / "metrics.csv").read_bytes()


def test_stopped_and_resumed_it_leaves_the_bytes_of_one_never_stopped(
    runs: dict[tuple[str, int], Path], tmp_path: Path
) -> None:
    path = write_experiment(tmp_path, **DIGITS, optimizer="reference.adam", seeds=[1])
    step = "optbench.catalog.reference.textbook:Textbook.step"
    in_the_second_epoch = partial(signal_at, step, 60, signal.SIGINT)
    with Child("run", path, cwd=tmp_path, prepare=in_the_second_epoch) as process:
        assert process.wait() == 130
    stopped = only_directory(tmp_path / "runs")
    assert status_of(stopped) == "interrupted"
    assert command("run", path, "--runs-dir", tmp_path / "runs").code == 0
    whole = runs["reference.adam", 1]
    for name in ("metrics.csv", "weights.pt"):
        assert (stopped / name).read_bytes() == (whole / name).read_bytes()


def test_every_one_learns_the_digits(tmp_path: Path) -> None:
    """Each step against the gradient lowers the loss of 2.3 that guessing has."""
    steep = {"gradient_descent": 0.5, "sgd": 0.5, "momentum": 0.1, "classical_momentum": 0.1}
    steep |= {"nesterov": 0.1, "lion": 3e-3, "sgdw": 0.5}
    optimizers = [
        {"name": name, "lr": steep.get(name.partition(".")[2], 0.01)} for name in REFERENCE
    ]
    found = trained(tmp_path, optimizers, training={"epochs": 5, "batch_size": 32})
    assert {name for name, _ in found} == set(REFERENCE)
    for (name, _), directory in found.items():
        assert rows(directory)[-1]["test_loss"] < 1.5, name
