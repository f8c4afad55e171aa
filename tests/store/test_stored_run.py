from __future__ import annotations

import fcntl
import shutil
import socket
from typing import TYPE_CHECKING

import pytest
from stored_runs import digest, make_rows, only, write_run

from optbench.errors import StoreError
from optbench.store.bounded import read_bounded
from optbench.store.metrics import format_rows
from optbench.store.result import Result, read_result
from optbench.store.scan import scan
from optbench.store.stored_run import read_run

if TYPE_CHECKING:
    from pathlib import Path

ROWS = make_rows([0.1, 0.9])


def test_a_run_whose_result_is_damaged_is_named(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS)
    assert read_run(directory) == only(directory)
    (directory / "result.json").write_text("{")
    with pytest.raises(StoreError, match=f"{directory.name}: damaged: result.json: "):
        read_run(directory)


def test_a_run_that_is_replaced_while_it_is_looked_at_is_unfinished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = write_run(tmp_path, ROWS)

    def without_it(path: Path) -> Result:
        directory.rename(directory.with_name(".aside"))
        return read_result(path)

    monkeypatch.setattr("optbench.store.stored_run.read_result", without_it)
    (note,) = scan(tmp_path).notes
    assert (note.path, note.kind) == (directory, "unfinished")
    assert note.message == "removed or replaced while it was read"


def test_running_without_a_lock_reads_as_interrupted(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS, status="running")
    assert only(tmp_path).status == "interrupted"
    assert not (directory / "lock").exists()
    (directory / "lock").touch()
    assert only(tmp_path).status == "interrupted"
    assert [str(note).removeprefix(f"{tmp_path}/") for note in scan(tmp_path).notes] == [
        f"adam_mnist/{directory.name}: unfinished: interrupted after epoch 1"
    ]


def test_running_with_a_live_lock_is_running(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS, status="running")
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert only(tmp_path).status == "running"
    assert only(tmp_path).status == "interrupted"


def test_a_killed_run_whose_rows_are_ahead_of_its_result_is_readable(tmp_path: Path) -> None:
    known = {"metrics.csv": digest(format_rows(ROWS[:1]))}
    write_run(tmp_path, ROWS, status="running", files=known)
    assert list(only(tmp_path).rows) == ROWS[:1]


def test_a_killed_run_that_was_begun_anew_since_it_was_found_has_the_rows_of_now(
    tmp_path: Path,
) -> None:
    directory = write_run(tmp_path, ROWS, status="running")
    (found,) = scan(tmp_path).runs
    shutil.rmtree(directory)
    anew = make_rows([0.3])
    write_run(tmp_path, anew, status="running")
    assert list(found.rows) == anew


def test_a_killed_run_that_was_begun_anew_and_killed_at_the_same_row_has_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = write_run(tmp_path, ROWS, status="running")
    metrics = directory / "metrics.csv"
    turns = [1, 1]  # another process writes rows one by one, twice, each time as these are read
    (run,) = scan(tmp_path).runs

    def read(path: Path, limit: int) -> bytes:
        content = read_bounded(path, limit)
        if path != metrics or not turns:
            return content
        content = format_rows(ROWS[: turns.pop()]).encode()
        metrics.with_name("new").write_bytes(metrics.read_bytes())
        metrics.with_name("new").replace(metrics)
        return content

    monkeypatch.setattr("optbench.store.stored_run.read_bounded", read)
    assert list(run.rows) == ROWS


def test_a_finished_run_that_another_took_the_place_of_has_the_rows_of_now(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS)
    (found,) = scan(tmp_path).runs
    shutil.rmtree(directory)
    anew = make_rows([0.3])
    write_run(tmp_path, anew)
    assert list(found.rows) == anew


def test_a_run_that_is_removed_while_it_is_read_is_no_damaged_one(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS)
    (found,) = scan(tmp_path).runs
    (directory / "result.json").unlink()
    (directory / "metrics.csv").write_text(format_rows(ROWS[:1]))
    with pytest.raises(StoreError, match="removed or replaced while it was read"):
        _ = found.rows


def test_a_killed_run_whose_rows_are_not_those_that_it_stored_is_damaged(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS, status="running")
    metrics = directory / "metrics.csv"
    metrics.write_text(metrics.read_text().replace("0.9", "0.8"), encoding="utf-8")
    with pytest.raises(StoreError, match=r"metrics.csv: damaged"):
        _ = only(tmp_path).rows


def test_altered_metrics_are_damaged(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS)
    metrics = directory / "metrics.csv"
    metrics.write_text(metrics.read_text().replace("0.9", "0.99"), encoding="utf-8")
    with pytest.raises(StoreError, match=r"metrics.csv: damaged: its SHA-256 is not the one"):
        _ = only(tmp_path).rows


def test_torn_metrics_are_named_with_their_file(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS, files={})
    (directory / "metrics.csv").write_text("epoch", encoding="utf-8")
    with pytest.raises(StoreError, match=r"metrics.csv: line 1: torn"):
        _ = only(tmp_path).rows


def test_symlinked_metrics_are_not_read(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS, files={})
    (directory / "metrics.csv").unlink()
    (directory / "metrics.csv").symlink_to("/etc/passwd")
    with pytest.raises(StoreError) as caught:
        _ = only(tmp_path).rows
    assert str(caught.value).endswith("metrics.csv: a symbolic link, not followed")


def test_a_socket_is_refused_like_any_other_special_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = write_run(tmp_path, ROWS, files={})
    (directory / "metrics.csv").unlink()
    monkeypatch.chdir(directory)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("metrics.csv")
        with pytest.raises(StoreError):
            _ = only(tmp_path).rows
