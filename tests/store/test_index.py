from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from stored_runs import make_rows, write_run

from optbench.errors import StoreError
from optbench.store.index import RunIndex, finished_run
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = make_rows([0.1, 0.9])
RUN = "ab" * 32


def write_finished(root: Path, **description: object) -> Path:
    """A finished run with weights, whole."""
    directory = write_run(root, ROWS, run=RUN, **description)
    result = directory / "result.json"
    text = result.read_text().replace('"files": {', f'"files": {{"weights.pt": "{"0" * 64}", ')
    result.write_text(text, encoding="utf-8")
    (directory / "weights.pt").write_bytes(b"weights")
    return directory


def link_to_itself(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


def alter(path: Path) -> None:
    path.write_text(path.read_text().replace("0.9", "0.8"), encoding="utf-8")


DAMAGE: list[tuple[str, Callable[[Path], None], str]] = [
    ("metrics.csv", lambda path: os.truncate(path, 100), "its SHA-256 is not the one in"),
    ("metrics.csv", alter, "its SHA-256 is not the one in"),
    ("metrics.csv", os.unlink, "No such file or directory"),
    ("metrics.csv", link_to_itself, "a symbolic link, not followed"),
    ("weights.pt", os.unlink, "No such file or directory"),
    ("weights.pt", link_to_itself, "a symbolic link, not followed"),
    ("result.json", lambda path: os.truncate(path, 100), "not strict JSON"),
]


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    DAMAGE,
    ids=[f"{name} {message}" for name, _, message in DAMAGE],
)
def test_a_finished_run_with_a_damaged_file_has_to_train_again(
    tmp_path: Path, name: str, damage: Callable[[Path], None], message: str
) -> None:
    directory = write_finished(tmp_path)
    assert finished_run(directory, RUN) is not None
    damage(directory / name)
    assert finished_run(directory, RUN) is None
    index = RunIndex(tmp_path)
    for _ in range(2):  # a run may be looked up with several data sets
        assert index.finished(RUN) is None
    (note,) = index.damaged
    assert str(note).startswith(f"{directory}: damaged: {name}: ")
    assert message in note.message


def test_a_finished_run_without_a_digest_of_its_metrics_is_damaged(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS, run=RUN, files={})
    assert finished_run(directory, RUN) is None


def test_a_whole_copy_stands_in_for_a_damaged_one(tmp_path: Path) -> None:
    damaged = write_finished(tmp_path, experiment="a")
    os.truncate(damaged / "metrics.csv", 100)
    whole = write_finished(tmp_path, experiment="b")
    index = RunIndex(tmp_path)
    found = index.finished(RUN)
    assert found is not None
    assert found.path == whole
    assert index.damaged == ()


def test_a_run_that_is_not_finished_is_not_called_damaged(tmp_path: Path) -> None:
    directory = write_finished(tmp_path, status="interrupted")
    os.truncate(directory / "metrics.csv", 100)
    (tmp_path / "b" / "adam-s0-abababab").mkdir(parents=True)  # killed before it wrote anything
    index = RunIndex(tmp_path)
    assert index.finished(RUN) is None
    assert index.damaged == ()


@pytest.mark.parametrize("level", ["experiment", "run"])
def test_a_link_out_of_the_store_leads_to_no_finished_run(tmp_path: Path, level: str) -> None:
    outside, store = tmp_path / "outside", tmp_path / "store"
    directory = write_finished(outside)
    link = store / "e" if level == "experiment" else store / "e" / directory.name
    link.parent.mkdir(parents=True)
    link.symlink_to(directory.parent if level == "experiment" else directory)
    assert RunIndex(outside).finished(RUN) is not None
    assert RunIndex(store).finished(RUN) is None


def test_a_store_whose_name_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="File name too long"):
        RunIndex(tmp_path / ("x" * 300))


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
