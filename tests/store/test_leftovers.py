"""What killed processes leave, found and deleted; what is in use or a stranger's stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_runs import make_rows, write_run

from optbench.errors import StoreError
from optbench.store.leftovers import delete, find_leftovers, put_back, tree_size
from optbench.store.lock import RunLock
from optbench.store.scan import scan

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path, make_rows([0.1, 0.9]))


def found(root: Path) -> list[tuple[str, str]]:
    return [(str(one.path.relative_to(root)), one.kind) for one in find_leftovers(root)]


def test_a_store_without_any_has_none(run: Path, tmp_path: Path) -> None:
    assert found(tmp_path) == found(tmp_path / "nowhere") == []


def test_files_and_folders_that_a_kill_left_are_found(run: Path, tmp_path: Path) -> None:
    (run / ".metrics.csv.123.tmp").write_bytes(b"half")
    for ending in ("new", "old", "gone"):
        run.with_name(f".{run.name}.{ending}").mkdir()
    (tmp_path / ".writable-99").mkdir()
    (tmp_path / ".staging-0123456789abcdef" / "1").mkdir(parents=True)
    folder = run.parent.name
    assert found(tmp_path) == [
        (".staging-0123456789abcdef", "temporary"),
        (".writable-99", "temporary"),
        (f"{folder}/.{run.name}.gone", "temporary"),
        (f"{folder}/.{run.name}.new", "temporary"),
        (f"{folder}/.{run.name}.old", "temporary"),
        (f"{folder}/{run.name}/.metrics.csv.123.tmp", "temporary"),
    ]


def test_checkpoints_outlive_the_end_of_a_run_as_leftovers_alone(run: Path, tmp_path: Path) -> None:
    going_on = write_run(tmp_path, make_rows([0.1]), seed=1, status="interrupted")
    for directory in (run, going_on):
        for name in ("checkpoint.pt", "checkpoint.prev.pt"):
            (directory / name).write_bytes(b"a state")
    assert found(tmp_path) == [
        (f"{run.parent.name}/{run.name}/{name}", "temporary")
        for name in ("checkpoint.pt", "checkpoint.prev.pt")
    ]


def test_a_run_put_aside_whose_place_is_empty_is_put_back(run: Path, tmp_path: Path) -> None:
    before = scan(tmp_path).runs[0].rows
    run.rename(run.with_name(f".{run.name}.old"))  # what a kill between two renames leaves
    (aside,) = find_leftovers(tmp_path)
    assert aside.kind == "aside"
    put_back(aside)
    assert found(tmp_path) == []
    assert scan(tmp_path).runs[0].rows == before


def test_what_a_live_process_is_writing_is_no_leftover(run: Path, tmp_path: Path) -> None:
    (run / ".metrics.csv.123.tmp").write_bytes(b"half")
    beside = run.with_name(f".{run.name}.new")
    beside.mkdir()
    with RunLock(run):
        assert found(tmp_path) == []
    with RunLock(beside):
        assert [name for name, _ in found(tmp_path)] == [
            f"{run.parent.name}/{run.name}/.metrics.csv.123.tmp"
        ]


def test_other_hidden_names_and_links_are_not_ours(run: Path, tmp_path: Path) -> None:
    run.with_name(".notes").mkdir()
    run.with_name(".git.old").mkdir()
    run.with_name(f".{run.name}.old").symlink_to(tmp_path)
    for name in (".notes.tmp", ".metrics.csv.tmp", ".metrics.csv.mine.tmp", ".plot.png.12.tmp"):
        (run / name).touch()
    assert found(tmp_path) == []


def test_a_deleted_run_goes_out_of_sight_before_its_files_go(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("optbench.store.leftovers.shutil.rmtree", killed)
        with pytest.raises(StoreError, match="Input/output error"):
            delete(run)
    assert found(tmp_path) == [(f"{run.parent.name}/.{run.name}.gone", "temporary")]
    (rest,) = find_leftovers(tmp_path)
    delete(rest.path)
    assert found(tmp_path) == []
    assert not run.exists()


def test_a_link_is_removed_and_not_what_it_leads_to(run: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(run)
    delete(link)
    assert not link.is_symlink()
    assert (run / "result.json").exists()


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"123")
    (tmp_path / "a" / "b" / "two").write_bytes(b"4567")
    assert tree_size(tmp_path / "a") == 7
    assert tree_size(tmp_path / "a" / "one") == 3
