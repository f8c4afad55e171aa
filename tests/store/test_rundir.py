from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path

import pytest
from experiments import snapshot
from stored_runs import make_rows, result_document

from optbench.errors import StoreError
from optbench.store.metrics import format_rows
from optbench.store.result import Result, parse_result
from optbench.store.rundir import RunDirectory, check_writable

ROWS = make_rows([0.1, 0.9])
TIMINGS = [(0, 0.0, 0.25), (938, 1.5, 0.125)]
RESULT: Result = parse_result(json.dumps(result_document(ROWS)).encode(), "result.json")


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    found = RunDirectory(tmp_path / "runs" / "adam_mnist" / "adam-s0-12345678")
    found.create()
    return found


def names(directory: RunDirectory) -> set[str]:
    return {path.name for path in directory.path.iterdir()}


def test_the_end_of_a_run_is_stored_with_the_digests_of_its_files(directory: RunDirectory) -> None:
    directory.write_checkpoint(b"first")
    directory.write_checkpoint(b"second")
    directory.write_end(ROWS, TIMINGS, RESULT, b"weights")
    assert names(directory) == {"metrics.csv", "timing.csv", "result.json", "weights.pt"}
    digests = {
        name: hashlib.sha256((directory.path / name).read_bytes()).hexdigest()
        for name in ("metrics.csv", "timing.csv", "weights.pt")
    }
    assert directory.result() == dataclasses.replace(RESULT, files=digests)
    assert (directory.path / "metrics.csv").read_text() == format_rows(ROWS)


def test_a_last_state_is_stored_before_the_run_is_finished(
    directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finds a finished run that was to keep it finds it as well."""
    replaced: list[str] = []
    replace = Path.replace

    def noted(path: Path, target: Path) -> Path:
        replaced.append(target.name)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", noted)
    directory.write_end(ROWS, TIMINGS, RESULT, b"weights", b"state")
    assert (directory.path / "state.pt").read_bytes() == b"state"
    assert replaced.index("state.pt") < replaced.index("result.json")
    stored = directory.result()
    assert stored is not None
    assert "state.pt" not in stored.files  # so that it may be deleted


def test_timings_are_seconds_by_step(directory: RunDirectory) -> None:
    directory.write_end(ROWS, TIMINGS, RESULT, None)
    assert (directory.path / "timing.csv").read_text() == (
        "steps,train_seconds,evaluation_seconds\n0,0.000000,0.250000\n938,1.500000,0.125000\n"
    )


def test_a_checkpoint_keeps_the_one_before_it(directory: RunDirectory) -> None:
    for content in (b"first", b"second", b"third"):
        directory.write_checkpoint(content)
    found = directory.checkpoints()
    assert [path.name for path in found] == ["checkpoint.pt", "checkpoint.prev.pt"]
    assert [directory.read_checkpoint(path) for path in found] == [b"third", b"second"]


@pytest.mark.parametrize(("status", "kept"), [("failed", True), ("diverged", False)])
def test_checkpoints_are_kept_where_a_run_can_go_on(
    directory: RunDirectory, status: str, kept: bool
) -> None:
    directory.write_checkpoint(b"first")
    document = json.dumps(result_document(ROWS, status=status)).encode()
    directory.write_end(ROWS, TIMINGS, parse_result(document, ""), None)
    assert bool(directory.checkpoints()) == kept


def test_a_checkpoint_that_is_a_link_is_not_read(directory: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (directory.path / "checkpoint.pt").symlink_to(tmp_path / "secret")
    (link,) = directory.checkpoints()
    with pytest.raises(StoreError, match="a symbolic link, not followed"):
        directory.read_checkpoint(link)


def test_the_log_is_appended_to(directory: RunDirectory) -> None:
    directory.log("one\n")
    directory.log("two: \udcff")
    assert (directory.path / "log.txt").read_text() == "one\ntwo: \\udcff\n"


@pytest.mark.parametrize("trap", ["link", "fifo"])
def test_a_trap_in_place_of_the_log_is_not_written_to(
    directory: RunDirectory, tmp_path: Path, trap: str
) -> None:
    if trap == "link":
        (directory.path / "log.txt").symlink_to(tmp_path / "elsewhere")
    else:
        os.mkfifo(directory.path / "log.txt")
    with pytest.raises(StoreError, match=r"can't write .*log\.txt"):
        directory.log("one")
    assert not (tmp_path / "elsewhere").exists()


def test_a_damaged_result_reads_as_none(directory: RunDirectory) -> None:
    (directory.path / "result.json").write_bytes(b"{")
    assert directory.result() is None


def test_a_directory_takes_the_place_of_another_whole(directory: RunDirectory) -> None:
    old = directory.path
    directory.log("old")
    new = RunDirectory(old.with_name(f".{old.name}.new"))
    new.create()
    new.write_end(ROWS, TIMINGS, RESULT, None)
    expected = {name: content for name, (content, _) in snapshot(new.path).items()}
    new.replace(old)
    assert new.path == old
    assert {name: content for name, (content, _) in snapshot(old).items()} == expected
    assert list(old.parent.iterdir()) == [old]


def test_a_store_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"can't write .*file/runs: Not a directory"):
        check_writable(tmp_path / "file" / "runs")
    with pytest.raises(StoreError, match="can't write"):
        RunDirectory(tmp_path / "file" / "run").create()


@pytest.mark.parametrize("place", ["adam_mnist", "adam_mnist/adam-s0-12345678"])
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_in_a_store_leads_no_run_out_of_it(
    tmp_path: Path, place: str, dangling: bool
) -> None:
    outside, link = tmp_path / "outside", tmp_path / "runs" / place
    if not dangling:
        outside.mkdir()
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    with pytest.raises(StoreError, match=rf"{link}: a symbolic link, not followed"):
        RunDirectory(tmp_path / "runs" / "adam_mnist" / "adam-s0-12345678").create()
    assert not outside.exists() or list(outside.iterdir()) == []


def test_the_store_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "runs").symlink_to("disk")
    RunDirectory(tmp_path / "runs" / "adam_mnist" / "adam-s0-12345678").create()
    assert (tmp_path / "disk" / "adam_mnist" / "adam-s0-12345678").is_dir()


def test_names_that_are_too_long_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="File name too long"):
        check_writable(tmp_path / ("x" * 300))
    with pytest.raises(StoreError, match="File name too long"):
        RunDirectory(tmp_path / ("x" * 300) / "run").create()
    with pytest.raises(StoreError, match="File name too long"):
        RunDirectory(tmp_path / "adam_mnist" / ("x" * 300)).create()


def test_looking_whether_a_store_is_writable_leaves_nothing_in_it(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "runs")
    assert list((tmp_path / "new" / "runs").iterdir()) == []
