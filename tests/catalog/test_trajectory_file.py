from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from optbench.catalog.objectives import OBJECTIVES
from optbench.catalog.trajectory import load_trajectories
from optbench.errors import ConfigError, UsageError

SHIPPED = sorted((Path(__file__).parents[2] / "configs" / "trajectories").glob("*.yaml"))
PLUGIN = """
from torch.optim import Optimizer

class Mine(Optimizer):
    def __init__(self, params, lr: float = 1.0):
        super().__init__(params, {"lr": lr})
"""


def labels(*settings: str) -> list[str]:
    return [one.label for one in load_trajectories("bowl", settings).contenders]


def families(*settings: str) -> list[str]:
    return [one.family for one in load_trajectories("bowl", settings).contenders]


def mistake(*settings: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_trajectories("bowl", settings)
    (problem,) = caught.value.problems
    return f"{problem.key}: {problem.message}; {problem.remedy}".removesuffix("; ")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_file_is_valid(path: Path) -> None:
    assert load_trajectories(str(path)).contenders


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_name_alone_stands_for_the_tutorials_four_at_their_learning_rate(name: str) -> None:
    found = load_trajectories(name)
    assert [one.label for one in found.contenders] == ["sgd", "momentum", "rmsprop", "adam"]
    assert found.lr == 0.1
    assert (found.start, found.window) == (OBJECTIVES[name].start, OBJECTIVES[name].window)
    assert (found.steps, found.noise, found.seed, found.tolerance) == (200, 0, 0, 0.01)


def test_a_file_says_everything(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "objective: {name: bowl, condition: 30}\nstart: [1, 2]\nsteps: 7\nnoise: 0.5\nseed: 3\n"
        "tolerance: 0.1\nwindow: [[-2, 2], [-3, 3]]\noptimizer: {name: adam, lr: 0.2}\n"
    )
    found = load_trajectories(str(path))
    assert found.resolved == {"name": "bowl", "condition": 30}
    assert (found.start, found.window) == ((1, 2), ((-2, 2), (-3, 3)))
    assert (found.steps, found.noise, found.seed, found.tolerance) == (7, 0.5, 3, 0.1)
    (only,) = found.contenders
    assert only.setting.optimizer["lr"] == 0.2


def test_the_learning_rate_is_for_those_that_name_none() -> None:
    chosen = load_trajectories("bowl", ["lr=0.3", "optimizer=[adam, {name: sgd, lr: 0.01}]"])
    assert [one.setting.optimizer["lr"] for one in chosen.contenders] == [0.3, 0.01]
    assert chosen.lr is None


def test_labels_hold_what_tells_optimizers_apart() -> None:
    assert labels("optimizer=[adam, momentum]") == ["adam", "momentum"]
    assert labels("optimizer=[adam, {name: sgd, lr: 1}]") == ["adam lr=0.1", "sgd lr=1"]
    assert labels("optimizer={name: sgd, momentum: {grid: [0, 0.5]}}") == [
        "sgd",
        "sgd momentum=0.5",
    ]
    assert labels("optimizer=[adam, {name: adam, betas: [0.9, 0.999]}]") == ["adam"]  # the same


def test_special_cases_are_drawn_as_what_they_are_called() -> None:
    chosen = "optimizer=[{name: sgd, momentum: 0.5}, {name: adam, amsgrad: true}, sgd]"
    assert families(chosen) == ["momentum", "amsgrad", "sgd"]


def test_an_optimizer_of_ones_own_is_found_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(PLUGIN)
    (tmp_path / "mine.yaml").write_text("objective: bowl\noptimizer: ./own.py:Mine\n")
    (only,) = load_trajectories(str(tmp_path / "mine.yaml")).contenders
    assert only.label == "Mine"
    assert only.setting.optimizer["lr"] == 0.1


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("objective=bwol", "objective.name: unknown objective 'bwol'; did you mean 'bowl'?  "
                           "(optbench list objectives)"),
        ("objective.condition=0.5", "objective.condition: must be 1 or greater, got 0.5"),
        ("objective.size=1",
         "objective.size: bowl has no such argument; did you mean 'condition'?"),
        ("optimizer=adamm", "optimizer.name: unknown optimizer 'adamm'; did you mean 'adam'?  "
                            "(optbench list optimizers)"),
        ("optimizer={name: adam, lr: 0}", "optimizer.lr: must be greater than 0, got 0"),
        ("optimizer={name: adam, beta: 0}",
         "optimizer.beta: Adam has no such argument; did you mean 'betas'?"),
        ("optimizer=[]", "optimizer: must name at least one"),
        ("optimizer={name: adam, lr: {uniform: [0.1, 1]}}",
         "optimizer.lr: is a range for tuning; write a number, or {grid: […]}"),
        ("optimizer={name: adam, lr: {logspace: [0.1, 1, 25]}}",
         "optimizer: expands to 25 paths; at most 24 are drawn; take fewer points"),
        ("lr=-0.1", "lr: must be greater than 0, got -0.1"),
        ("steps=0", "steps: must be from 1 to 100,000, got 0"),
        ("steps=1.5", "steps: must be a whole number, got 1.5"),
        ("noise=-1", "noise: must be 0 or greater, got -1"),
        ("noise=.inf", "noise: must be a finite number, got inf"),
        ("seed=-1", "seed: must be from 0 to 2,147,483,647, got -1"),
        ("tolerance=0", "tolerance: must be greater than 0, got 0"),
        ("start=[1, 2, 3]", "start: must be a list of 2, got 3"),
        ("start=[9, 0]", "start: must be inside the window [[-5, 5], [-3.5, 3.5]], got [9, 0]; "
                         "start elsewhere, or give a larger window"),
        ("window=[[1, 0], [0, 1]]", "window: must be [[x0, x1], [y0, y1]], each from low to high; "
                                    "window: [[-5, 5], [-3.5, 3.5]]"),
        ("step=3", "step: unknown key; did you mean 'steps'?"),
        ("condition=3", "condition: unknown key; did you mean 'objective.condition'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_rule_value_and_remedy(setting: str, told: str) -> None:
    assert mistake(setting) == told


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load_trajectories("bowl", ["steps=0", "optimizer=adamm", "noise=-1"])
    assert len(caught.value.problems) == 3


def test_a_file_without_an_objective_says_so(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("optimizer: adam\n")
    with pytest.raises(ConfigError, match=r"mine.yaml:1: objective: is missing"):
        load_trajectories(str(tmp_path / "mine.yaml"))


def test_what_is_neither_file_nor_objective_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'bealle' is neither .*; did you mean 'beale'\?"):
        load_trajectories("bealle")


def test_checking_imports_no_torch() -> None:
    code = (
        "import sys; from optbench.catalog.trajectory import load_trajectories\n"
        "load_trajectories('bowl'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
