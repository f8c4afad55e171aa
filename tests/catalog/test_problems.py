"""Every data set with every model that fits it: does it train, and does it learn?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from experiments import write_experiment
from PIL import Image

import optbench
from optbench.catalog.datasets import DATASETS
from optbench.catalog.models import MODELS, POINT

if TYPE_CHECKING:
    from pathlib import Path

POINT_ALONE: dict[str, dict[str, Any]] = {POINT: {}}
FLAT: dict[str, dict[str, Any]] = {"mlp": {"hidden": [8]}, "logistic": {}}
SMALL_IMAGES = FLAT | {
    "cnn": {"channels": [4, 4], "hidden": 8},
    "lenet": {},
    "resnet18": {"width": 2},
    "vit": {"width": 8, "depth": 1, "heads": 2},
}
IMAGES = SMALL_IMAGES | {"cifar-cnn": {}}
RECURRENT: dict[str, dict[str, Any]] = {
    "gru": {"hidden": 8},
    "lstm": {"hidden": 8},
    "rnn": {"hidden": 8},
}
SEQUENCES = FLAT | RECURRENT | {"conv1d": {"channels": 4}}
TEXTS = RECURRENT | {"transformer": {"width": 8, "depth": 1, "heads": 2}}
TOKENS = TEXTS | {"bag-of-words": {}}

PROBLEMS: dict[str, tuple[dict[str, Any], dict[str, dict[str, Any]]]] = {
    "mnist-5k": ({}, IMAGES),
    "digits": ({}, SMALL_IMAGES),
    "mnist-1d": ({}, SEQUENCES),
    "synthetic": ({"features": [3, 32, 32], "classes": 3}, IMAGES),  # the shape of CIFAR and SVHN
    "xor": ({}, FLAT),
    "spirals": ({}, FLAT),
    "random-targets": ({}, {"sigmoid-mlp": {}}),
    "zipf-words": ({"words": 50}, FLAT),
    "shapes": ({}, IMAGES),
    "zipf-word-ids": ({"words": 50}, TOKENS),
    "zipf-text": ({"length": 16, "words": 10}, TEXTS),
    "modular-addition": ({"modulus": 11}, TOKENS),
    "adding-problem": ({"length": 10}, SEQUENCES),
    "linear-regression": ({"features": 5}, {"linear": {}, "mlp": {"hidden": [4]}}),
    "logistic-regression": ({}, {"linear": {}}),
    "wilson-features": ({}, {"linear": {"zeros": True, "bias": False}}),
    "objective": ({"test": None}, POINT_ALONE),
    "quadratic": ({"test": None, "noise": 0.1}, POINT_ALONE),
    "reddi-online": ({"test": None}, POINT_ALONE),
    "file": ({"path": "mine.npz"}, SEQUENCES),
    "text": ({"path": "mine.txt", "length": 16}, TEXTS),
    "labelled-text": ({"path": "mine.tsv", "length": 16}, TOKENS),
    "image-folder": ({"path": "photos"}, IMAGES),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with data of one's own."""
    inputs = np.random.RandomState(0).standard_normal((60, 2, 9))
    np.savez(tmp_path / "mine.npz", x=inputs, y=np.arange(60) % 3)
    words = ["salt", "and", "pepper", "sea", "sand"]
    texts = [" ".join(words[i % k] for i in range(3 + k)) for k in range(1, 6)] * 20
    (tmp_path / "mine.txt").write_text("\n".join(texts))
    lines = [f"{'long' if len(text) > 30 else 'short'}\t{text}" for text in texts]
    (tmp_path / "mine.tsv").write_text("\n".join(lines))
    for name, shade in (("dark", 50), ("light", 200)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(25):
            path = tmp_path / "photos" / name / f"{i}.png"
            Image.new("RGB", (40, 30), (shade, i, 0)).save(path)
    return tmp_path


def test_every_data_set_and_every_model_is_among_the_problems(tmp_path: Path) -> None:
    own = {name for name, (arguments, _) in PROBLEMS.items() if "path" in arguments}
    on_disk = {n for n in DATASETS.keys() - own if not DATASETS[n].factory().missing(tmp_path)}
    assert set(PROBLEMS) == own | on_disk
    assert {model for _, models in PROBLEMS.values() for model in models} == set(MODELS)


@pytest.mark.parametrize("name", PROBLEMS)
def test_it_trains_with_every_model_that_fits(name: str, folder: Path) -> None:
    arguments, models = PROBLEMS[name]
    path = write_experiment(
        folder,
        dataset={"name": name, "train": 24, "test": 8, **arguments},
        model=[{"name": model, **options} for model, options in models.items()],
        optimizer={"name": "adam", "lr": 0.01},
        training={"epochs": 1, "batch_size": 12},
    )
    runs = optbench.run(path, runs_dir=folder / "runs", workers=1)
    assert len(runs) == len(models)
    for run in runs:
        assert run.status == "completed", run.result
        first, last = run.rows
        assert last["test_loss"] not in (first["test_loss"], None)


# What each is to reach in some seconds, and did with a margin. Chance is 10%, of two classes 50%.
LEARNT: dict[str, tuple[str, dict[str, Any], str, dict[str, Any], float, int, float]] = {
    "a 2-4-2 net of sigmoids learns xor": (
        "xor", {}, "mlp", {"hidden": [4], "activation": "sigmoid"}, 0.05, 40, 0.9,
    ),
    "spirals need two layers": ("spirals", {}, "mlp", {"hidden": [32, 32]}, 0.01, 60, 0.95),
    "a linear model reads words": ("zipf-words", {}, "logistic", {}, 0.01, 10, 0.8),
    "lenet reads digits": ("digits", {}, "lenet", {}, 0.003, 8, 0.85),
    "a transformer reads digits": (
        "digits", {}, "vit", {"patch": 2, "width": 32, "depth": 2}, 0.003, 8, 0.8,
    ),
    "a residual network reads digits": ("digits", {}, "resnet18", {"width": 8}, 0.003, 3, 0.85),
    "convolutions read signals": ("mnist-1d", {}, "conv1d", {}, 0.01, 12, 0.8),
    "a recurrent network reads signals": (
        "mnist-1d", {"train": 2000}, "gru", {"hidden": 32}, 0.01, 5, 0.25,
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("problem", LEARNT.values(), ids=LEARNT.keys())
def test_it_learns(
    problem: tuple[str, dict[str, Any], str, dict[str, Any], float, int, float], tmp_path: Path
) -> None:
    dataset, arguments, model, options, lr, epochs, accuracy = problem
    path = write_experiment(
        tmp_path,
        dataset={"name": dataset, **arguments},
        model={"name": model, **options},
        optimizer={"name": "adam", "lr": lr},
        training={"epochs": epochs, "batch_size": 32},
    )
    (run,) = optbench.run(path, runs_dir=tmp_path / "runs", workers=1)
    assert reached(run.rows[-1]["test_accuracy"]) >= accuracy


def reached(accuracy: float | None) -> float:
    return 0.0 if accuracy is None else accuracy
