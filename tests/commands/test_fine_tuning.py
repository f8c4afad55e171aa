"""From a run's weights to the next run, by the command line."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
import yaml
from experiments import TINY, Outcome, command, write_experiment
from plain_loop import mlp

from optbench.errors import EXIT_ENVIRONMENT, EXIT_USAGE

if TYPE_CHECKING:
    from pathlib import Path

FOUR: dict[str, Any] = {**TINY["dataset"], "classes": 4}
COLOURS: dict[str, Any] = {"name": "synthetic", "features": [3, 32, 32], "train": 8, "test": 4}
NAMED = {"name": "torchvision.squeezenet1_1", "weights": "IMAGENET1K_V1", "head": "new"}


def run(path: Path, *options: str | Path) -> Outcome:
    return command("run", path, "--runs-dir", path.parent / "runs", *options)


def only(folder: Path, experiment: str) -> Path:
    (directory,) = (folder / "runs" / experiment).glob("*-s0-*")
    return directory


def result(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / "result.json").read_text())
    return found


@pytest.fixture
def pretrained(tmp_path: Path) -> Path:
    """A folder with the finished run of an experiment `pre`."""
    assert run(write_experiment(tmp_path, "pre", training={"epochs": 1})).code == 0
    return tmp_path


def write_next(folder: Path, **parts: Any) -> Path:
    model = {**TINY["model"], "weights": "runs/pre", "head": "new"}
    return write_experiment(folder, "next", **{"dataset": FOUR, "model": model, **parts})


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_goes_on_from_another_and_says_from_which(pretrained: Path, workers: int) -> None:
    outcome = run(write_next(pretrained, seeds=[0, 1]), "--workers", str(workers))
    assert outcome.code == 0, outcome.err
    before, after = only(pretrained, "pre"), only(pretrained, "next")
    assert f"from {before.name}, new head" in " ".join(outcome.out.split())
    digest = hashlib.sha256((before / "weights.pt").read_bytes()).hexdigest()
    assert result(after)["hashes"]["pretrained"] == digest
    assert result(before)["hashes"]["pretrained"] is None


def test_the_configuration_of_a_run_repeats_it_wherever_the_store_is_moved(
    pretrained: Path,
) -> None:
    run(write_next(pretrained))
    config = only(pretrained, "next") / "config.yaml"
    weights = yaml.safe_load(config.read_text())["model"]["weights"]
    assert weights == f"../../pre/{only(pretrained, 'pre').name}/weights.pt"
    moved = pretrained / "elsewhere"
    moved.mkdir()
    (pretrained / "runs").rename(moved / "runs")
    outcome = command("run", only(moved, "next") / "config.yaml", "--runs-dir", moved / "runs")
    assert "1 of 1 run is finished already" in outcome.out


def test_other_weights_in_the_same_place_make_another_run(pretrained: Path) -> None:
    path = write_next(
        pretrained, model={**TINY["model"], "weights": "a.pt"}, dataset=TINY["dataset"]
    )
    for seed in (1, 2):
        torch.save(mlp(6, 5, 3, seed=seed).state_dict(), pretrained / "a.pt")
        assert run(path).code == 0
    assert len([*(pretrained / "runs" / "next").iterdir()]) == 2


def test_weights_that_do_not_fit_are_refused_before_anything_trains(pretrained: Path) -> None:
    model = {**TINY["model"], "weights": "runs/pre"}
    outcome = run(write_next(pretrained, model=model))
    assert outcome.code == EXIT_USAGE
    assert (
        "model.weights: mlp: the file has other shapes: 3.weight [3, 5] for [4, 5]" in outcome.err
    )
    assert not (pretrained / "runs" / "next").exists()


def test_validate_misses_a_run_that_is_not_there(tmp_path: Path) -> None:
    outcome = command("validate", write_next(tmp_path))
    assert outcome.code == EXIT_USAGE
    assert f"there is no file or run {tmp_path / 'runs' / 'pre'}" in outcome.err


def test_a_dry_run_downloads_no_weights_and_says_where_they_are(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, dataset=COLOURS, model=NAMED)
    outcome = run(path, "--dry-run", "--data-dir", tmp_path / "data")
    assert outcome.code == EXIT_ENVIRONMENT
    assert "https://download.pytorch.org/models/squeezenet1_1-" in outcome.err
    assert not (tmp_path / "data").exists()


def test_a_smoke_run_draws_weights_that_would_have_to_be_downloaded(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, dataset=COLOURS, model=NAMED, training={"epochs": 1})
    outcome = run(path, "--smoke", "--data-dir", tmp_path / "data")
    assert outcome.code == 0, outcome.err
    (directory,) = (tmp_path / "runs" / ".smoke" / "tiny").iterdir()
    assert result(directory)["config"]["model"] == {"name": "torchvision.squeezenet1_1"}
