from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from catalog_page import torch_version

from optbench.catalog.experiment import load_experiment
from optbench.catalog.json_schema import experiment_schema
from optbench.commands.schema import FILE, schema_text
from optbench.config.extends import resolve
from optbench.config.yaml_source import load
from optbench.errors import ConfigError

CONFIGS = Path(__file__).parents[2] / "configs"
SHIPPED = sorted(path for path in CONFIGS.rglob("*.yaml") if path.parent.name != "trajectories")
VALIDATOR = jsonschema.Draft7Validator(experiment_schema())


def test_it_is_a_json_schema() -> None:
    jsonschema.Draft7Validator.check_schema(VALIDATOR.schema)


def test_the_shipped_schema_is_current() -> None:
    shipped = (CONFIGS / FILE).read_text(encoding="utf-8")
    made_with = str(json.loads(shipped)["$comment"]).removesuffix(".").rpartition(" ")[2]
    if made_with != torch_version():
        pytest.skip(f"it was made with torch {made_with}")
    assert shipped == schema_text(), "optbench schema -o configs/experiment.schema.json"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_every_shipped_experiment_fits_and_names_it(path: Path) -> None:
    assert _mistakes(load(path).plain()) == []
    line = path.read_text(encoding="utf-8").splitlines()[0]
    named = line.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / named).resolve() == CONFIGS / FILE


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_what_extends_another_fits_as_a_whole(path: Path) -> None:
    assert _mistakes(resolve(path).plain()) == []


BASE: dict[str, Any] = {
    "dataset": "digits",
    "model": {"name": "mlp", "hidden": [8]},
    "optimizer": {"name": "adam", "lr": 1e-3},
}


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": ["adam", {"name": "sgd", "momentum": {"grid": [0, 0.9]}}]},
        {"optimizer": {"name": "adam", "betas": [0.9, {"grid": [0.99, 0.999]}]}},
        {"optimizer": {"name": {"grid": ["adam", "sgd"]}, "lr": 0.1}},
        {"optimizer": {"name": "sgd", "lr": 1, "schedule": {"name": "cosine", "warmup": 0.1}}},
        {"optimizer": {"name": "adam", "groups": [{"match": "*.bias", "weight_decay": 0}]}},
        {"optimizer": {"name": "torch.optim:Adam", "lr": 1e-3}},
        {"training": {"batch_size": "full", "epochs": {"grid": [1, 2]}}},
        {"training": {"average": "ema"}},
        {"training": {"average": {"name": "swa", "start": 0.5}, "evaluate_every": {"steps": 5}}},
        {"dataset": {"name": "mnist", "fallback": {"name": "mnist-5k", "train": 100}}},
        {"schedule": ["constant", {"name": "steplr", "step_size": 2}]},
        {"seeds": [0, 3], "device": "cpu", "name": "a-name"},
        {"expect": [{"metric": "test_loss", "setting": {"optimizer": "adam"}, "at_most": 3}]},
    ],
)
def test_what_optbench_takes_fits(change: dict[str, Any], tmp_path: Path) -> None:
    experiment = {**BASE, **change}
    file = tmp_path / "taken.yaml"
    file.write_text(json.dumps(experiment), encoding="utf-8")
    load_experiment(file)
    assert _mistakes(experiment) == []


@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        ({"optimiser": "adam"}, []),
        ({"model": {"name": "mlp", "hiden": [8]}}, ["model"]),
        ({"optimizer": {"name": "adam", "lr": -0.1}}, ["optimizer"]),
        ({"optimizer": {"name": "adam", "betas": [0.9, 1]}}, ["optimizer"]),
        ({"optimizer": {"name": "adam", "momentum": 0.9}}, ["optimizer"]),
        ({"optimizer": [{"name": "sgd", "lr": {"logspce": [1, 2, 3]}}]}, ["optimizer"]),
        ({"training": {"epochs": 0.5}}, ["training", "epochs"]),
        ({"training": {"epoch": 3}}, ["training"]),
        ({"training": {"loss": "hinge"}}, ["training", "loss"]),
        ({"training": {"augment": {"flip": "yes"}}}, ["training", "augment"]),
        ({"seeds": 0}, ["seeds"]),
        ({"seeds": [1, 1]}, ["seeds"]),
        ({"device": "gpu"}, ["device"]),
        ({"name": "../x"}, ["name"]),
        ({"dataset": {"validation": 10}}, ["dataset"]),
        ({"expect": [{"metric": "loss", "setting": {"lr": 1}, "at_most": 3}]}, None),
        ({"expect": [{"metric": "test_loss", "at_most": 3}]}, None),
        ({"expect": [{"metric": "test_loss", "setting": {"optimizer": "adam"}}]}, None),
    ],
)
def test_what_optbench_refuses_is_refused_at_the_same_place(
    change: dict[str, Any], blamed: list[str] | None, tmp_path: Path
) -> None:
    experiment = {**BASE, **change}
    file = tmp_path / "refused.yaml"
    file.write_text(json.dumps(experiment), encoding="utf-8")
    with pytest.raises(ConfigError):
        load_experiment(file)
    mistakes = _mistakes(experiment)
    assert mistakes
    assert blamed is None or blamed in mistakes


def test_a_file_that_extends_another_may_leave_everything_to_it() -> None:
    assert _mistakes({"extends": "base.yaml", "optimizer": {"lr": 0.1}}) == []
    assert _mistakes({"optimizer": {"lr": 0.1}}) != []


def _mistakes(experiment: object) -> list[list[str | int]]:
    return [list(error.absolute_path) for error in VALIDATOR.iter_errors(experiment)]
