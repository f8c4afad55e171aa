"""Cohorts of the study's runs, trained here by the engine itself: seconds of their steps."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import torch

from optbench import load_experiment
from optbench.execution.data import DataChoice, load_data
from optbench.training.data import DeviceData, Split, to_device
from optbench.training.device import reproducible
from optbench.training.learner import Learner
from optbench.training.loop import train
from optbench.training.records import Evaluation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.config.spec import Run

CPU = torch.device("cpu")
COHORT = 5  # runs: what the plan makes of the study
ROW_STEPS = 50  # steps between two rows, whose seconds are one measurement
TRAIN, TEST = 19_200, 500  # examples: their evaluation isn't what is measured here


def parser(about: str | None) -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=about)
    found.add_argument("data_dir", type=Path)
    found.add_argument("--study", type=Path, default=Path(__file__).with_name("study.yaml"))
    found.add_argument("--rows", type=int, default=4, help=f"measured, of {ROW_STEPS} steps")
    return found


def make_runs(
    experiment: Path, data_dir: Path, seeds: int, row_steps: int = ROW_STEPS
) -> list[Run]:
    """The runs of an experiment's settings of Adam, on so many seeds, with a row so often."""
    every = f"training.evaluate_every={{steps: {row_steps}}}"
    found = load_experiment(experiment, overrides=[every, "training.epochs=1000"], seeds=str(seeds))
    data = DataChoice(data_dir, allow_fallback=False, announce=lambda _: None)
    settings = tuple(
        data.settle(setting) for setting in found.settings if setting.optimizer["name"] == "adam"
    )
    return list(dataclasses.replace(found, settings=settings).runs())


def make_data(run: Run, data_dir: Path, train: int = TRAIN) -> DeviceData:
    """The run's data, cut so that rows cost little."""
    data = to_device(load_data(run.setting, data_dir), CPU)
    return dataclasses.replace(data, train=_cut(data.train, train), test=_cut(data.test, TEST))


def _cut(split: Split, examples: int) -> Split:
    return Split(split.inputs[:examples], split.targets[:examples])


def run_step(runs: Sequence[Run], data: DeviceData, rows: int, row_steps: int = ROW_STEPS) -> float:
    """Seconds a step and run of a cohort on one thread: the median over some rows but the first."""
    rows_of_first = []
    with reproducible(CPU):
        for record in train([Learner(run, data) for run in runs]):
            if isinstance(record, Evaluation) and record.run == 0:
                rows_of_first.append(record.train_seconds)
                if len(rows_of_first) == rows + 2:  # the untrained row, and one to warm up
                    break
    return median(rows_of_first[2:]) / row_steps


def run_step_in_cohorts(runs: Sequence[Run], data: DeviceData, rows: int, size: int) -> float:
    """The same, where the runs train in cohorts of that size one after the other."""
    cohorts = [runs[start : start + size] for start in range(0, len(runs), size)]
    seconds = (len(cohort) * run_step(cohort, data, rows) for cohort in cohorts)
    return sum(seconds) / len(runs)
