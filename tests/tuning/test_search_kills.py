"""The driver of a search is killed by SIGKILL; the same command goes on to the same bytes."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from experiments import TINY, Child, signal_at, write_experiment

if TYPE_CHECKING:
    from pathlib import Path

PARTS: dict[str, Any] = {
    "optimizer": [
        {"name": "adam", "lr": {"loguniform": [1e-4, 1e-1]}},
        {"name": "sgd", "lr": {"loguniform": [1e-3, 1]}, "momentum": {"uniform": [0, 0.95]}},
    ],
    "training": TINY["training"] | {"epochs": 4},
}
# What is called in a batch, between batches, at a rung: a moment for each kind of kill.
MOMENTS = (
    ("optbench.store.rundir:RunDirectory.write_checkpoint", 9),
    ("optbench.store.rundir:RunDirectory.write_end", 7),
    ("optbench.tuning.search:write_study", 3),
    ("optbench.tuning.side:outcome", 11),
)


def files(folder: Path) -> dict[str, bytes]:
    """What a search leaves that has no clock in it."""
    found = [*folder.glob("runs/*/*/metrics.csv"), *folder.glob("runs/*/tuning.json")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def tune(folder: Path, tuning: dict[str, Any], *kill: Any) -> int:
    folder.mkdir(exist_ok=True)
    write_experiment(folder, tuning=tuning, **PARTS)
    prepare = partial(signal_at, kill[0], kill[1], signal.SIGKILL) if kill else int
    with Child("tune", "tiny.yaml", "--quiet", cwd=folder, prepare=prepare) as child:
        return child.wait()


TPE = {"trials": 12, "sampler": {"name": "tpe", "batch": 3}}
HYPERBAND = {"trials": 4, "sampler": "random", "pruner": {"name": "hyperband", "reduction": 2}}
MEDIAN = {"trials": 8, "sampler": {"name": "random", "batch": 6}, "pruner": "median"}


@pytest.mark.parametrize(
    "tuning",
    [
        pytest.param(TPE, id="tpe", marks=pytest.mark.slow),
        pytest.param(HYPERBAND, id="hyperband"),
        pytest.param(MEDIAN, id="median", marks=pytest.mark.slow),
    ],
)
def test_a_search_that_is_killed_again_and_again_ends_as_one_that_is_not(
    tmp_path: Path, tuning: dict[str, Any]
) -> None:
    assert tune(tmp_path / "whole", tuning) == 0
    killed = [tune(tmp_path / "killed", tuning, *moment) for moment in MOMENTS]
    assert killed.count(-signal.SIGKILL) >= 3  # the last may find nothing left to do
    assert tune(tmp_path / "killed", tuning) == 0
    expected = files(tmp_path / "whole")
    assert len(expected) > 15
    assert files(tmp_path / "killed") == expected


def test_two_workers_search_to_the_same_bytes_as_one(tmp_path: Path) -> None:
    tuning = {"trials": 4, "sampler": "random"}
    assert tune(tmp_path / "one", tuning) == 0
    folder = tmp_path / "two"
    folder.mkdir()
    write_experiment(folder, tuning=tuning, **PARTS)
    with Child("tune", "tiny.yaml", "--quiet", "--workers", "2", cwd=folder) as child:
        assert child.wait() == 0
    assert files(folder) == files(tmp_path / "one")
