"""Cohorts for the workers that there are: their memory, their devices, what may not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from experiments import make_runs, write_plugin

from optbench.execution.deal import Rehearsed, deal
from optbench.execution.footprints import footprint
from optbench.execution.plan import Plan, Planned
from optbench.execution.rehearsal import rehearse
from optbench.training.device import devices_for, workplaces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.config.spec import Run
    from optbench.execution.cohorts import Footprint

GB = 10**9
MNIST: dict[str, Any] = {"model": {"name": "mlp", "hidden": [128]}, "dataset": "mnist-5k"}
NUMBERS = 784 * 128 + 128 + 128 * 10 + 10  # that the tutorials' network trains
ADAM = {"name": "adam", "lr": 0.1}


def plan(folder: Path, **parts: Any) -> list[Planned]:
    return [Planned(run, folder / run.directory_name) for run in make_runs(folder, **parts)]


def rehearsed(runs: Sequence[Planned]) -> Rehearsed:
    return rehearse(Plan((), tuple(runs), force=False))


def on_gpus(runs: Sequence[Planned], count: int, free: int) -> Rehearsed:
    found = rehearsed(runs)
    devices = tuple(f"cuda:{index}" for index in range(count))
    return Rehearsed(devices, found.footprints, found.process_bytes, free)


@pytest.mark.parametrize(
    ("optimizer", "states"),
    [
        ({"name": "sgd", "lr": 0.1}, 0),
        ({"name": "momentum", "lr": 0.1}, 1),
        (ADAM, 2),
        ({"name": "amsgrad", "lr": 0.1}, 3),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_a_run_is_weighed_with_its_optimizers_state(
    tmp_path: Path, optimizer: dict[str, Any], states: int
) -> None:
    runs = plan(tmp_path, optimizer=optimizer, **MNIST)
    (footprint,) = rehearsed(runs).footprints.values()
    assert footprint.stacked
    assert footprint.parameter_bytes == 4 * NUMBERS
    steps = 4 * 4 * (states > 1)  # Adam counts its steps, a number for each of four parameters
    assert footprint.state_bytes == 4 * NUMBERS * (2 + states) + steps


def test_a_full_batch_is_weighed_with_the_activations_of_all_examples(tmp_path: Path) -> None:
    runs = plan(tmp_path, training={"batch_size": {"grid": [64, "full"]}}, **MNIST)
    small, full = rehearsed(runs).footprints.values()
    # 784 inputs, 128 hidden units before and after ReLU at most, 10 outputs twice: float32 each.
    most = 4 * (784 + 2 * 128 + 2 * 10)
    more = (full.run_bytes - small.run_bytes) / (4_000 - 1_000)  # evaluation takes 1,000
    assert 4 * (784 + 128 + 10) <= more <= most + 8


def test_a_batch_larger_than_the_data_is_weighed_as_all_of_them(tmp_path: Path) -> None:
    runs = plan(tmp_path, training={"batch_size": {"grid": ["full", 10**9]}}, **MNIST)
    full, beyond = rehearsed(runs).footprints.values()
    assert beyond.run_bytes == full.run_bytes


@pytest.mark.parametrize(
    ("option", "copies"),
    [({"accumulate": 2}, 1), ({"average": "ema"}, 2)],  # the average, and that in a checkpoint
)
def test_other_copies_of_the_weights_are_weighed(
    tmp_path: Path, option: dict[str, Any], copies: int
) -> None:
    (without,) = rehearsed(plan(tmp_path, **MNIST)).footprints.values()
    (run,) = plan(tmp_path, training={"epochs": 3, "batch_size": 16} | option, **MNIST)
    (found,) = rehearsed([run]).footprints.values()
    assert found.run_bytes - without.run_bytes == copies * 4 * NUMBERS


def test_fractions_that_are_not_0_weigh_the_same_and_0_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weighed: list[str] = []

    def count(run: Run, *built: Any) -> Footprint:
        weighed.append(run.setting.label)
        return footprint(run, *built)

    monkeypatch.setattr("optbench.execution.rehearsal.footprint", count)
    momentum = {"name": "sgd", "lr": 0.1, "momentum": {"grid": [0, 0.5, 0.9]}}
    betas = {"name": "adam", "betas": [0.9, {"grid": [0.9, 0.99, 0.999]}]}
    runs = plan(tmp_path, optimizer=[momentum, betas], **MNIST)
    found = [one.state_bytes for one in rehearsed(runs).footprints.values()]
    assert len(weighed) == 3
    assert found[1] == found[2] == found[0] + 4 * NUMBERS


def test_settings_that_differ_in_the_learning_rate_weigh_the_same(tmp_path: Path) -> None:
    runs = plan(tmp_path, optimizer={"name": "adam", "lr": {"grid": [1, 2, 3]}})
    found = rehearsed(runs).footprints
    assert len(found) == 3
    assert len(set(map(id, found.values()))) == 1


def test_memory_for_fewer_processes_than_cores_makes_fewer_workers(tmp_path: Path) -> None:
    runs = plan(tmp_path, optimizer=ADAM, seeds=20, **MNIST)
    found = rehearsed(runs)
    one = max(footprint.alone for footprint in found.footprints.values())
    assert deal(runs, found, 100 * GB, workers=4).workers == 4
    enough = (found.process_bytes + one) / 0.8  # a fifth of what is free is left alone
    for workers in (3, 2, 1):
        assert deal(runs, found, int(workers * enough) + 10, workers=4).workers == workers


def test_what_may_not_fit_trains_one_at_a_time_and_is_named(tmp_path: Path) -> None:
    runs = plan(tmp_path, optimizer={"name": "adam", "lr": {"grid": [0.1, 0.2]}}, seeds=3, **MNIST)
    dealt = deal(runs, rehearsed(runs), 1000, workers=2)
    assert dealt.cohorts == tuple((index,) for index in range(6))
    assert dealt.workers == 1
    assert dealt.warning.startswith("adam lr=0.1 batch_size=16 and 1 other setting may need ")
    assert deal(runs, rehearsed(runs), 100 * GB, workers=2).warning == ""


def test_the_memory_of_a_plan_is_that_of_all_workers(tmp_path: Path) -> None:
    runs = plan(tmp_path, optimizer=ADAM, seeds=4, **MNIST)
    found = rehearsed(runs)
    (footprint,) = found.footprints.values()
    dealt = deal(runs, found, 100 * GB, workers=2)
    assert dealt.cohorts == ((0, 1), (2, 3))
    each = found.process_bytes + footprint.shared_bytes + 2 * footprint.run_bytes
    assert dealt.bytes == 2 * each


@pytest.mark.parametrize(("most", "workers"), [(None, 3), (2, 2), (8, 3)])
def test_a_gpu_has_one_worker(tmp_path: Path, most: int | None, workers: int) -> None:
    runs = plan(tmp_path, optimizer=ADAM, seeds=20, **MNIST)
    dealt = deal(runs, on_gpus(runs, 3, 10 * GB), 100 * GB, workers=2, most=most)
    assert dealt.workers == workers


def test_a_gpus_own_memory_bounds_its_cohorts(tmp_path: Path) -> None:
    runs = plan(tmp_path, optimizer=ADAM, seeds=6, **MNIST)
    (footprint,) = rehearsed(runs).footprints.values()
    free = int((footprint.shared_bytes + 2 * footprint.run_bytes) / 0.8) + 2
    dealt = deal(runs, on_gpus(runs, 1, free), 100 * GB, workers=2)
    assert [len(cohort) for cohort in dealt.cohorts] == [2, 2, 2]


@pytest.mark.parametrize(
    ("chosen", "places"),
    [
        (["cpu"], ("cpu",)),
        (["cuda"], ("cuda:0", "cuda:1")),
        (["cuda:1"], ("cuda:1",)),
        (["cuda:1", "cuda", "cpu"], ("cuda:1", "cuda:0")),
        (["mps"], ("mps",)),
        (["cpu", "mps"], ("mps",)),
    ],
)
def test_accelerators_that_are_asked_for_are_where_workers_train(
    chosen: list[str], places: tuple[str, ...]
) -> None:
    assert workplaces(chosen, ["cpu", "cuda", "cuda:0", "cuda:1", "mps"]) == places


def test_a_machine_without_accelerators_trains_on_its_cpu() -> None:
    assert devices_for(["cpu"]) == ("cpu",)


@pytest.mark.parametrize(
    ("parts", "stacked"),
    [
        ({}, True),
        ({"model": {"name": "cnn"}, "dataset": "digits"}, False),
    ],
    ids=["mlp", "cnn"],
)
def test_models_that_gain_nothing_by_stacking_train_alone(
    tmp_path: Path, parts: dict[str, Any], stacked: bool
) -> None:
    runs = plan(tmp_path, seeds=6, **parts)
    dealt = deal(runs, rehearsed(runs), 100 * GB, workers=2)
    assert {len(cohort) for cohort in dealt.cohorts} == ({3} if stacked else {1})


def test_a_foreign_optimizer_takes_no_step_to_be_weighed(tmp_path: Path) -> None:
    source = """
import os, torch

class Deadly(torch.optim.SGD):
    def step(self, closure=None):
        os._exit(1)

class Net(torch.nn.Linear):
    def __init__(self, input_shape, classes):
        super().__init__(input_shape[0], classes)
"""
    write_plugin(tmp_path, source)
    runs = plan(tmp_path, optimizer="./plugin.py:Deadly", model="./plugin.py:Net")
    (footprint,) = rehearsed(runs).footprints.values()
    assert footprint.parameter_bytes == 4 * (6 * 3 + 3)
    assert footprint.state_bytes == 4 * footprint.parameter_bytes  # as if it were Adam
