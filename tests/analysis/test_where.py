from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_runs import ADAM, SGD, load, write_seeds

import optbench
from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.analysis.where import selected
from optbench.errors import UsageError
from optbench.report.comparison import render

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.store.stored_run import StoredRun

MOMENTUM = SGD | {"lr": 0.1, "momentum": 0.9}


@pytest.fixture
def runs(tmp_path: Path) -> tuple[StoredRun, ...]:
    """Adam at 0.001 and 0.01, SGD at 0.01, SGD with momentum at 0.1; two seeds each."""
    for optimizer in (ADAM, ADAM | {"lr": 0.01}, SGD, MOMENTUM):
        write_seeds(tmp_path, [0.97, 0.96], optimizer=optimizer)
    return load(tmp_path)


def told(runs: tuple[StoredRun, ...], *conditions: str) -> set[str]:
    """The optimizers, learning rates and seeds that meet the conditions."""
    kept = selected(runs, conditions)
    optimizers = [(run.result.config["optimizer"], run.result.seed) for run in kept]
    return {f"{optimizer['name']} {optimizer['lr']} s{seed}" for optimizer, seed in optimizers}


ADAM_ONE = {"adam 0.001 s0", "adam 0.001 s1"}
ADAM_TEN = {"adam 0.01 s0", "adam 0.01 s1"}
SGD_TEN = {"sgd 0.01 s0", "sgd 0.01 s1"}
MOMENTUM_RUNS = {"sgd 0.1 s0", "sgd 0.1 s1"}


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ((), ADAM_ONE | ADAM_TEN | SGD_TEN | MOMENTUM_RUNS),
        (("optimizer=adam",), ADAM_ONE | ADAM_TEN),
        (("optimizer=adam", "lr=1e-3"), ADAM_ONE),
        (("lr=0.0010",), ADAM_ONE),
        (("lr=1e-3,1e-1",), ADAM_ONE | MOMENTUM_RUNS),
        (("lr=1e-3", "lr=0.1"), ADAM_ONE | MOMENTUM_RUNS),
        (("optimizer.lr=1e-3",), ADAM_ONE),
        (("seed=1", "lr=0.01"), {"adam 0.01 s1", "sgd 0.01 s1"}),
        (("betas=[0.90,0.999]", "lr=0.01"), ADAM_TEN),
        (("amsgrad=false", "lr=0.01"), ADAM_TEN),
        (("momentum=0.9",), MOMENTUM_RUNS),
        (("momentum=0.0",), SGD_TEN),
        (("optimizer=momentum",), MOMENTUM_RUNS),
        (("training.batch_size=64", "model=mlp", "lr=0.1"), MOMENTUM_RUNS),
        (("status=completed", "dataset=mnist", "schedule=constant", "lr=0.1"), MOMENTUM_RUNS),
    ],
)
def test_values_are_compared_by_what_they_mean(
    runs: tuple[StoredRun, ...], conditions: tuple[str, ...], expected: set[str]
) -> None:
    assert told(runs, *conditions) == expected


def test_a_default_of_training_selects_the_runs_that_leave_it_out(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.9], optimizer=ADAM)
    write_seeds(tmp_path, [0.9], optimizer=SGD, training={"augment": {"flip": True}})
    runs = load(tmp_path)
    assert told(runs, "augment.flip=false") == {"adam 0.001 s0"}
    assert told(runs, "augment.flip=true", "augment.crop=0") == {"sgd 0.01 s0"}
    assert told(runs, "augment=null", "training.dtype=float32") == {"adam 0.001 s0"}


def test_an_argument_of_the_schedule_goes_by_its_own_name(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.9], schedule={"name": "cosine", "warmup": 0.05})
    write_seeds(tmp_path, [0.9])
    (run,) = selected(load(tmp_path), ["warmup=5e-2"])
    assert run.result.config["schedule"]["name"] == "cosine"


@pytest.mark.parametrize("name", ["007", "1e3", "a: b", "x]y"])
def test_an_experiment_may_be_called_what_yaml_takes_for_something_else(
    tmp_path: Path, name: str
) -> None:
    write_seeds(tmp_path, [0.9], experiment=name)
    write_seeds(tmp_path, [0.9], experiment="other", optimizer=SGD)
    (run,) = selected(load(tmp_path), [f"experiment={name}"])
    assert run.result.experiment == name


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (["optimizer=adamm"], "--where optimizer: no run has 'adamm'; did you mean 'adam'?"),
        (["lr=0.5"], "--where lr: no run has '0.5'; runs have 0.001, 0.01, 0.1"),
        (["lr=1e-3,5"], "--where lr: no run has '5'; runs have 0.001, 0.01, 0.1"),
        (["momentun=0.9"], "--where: no run has 'momentun'; did you mean 'momentum'?"),
        (["seed=7"], "--where seed: no run has '7'; runs have 0, 1"),
        (
            ["optimizer=adam", "lr=0.1"],
            "--where: no run meets all of optimizer=adam lr=0.1; leave one out",
        ),
        (
            ["adam"],
            "--where must be key=value, got 'adam'; e.g. --where optimizer=adam --where "
            "lr=1e-3,1e-2",
        ),
        (
            ["lr="],
            "--where must be key=value, got 'lr='; e.g. --where optimizer=adam --where "
            "lr=1e-3,1e-2",
        ),
    ],
)
def test_what_no_run_has_is_refused_with_what_there_is(
    runs: tuple[StoredRun, ...], conditions: list[str], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        selected(runs, conditions)
    assert str(caught.value) == message


def test_a_comparison_sees_only_the_runs_asked_for(runs: tuple[StoredRun, ...]) -> None:
    (problem,) = compare(runs, Question(where=("lr=0.01",))).problems
    assert {(row.optimizer, row.hyperparameters["lr"]) for row in problem.rows} == {
        ("adam", 0.01),
        ("sgd", 0.01),
    }


def test_the_page_says_that_it_shows_some_of_the_runs(runs: tuple[StoredRun, ...]) -> None:
    question = Question(where=("lr=1e-2", "seed=0"))
    assert "Only runs with lr=1e-2 and seed=0." in render(compare(runs, question))
    assert "Only runs" not in render(compare(runs, Question()))


def test_python_has_conditions_too(tmp_path: Path, runs: tuple[StoredRun, ...]) -> None:
    (problem,) = optbench.compare(tmp_path, where=["optimizer=adam", "lr=1e-3"]).problems
    assert [row.label for row in problem.rows] == ["adam lr=0.001"]


def test_parameter_groups_go_by_how_many_there_are_beside_the_default_one(tmp_path: Path) -> None:
    grouped = ADAM | {"groups": [{"match": "fc.*", "lr": 1}]}
    for optimizer in (ADAM, grouped, SGD):
        write_seeds(tmp_path, [0.9], optimizer=optimizer)
    found = load(tmp_path)
    assert told(found, "groups=0") == {"adam 0.001 s0", "sgd 0.01 s0"}
    (one,) = selected(found, ["groups=1"])
    assert one.result.config["optimizer"]["groups"]
    assert selected(found, ["groups=[{match: fc.*, lr: 1}]"]) == (one,)
    with pytest.raises(UsageError, match="groups: no run has '3'; runs have 0, 1"):
        selected(found, ["groups=3"])
