from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from optbench.config.names import is_name
from optbench.config.spec import Experiment, Run, Setting, display_name, format_value


def make(**changes: Any) -> Setting:
    values: dict[str, Any] = {
        "dataset": {"name": "mnist", "validation": 0},
        "model": {"name": "mlp", "hidden": [128]},
        "optimizer": {"name": "adam", "lr": 0.001},
        "schedule": {"name": "constant"},
        "training": {"epochs": 5, "batch_size": 64, "loss": "cross_entropy"},
        "hyperparameters": (("lr", 0.001),),
    }
    return Setting(**(values | changes))


def sha256(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


PROBLEM = {
    "dataset": {"name": "mnist", "validation": 0},
    "data": "",
    "model": {"name": "mlp", "hidden": [128]},
    "loss": "cross_entropy",
}
SETTING = {
    "problem": PROBLEM,
    "optimizer": {"name": "adam", "lr": 0.001},
    "schedule": {"name": "constant"},
    "training": {"epochs": 5, "batch_size": 64, "loss": "cross_entropy"},
}


def test_hashes_are_sha_256_of_what_they_cover() -> None:
    setting = make()
    run = Run("a", setting, seed=3, declared_seeds=8, device="cpu")
    assert setting.problem_hash == sha256(PROBLEM)
    assert setting.setting_hash == sha256(SETTING)
    assert run.hash == sha256({"setting": setting.setting_hash, "seed": 3})


@pytest.mark.parametrize(
    "changes",
    [
        {"hyperparameters": ()},
        {"fallback": {"name": "digits"}},
        {"requested_dataset": "mnist"},
        {"written": {"model": None}},
        {"optimizer": {"lr": 0.001, "name": "adam"}},
    ],
)
def test_what_is_only_shown_or_recorded_is_not_hashed(changes: dict[str, Any]) -> None:
    assert make(**changes).setting_hash == make().setting_hash


def test_the_content_of_the_data_makes_another_problem() -> None:
    changed = make(data_hash="ab")
    assert changed.problem_hash != make().problem_hash
    assert changed.setting_hash != make().setting_hash


def test_seed_is_hashed_and_experiment_device_and_number_of_seeds_are_not() -> None:
    run = Run("a", make(), seed=0, declared_seeds=1, device="cpu")
    for changes in ({"experiment": "b"}, {"device": "cuda"}, {"declared_seeds": 8}):
        assert dataclasses.replace(run, **changes).hash == run.hash
    assert dataclasses.replace(run, seed=1).hash != run.hash


@pytest.mark.parametrize("part", ["model", "optimizer", "schedule"])
def test_a_plugin_is_hashed_by_content_and_class(part: str) -> None:
    def hash_of(path: str, content: str, name: str = "Mine") -> str:
        target = f"{path}:{name}"
        return make(**{part: {"name": target}, "plugins": {target: content}}).setting_hash

    assert hash_of("/a/x.py", "1f") == hash_of("/b/y.py", "1f")
    assert hash_of("/a/x.py", "1f") != hash_of("/a/x.py", "2f")
    assert hash_of("/a/x.py", "1f") != hash_of("/a/x.py", "1f", "Other")


def test_a_directory_is_named_by_setting_seed_and_hash() -> None:
    shown = (("lr", 0.001), ("betas", [0.9, 0.99]))
    run = Run("a", make(hyperparameters=shown), seed=12, declared_seeds=1, device="cpu")
    assert re.fullmatch(r"adam-lr0.001-betas-0.9-0.99-s12-[0-9a-f]{8}", run.directory_name)
    assert run.directory_name.endswith(run.hash[:8])


def test_a_directory_of_any_setting_is_a_name() -> None:
    evil = make(optimizer={"name": "/etc/../x.py:Öpt"}, hyperparameters=(("x", "/../" * 200),))
    name = Run("a", evil, seed=2**31 - 1, declared_seeds=1, device="cpu").directory_name
    assert is_name(name) or len(name) <= 255
    assert "/" not in name


def test_a_label_names_the_class_of_an_import_path() -> None:
    assert make().label == "adam lr=0.001"
    assert make(optimizer={"name": "/a/lion.py:Lion"}).label == "Lion lr=0.001"
    assert display_name("torch.optim:Adam") == "Adam"


def test_a_run_says_itself_as_an_experiment_of_one_seed() -> None:
    run = Run("a", make(), seed=3, declared_seeds=8, device="auto")
    assert run.config == {
        "name": "a",
        "dataset": {"name": "mnist", "validation": 0},
        "model": {"name": "mlp", "hidden": [128]},
        "optimizer": {"name": "adam", "lr": 0.001},
        "schedule": {"name": "constant"},
        "training": {"epochs": 5, "batch_size": 64, "loss": "cross_entropy"},
        "seeds": [3],
        "device": "auto",
    }


def test_runs_are_interleaved_by_seed() -> None:
    adam, sgd = make(), make(optimizer={"name": "sgd"})
    experiment = Experiment("a", Path("a.yaml"), (adam, sgd), (5, 1), "cpu")
    assert [(run.setting, run.seed) for run in experiment.runs()] == [
        (adam, 5), (sgd, 5), (adam, 1), (sgd, 1),
    ]  # fmt: skip


def test_epochs_and_batch_size_are_the_trainings() -> None:
    assert (make().epochs, make().batch_size(1000), make().epoch_steps(1000)) == (5, 64, 16)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"), (True, "true"), (False, "false"), (1, "1"), (1.0, "1"), (0.001, "0.001"),
        (1e-8, "1e-08"), ([0.9, 0.999], "[0.9, 0.999]"), ((1, 2), "[1, 2]"), ("relu", "relu"),
        ({"steps": 3}, "{steps: 3}"), ([], "[]"),
    ],
)  # fmt: skip
def test_values_are_shown_as_yaml_writes_them(value: object, text: str) -> None:
    assert format_value(value) == text
