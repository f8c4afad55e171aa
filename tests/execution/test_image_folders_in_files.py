"""Training on images that were decoded into a file: the same bytes, little memory, no mixture."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from experiments import command, make_learner, make_runs, train_all, write_experiment
from PIL import Image
from streaming import assert_trains_within, events
from torch import Tensor

from optbench.catalog.datasets.image_folder import ImageFolder
from optbench.execution.study import Options, load_experiments, plan_runs
from optbench.store.scan import scan
from optbench.training.events import Advanced, Ended, Unbegun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RANDOM = np.random.RandomState(0)
SMALL: dict[str, Any] = {"name": "image-folder", "path": "photos", "size": 8, "validation": 10}


def save(folder: Path, n: int) -> None:
    """Two classes of `n` images each, eight different ones of them."""
    for name in ("cat", "dog"):
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(n):
            path = folder / "photos" / name / f"{i}.png"
            if i < 8:
                save_one(path)
            else:
                os.link(path.with_name(f"{i % 8}.png"), path)


def save_one(path: Path) -> None:
    Image.fromarray(RANDOM.randint(0, 256, (9, 5, 3)).astype(np.uint8)).save(path)


def stay_in_files(monkeypatch: pytest.MonkeyPatch, limit: int = 0) -> None:
    module = sys.modules[ImageFolder.__module__]  # whose name the package gives to a function
    monkeypatch.setattr(module, "IN_MEMORY", limit)
    module._facts.cache_clear()


KINDS: dict[str, dict[str, Any]] = {
    "stacked": {},
    "alone": {"model": {"name": "cnn"}, "training": {"epochs": 2, "batch_size": 32}},
    "augmented": {"training": {"epochs": 2, "augment": {"flip": True, "crop": 1}}},
}


@pytest.mark.parametrize("parts", KINDS.values(), ids=KINDS.keys())
def test_rows_are_those_of_the_same_images_in_memory(
    parts: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 40)
    monkeypatch.chdir(tmp_path)
    rows = []
    for limit in (0, 1 << 20):
        stay_in_files(monkeypatch, limit)
        dataset = SMALL | {"normalize": True, "train": 30}
        runs = make_runs(tmp_path, dataset=dataset, seeds=2, **parts)
        learners = [make_learner(run) for run in runs]
        assert isinstance(learners[0].data.train.inputs, Tensor) == (limit > 0)
        train_all(*learners)
        rows.append([learner.rows for learner in learners])
    assert rows[0] == rows[1]
    assert len(rows[0][0]) >= 3
    assert rows[0][0] != rows[0][1]


@pytest.mark.slow
def test_stored_metrics_are_the_same_bytes_from_processes_that_map_what_one_has_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 560)
    path = write_experiment(
        tmp_path,
        dataset=SMALL | {"size": 256, "channels": 1},  # 73 MB
        model="linear",
        training={"epochs": 1},
        seeds=2,
    )
    found = []
    for workers, limit in ((2, 64 << 20), (1, 1 << 30)):
        stay_in_files(monkeypatch, limit)
        store = tmp_path / f"runs-{workers}"
        places = "--runs-dir", store, "--data-dir", tmp_path / str(workers)
        assert command("run", path, *places, "--workers", str(workers)).code == 0
        found.append([csv.read_bytes() for csv in sorted(store.glob("*/*/metrics.csv"))])
    assert found[0] == found[1]
    assert len(found[0]) == 2
    assert len([*tmp_path.glob("2/decoded/*/images.npy")]) == 1
    assert not (tmp_path / "1").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory that is no file's")
def test_decoding_and_training_take_less_memory_than_the_images(tmp_path: Path) -> None:
    save(tmp_path, 20_000)
    dataset = SMALL | {"size": 64, "channels": 1}  # 164 MB
    assert_trains_within(100 << 20, tmp_path, dataset, "decoded/*/images.npy")


def test_runs_fail_whose_file_of_decoded_images_is_cut_and_later_ones_have_it_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 40)
    stay_in_files(monkeypatch)
    runs = make_runs(tmp_path, dataset=SMALL, seeds=3)
    going = events(runs[:2], tmp_path)
    next(event for event in going if isinstance(event, Advanced))
    (inputs,) = tmp_path.glob("decoded/*/images.npy")
    os.truncate(inputs, 300)
    ended = [event for event in going if isinstance(event, Ended)]
    told = f"StreamError: {inputs} has changed since it began to be trained on."
    assert [event.result.reason for event in ended] == [told] * 2
    statuses = [e.result.status for e in events(runs[2:], tmp_path) if isinstance(e, Ended)]
    assert statuses == ["completed"]


@pytest.mark.parametrize("limit", [0, 1 << 20], ids=["file", "memory"])
def test_runs_go_on_with_the_images_they_began_with_and_later_ones_do_not_begin(
    limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 40)
    monkeypatch.chdir(tmp_path)
    stay_in_files(monkeypatch, limit)
    runs = make_runs(tmp_path, dataset=SMALL, seeds=2)
    (undisturbed,) = map(make_learner, runs[:1])
    train_all(undisturbed)
    going = events(runs[:1], tmp_path)
    next(event for event in going if isinstance(event, Advanced))
    save_one(tmp_path / "photos" / "dog" / "3.png")
    (ended,) = (event for event in going if isinstance(event, Ended))
    assert ended.result.status == "completed"
    (stored,) = scan(ended.directory).runs
    assert list(stored.rows) == undisturbed.rows
    (unbegun,) = (event for event in events(runs[1:], tmp_path) if isinstance(event, Unbegun))
    photos = tmp_path / "photos"
    assert unbegun.reason == f"{photos} has changed since this command began; run it again"


def test_what_stays_in_a_file_is_told_and_decoded_before_anything_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 40)
    stay_in_files(monkeypatch)
    run = partial(command, "run", write_experiment(tmp_path, dataset=SMALL | {"size": 512}))
    outcome = run("--dry-run", "--runs-dir", tmp_path / "runs", "--data-dir", tmp_path / "data")
    assert outcome.code == 0, outcome.err
    assert "inputs of 0.1 GB stay in their files: not among these" in outcome.out
    assert len([*tmp_path.glob("data/decoded/*/images.npy")]) == 1


def test_a_plan_of_many_settings_looks_at_each_image_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 40)
    grid = {"name": "sgd", "lr": {"linspace": [0.01, 0.1, 20]}}
    path = write_experiment(tmp_path, dataset=SMALL, optimizer=grid)
    options = Options(runs_dir=tmp_path / "runs")
    experiments = load_experiments([path], options)
    looks: list[str] = []
    files = ImageFolder.files

    def counted(source: ImageFolder) -> Iterator[Path]:
        looks.append(source.path)
        return files(source)

    monkeypatch.setattr(ImageFolder, "files", counted)
    assert len(plan_runs(experiments, options, pytest.fail).to_train) == 20
    assert len(looks) == 1
