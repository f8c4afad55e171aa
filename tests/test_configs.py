from __future__ import annotations

from pathlib import Path

import pytest

from optbench.catalog.experiment import load_experiment, refuse_searches

CONFIGS = Path(__file__).parent.parent / "configs"


TRAJECTORIES = sorted((CONFIGS / "trajectories").glob("*.yaml"))
EXPERIMENTS = sorted({*CONFIGS.rglob("*.yaml")} - {*TRAJECTORIES})


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_shipped_experiment_is_valid(path: Path) -> None:
    experiment = load_experiment(path)
    assert experiment.runs()
    assert experiment.name == path.stem
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
