from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

import optbench
from optbench.catalog.experiment import load_experiment, refuse_searches
from optbench.catalog.search import load_search

CONFIGS = Path(__file__).parent.parent / "configs"


TRAJECTORIES = sorted((CONFIGS / "trajectories").glob("*.yaml"))
FINETUNE = CONFIGS / "finetune" / "finetune.yaml"  # starts from what another has trained
EXPERIMENTS = sorted({*CONFIGS.rglob("*.yaml")} - {*TRAJECTORIES, FINETUNE})


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_shipped_experiment_is_valid(path: Path) -> None:
    experiment = load_experiment(path)
    assert experiment.runs()
    assert experiment.name == path.stem
    if experiment.searches:
        assert load_search(path).contenders
    else:
        refuse_searches(experiment)


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("adam_mnist", {"name": "adam", "lr": 1e-3, "betas": [0.9, 0.999], "weight_decay": 0}),
        ("sgd_mnist", {"name": "sgd", "lr": 0.01, "momentum": 0, "nesterov": False}),
    ],
)
def test_the_first_two_are_the_tutorials_programs(name: str, optimizer: dict[str, object]) -> None:
    experiment = load_experiment(CONFIGS / f"{name}.yaml")
    (setting,) = experiment.settings
    assert experiment.seeds == (0,)
    assert setting.dataset == {"name": "mnist", "train": None, "test": None, "validation": 0}
    assert setting.model == {"name": "mlp", "hidden": [128], "activation": "relu", "dropout": 0}
    assert setting.optimizer.items() >= optimizer.items()
    assert setting.schedule == {"name": "constant"}
    assert (setting.epochs, setting.training["batch_size"]) == (5, 64)


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("momentum_mnist", {"name": "sgd", "lr": 0.01, "momentum": 0.9}),
        ("adamw_mnist", {"name": "adamw", "lr": 1e-3, "weight_decay": 0.01}),
    ],
)
def test_two_more_differ_in_the_optimizer_alone(name: str, optimizer: dict[str, object]) -> None:
    (setting,) = load_experiment(CONFIGS / f"{name}.yaml").settings
    (tutorial,) = load_experiment(CONFIGS / "adam_mnist.yaml").settings
    assert setting.optimizer.items() >= optimizer.items()
    assert setting.problem_hash == tutorial.problem_hash
    assert setting.training == tutorial.training


def test_adam_against_sgd_has_eight_seeds_and_5000_images_held_out() -> None:
    experiment = load_experiment(CONFIGS / "adam_vs_sgd_mnist.yaml")
    assert experiment.seeds == tuple(range(8))
    assert [setting.label for setting in experiment.settings] == ["adam lr=0.001", "sgd lr=0.01"]
    assert [setting.dataset["validation"] for setting in experiment.settings] == [5000, 5000]


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped files, beside the run that configs/finetune/pretrain.yaml makes."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(CONFIGS, folder / "configs")
    optbench.run(folder / "configs/finetune/pretrain.yaml", runs_dir=folder / "runs")
    return folder


def test_fine_tuning_starts_where_the_pre_training_ended(pretrained: Path) -> None:
    experiment = load_experiment(pretrained / "configs/finetune/finetune.yaml")
    starts = {s.weights.path if s.weights else None for s in experiment.settings}
    (weights,) = (pretrained / "runs/pretrain").glob("*/weights.pt")
    assert starts == {None, weights}
    claimed = load_experiment(pretrained / "configs/claims/new_layers_larger_steps.yaml")
    assert all(s.model["head"] == "new" for s in claimed.settings)


def test_the_weights_that_are_shipped_are_what_the_pre_training_ends_with(pretrained: Path) -> None:
    (path,) = (pretrained / "runs/pretrain").glob("*/weights.pt")
    made = torch.load(path)
    shipped = torch.load(CONFIGS / "claims/digits_0_to_6.pt")
    assert made.keys() == shipped.keys()
    for name, tensor in made.items():  # to what rounding on another processor grows to
        moved = torch.linalg.vector_norm(tensor - shipped[name])
        assert moved < 0.1 * torch.linalg.vector_norm(shipped[name]), name
