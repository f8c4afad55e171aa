from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_runs import make_rows, write_run

from optbench.store.index import RunIndex
from optbench.store.scan import scan

if TYPE_CHECKING:
    from pathlib import Path

ROWS = make_rows([0.1, 0.9])


def test_a_finished_run_is_found_under_whatever_experiment_made_it(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS, experiment="another")
    (stored,) = scan(tmp_path).runs
    found = RunIndex(tmp_path).finished(stored.result.run)
    assert found is not None
    assert found.path == directory


@pytest.mark.parametrize(
    ("status", "finished"),
    [
        ("completed", True),
        ("diverged", True),
        ("running", False),
        ("failed", False),
        ("interrupted", False),
        ("pruned", False),
    ],
)
def test_only_what_ended_by_itself_is_finished(tmp_path: Path, status: str, finished: bool) -> None:
    write_run(tmp_path, ROWS, status=status)
    (stored,) = scan(tmp_path).runs
    assert (RunIndex(tmp_path).finished(stored.result.run) is not None) == finished


def test_an_unfinished_copy_does_not_hide_a_finished_one(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS, experiment="a", status="interrupted", run="ab" * 32)
    finished = write_run(tmp_path, ROWS, experiment="b", run="ab" * 32)
    found = RunIndex(tmp_path).finished("ab" * 32)
    assert found is not None
    assert found.path == finished


def test_a_hash_that_only_begins_alike_is_another_run(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS, run="ab" * 32)
    assert RunIndex(tmp_path).finished("ab" * 4 + "cd" * 28) is None


def test_a_damaged_directory_is_no_finished_run(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS, run="ab" * 32)
    (directory / "result.json").write_bytes(b"{")
    assert RunIndex(tmp_path).finished("ab" * 32) is None


def test_a_run_being_replaced_is_not_found_by_its_working_names(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS, run="ab" * 32)
    directory.rename(directory.with_name(f".{directory.name}.new"))
    assert RunIndex(tmp_path).finished("ab" * 32) is None


def test_a_store_that_is_not_there_yet_has_nothing(tmp_path: Path) -> None:
    assert RunIndex(tmp_path / "runs").finished("ab" * 32) is None
