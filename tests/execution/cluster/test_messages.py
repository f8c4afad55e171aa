"""Messages between a command and a cluster: runs stay where they are, versions have to agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from experiments import make_runs

from optbench.execution.cluster.messages import Versions, packed, unpacked

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_comes_back_as_the_one_that_is_known(tmp_path: Path) -> None:
    (run,) = make_runs(tmp_path)
    content = packed(["x", run], frozenset({run.hash}))
    assert unpacked(content, {run.hash: run})[1] is run
    assert len(content) < 200


def test_a_run_that_is_not_known_goes_along_whole(tmp_path: Path) -> None:
    (run,) = make_runs(tmp_path)
    (same,) = unpacked(packed([run]), {})
    assert same is not run
    assert same.hash == run.hash


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (Versions("1.0", "2.14.0", "3.11"), ""),
        (Versions("1.1", "2.14.0", "3.11"), "optbench 1.1 instead of 1.0"),
        (Versions("1.0", "2.10.0", "3.11"), "torch 2.10.0 instead of 2.14.0"),
        (Versions("1.0", "", "3.11"), "torch is not installed instead of 2.14.0"),
        (Versions("1.0", "2.14.0", "3.12"), "python 3.12 instead of 3.11"),
    ],
)
def test_a_version_that_differs_is_named(other: Versions, difference: str) -> None:
    assert Versions("1.0", "2.14.0", "3.11").difference(other) == difference
