from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from experiments import TINY, write_experiment
from stored_runs import write_seeds

import optbench
from optbench import ConfigError, OptbenchError, compare, load_experiment, load_runs, run

if TYPE_CHECKING:
    from pathlib import Path


def test_from_a_file_to_a_frame_and_a_comparison(tmp_path: Path) -> None:
    items = [TINY["optimizer"], {"name": "sgd", "lr": 0.1}]
    path = write_experiment(tmp_path, optimizer=items, seeds=2)
    assert len(load_experiment(path).runs()) == 4
    stored = run(path, runs_dir=tmp_path / "runs")
    assert [found.status for found in stored] == ["completed"] * 4
    frame = load_runs(tmp_path / "runs")
    assert frame.height == 4 * 4  # row 0 and three epochs of each run
    assert {"epoch", "train_loss", "test_accuracy", "lr"} <= set(frame.columns)
    (problem,) = compare(tmp_path / "runs", reference="sgd").problems
    assert [row.completed for row in problem.rows] == [2, 2]


def test_a_comparison_takes_the_commands_options(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.95, 0.97])
    (problem,) = compare(tmp_path, metric="train_loss").problems
    assert problem.metric.name == "train_loss"
    with pytest.raises(OptbenchError, match="trian_loss"):
        compare(tmp_path, metric="trian_loss")


def test_a_bad_file_is_one_error_with_every_mistake(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, optimizer={"name": "adamm"}, training={"epochs": -1})
    with pytest.raises(ConfigError) as told:
        run(path, runs_dir=tmp_path / "runs")
    assert {problem.key for problem in told.value.problems} == {"optimizer.name", "training.epochs"}
    assert not (tmp_path / "runs").exists()


def test_every_public_name_is_there_and_documented() -> None:
    for name in optbench.__all__:
        assert getattr(optbench, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        optbench.trian  # noqa: B018


def test_importing_the_package_costs_nothing() -> None:
    source = "import sys, optbench; print(sorted(m for m in sys.modules if 'optbench' in m))"
    found = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    assert found.stdout == "['optbench']\n"


def test_a_run_leaves_no_trace_in_the_callers_process(tmp_path: Path) -> None:
    import signal

    import torch

    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    handler = signal.getsignal(signal.SIGINT)
    run(write_experiment(tmp_path), runs_dir=tmp_path / "runs")
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert signal.getsignal(signal.SIGINT) == handler
