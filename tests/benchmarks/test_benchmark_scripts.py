"""The benchmarks run: on a data set of a few hundred images, without looking at a clock."""

from __future__ import annotations

import importlib
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TRAIN, TEST = 160, 32  # images: two whole batches and a short one
STUDY = {
    "dataset": {"name": "synthetic", "train": TRAIN, "test": TEST, "features": 12},
    "model": {"name": "mlp", "hidden": [8]},
    "optimizer": [{"name": "adam", "lr": 1e-3}, {"name": "sgd", "lr": 0.1}],
    "training": {"epochs": 2},
    "seeds": 2,
}


def python(*words: str | Path) -> str:
    """What a script prints; its own words where it fails."""
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MNIST's files with noise for images, as its page describes them."""
    folder = tmp_path_factory.mktemp("miniature")
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    chance = np.random.default_rng(0)
    for name, count in (("train", TRAIN), ("t10k", TEST)):
        images = struct.pack(">IIII", 0x803, count, 28, 28) + chance.bytes(count * 784)
        labels = struct.pack(">II", 0x801, count) + bytes(i % 10 for i in range(count))
        (raw / f"{name}-images-idx3-ubyte").write_bytes(images)
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(labels)
    return folder


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(json.dumps(STUDY))
    return path


def last_json(out: str) -> Any:
    return json.loads(out.splitlines()[-1])


def test_the_textbook_script_prints_a_line_an_epoch(miniature: Path) -> None:
    lines = python(BENCHMARKS / "textbook.py", miniature, "--epochs", "2").splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2"]


@pytest.mark.parametrize("images", ["uint8", "float32"])
def test_the_hand_tuned_loop_learns_its_images_by_heart(miniature: Path, images: str) -> None:
    script = BENCHMARKS / "hand_tuned.py"
    out = python(script, miniature, "--epochs", "60", "--images", images)
    pieces = [json.loads(line) for line in out.splitlines()]
    assert [piece["optimizer"] for piece in pieces] == ["adam", "sgd"]
    assert pieces[0]["loss"] < 0.1  # ln 10 = 2.3 untrained


@pytest.mark.slow
def test_the_race_names_what_is_not_installed_and_times_the_rest(
    miniature: Path, study: Path
) -> None:
    nothing = study.parent / "python"  # an interpreter that fails at every script
    nothing.write_text("#!/bin/sh\necho 'no such peer' >&2\nexit 1\n")
    nothing.chmod(0o755)
    words: list[str | Path] = ["--study", study, "--rounds", "1", "--peers", nothing]
    contestants = ["--only", "hand-tuned", "optbench", "Ray Tune"]
    found = last_json(python(BENCHMARKS / "race.py", miniature, *words, *contestants))
    assert found["absent"] == {"Ray Tune": "no such peer"}
    assert set(found["laps"]) == {"hand-tuned", "optbench"}


@pytest.mark.slow
def test_a_search_is_timed_beside_optunas_in_one_process_and_in_two(
    miniature: Path, tmp_path: Path
) -> None:
    pytest.importorskip("optuna")
    search = STUDY | {
        "dataset": {**STUDY["dataset"], "validation": 32},  # type: ignore[dict-item]
        "optimizer": {"name": "adam", "lr": {"loguniform": [1e-4, 1e-1]}},
        "tuning": {"sampler": "random"},
        "seeds": 1,
    }
    path = tmp_path / "search.yaml"
    path.write_text(json.dumps(search))
    words = ["--rounds", "1", "--trials", "3", "--epochs", "2", "--piece", "2", "--held-out", "32"]
    script = BENCHMARKS / "tuning_speed.py"
    found = last_json(python(script, miniature, "--search", path, *words))
    assert set(found["seconds"]) == {"one process", "optbench", "two processes"}
    assert all(seconds > 0 for seconds in found["seconds"].values())


@pytest.mark.slow
def test_commits_are_timed_beside_runs_that_store_nothing(miniature: Path, study: Path) -> None:
    words = (miniature, "--config", study, "--rounds", "1")
    found = last_json(python(BENCHMARKS / "commit_cost.py", *words))
    for name in ("run", "cohort"):
        assert set(found[name]) == {"all", "nothing"}
        assert all(seconds > 0 for seconds in found[name].values())
    assert 0 < found["stands"] < found["synced"]


@pytest.mark.slow
def test_a_study_that_is_finished_is_timed() -> None:
    words = ("--runs", "20", "--rounds", "1")
    found = last_json(python(BENCHMARKS / "decide_cost.py", *words))
    assert found["runs"] == 20
    assert found["decided"] > 0


@pytest.mark.slow
def test_one_command_fills_the_page_and_draws_its_pictures(miniature: Path, study: Path) -> None:
    page = study.parent / "performance.md"
    page.write_text("before\n<!-- floor -->\nold\n<!-- end -->\nafter\n")
    parts = ["--parts", "floor", "cost", "--quick"]
    script = BENCHMARKS / "performance.py"
    python(script, miniature, "--study", study, "--page", page, *parts)
    text = page.read_text()
    assert text.startswith("before\n<!-- floor -->\n| a run-step |")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "old" not in text
    assert set(json.loads(page.with_suffix(".json").read_text())) >= {"floor", "cost"}
    assert page.with_name("performance_runs.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("model", "sizes", "words"),
    [("mlp 2-4-2", {"1", "5", "20"}, None), ("lenet", {"1"}, "Conv2d")],
)
def test_small_models_are_measured_in_cohorts_where_they_are_stacked(
    model: str, sizes: set[str], words: str | None
) -> None:
    ((_, found),) = last_json(
        python(BENCHMARKS / "small_models.py", "--only", model, "--rows", "1")
    ).items()
    assert found.keys() - {"alone"} == sizes | {"hand-tuned"}
    assert words is None or words in found["alone"]


def test_the_page_says_of_models_whether_they_are_stacked() -> None:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        page = importlib.import_module("page")
    finally:
        sys.path.remove(str(BENCHMARKS))
    small = {
        "large": {"hand-tuned": 0.002, "1": 0.0021, "alone": "a reason"},
        "small": {"hand-tuned": 0.0003, "1": 0.0004, "5": 0.0002, "20": 0.0001},
    }
    assert page.small_table({"small": small}).splitlines()[2:] == [
        "| small | 300 | 400 | 200 | 100 | 3.0× |",
        "| large | 2,000 | 2,100 |  |  | not stacked |",
    ]
