from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from stored_runs import SGD, load, make_rows, only, write_run

from optbench.errors import StoreError, UsageError
from optbench.store.scan import find_run, scan
from optbench.store.stored_run import is_run_directory

if TYPE_CHECKING:
    from pathlib import Path

ROWS = make_rows([0.1, 0.9])


def notes(root: Path) -> list[str]:
    return [str(note).removeprefix(f"{root}/") for note in scan(root).notes]


def test_a_store_an_experiment_and_a_single_run_are_read_alike(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS)
    found = [only(root) for root in (tmp_path, directory.parent, directory)]
    assert [run.path for run in found] == [directory] * 3
    assert list(found[0].rows) == ROWS


def test_seeds_stand_in_the_order_of_numbers(tmp_path: Path) -> None:
    for seed in (10, 2, 1):
        write_run(tmp_path, ROWS, seed=seed)
    assert [run.result.seed for run in load(tmp_path)] == [1, 2, 10]


@pytest.mark.parametrize("made", [False, True])
def test_a_missing_or_empty_root_says_how_to_make_runs(tmp_path: Path, made: bool) -> None:
    root = tmp_path / "runs"
    if made:
        (root / ".hidden").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"runs: .*optbench run CONFIG"):
        scan(root)


def test_foreign_and_damaged_directories_are_named_and_stop_nothing(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS)
    (tmp_path / "adam_mnist" / "stray").mkdir()
    (tmp_path / "photos").mkdir()
    (tmp_path / "torn" / "run").mkdir(parents=True)
    (tmp_path / "torn" / "run" / "result.json").write_text('{"schema": 1', encoding="utf-8")
    assert len(load(tmp_path)) == 1
    assert notes(tmp_path) == [
        "adam_mnist/stray: foreign: no result.json in it",
        "photos: foreign: no result.json in it",
        "torn/run: damaged: result.json: not strict JSON: Expecting ',' delimiter: "
        "line 1 column 13 (char 12)",
    ]


def test_a_run_that_has_stored_nothing_yet_is_unfinished(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS)
    (tmp_path / "adam_mnist" / "sgd-lr0.01-s0-0123abcd").mkdir()
    assert notes(tmp_path) == [
        "adam_mnist/sgd-lr0.01-s0-0123abcd: unfinished: nothing of it is stored yet"
    ]


def test_hidden_directories_are_passed_over_silently(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS)
    write_run(tmp_path, ROWS, experiment=".unfinished", seed=1)
    assert len(load(tmp_path)) == 1
    assert notes(tmp_path) == []


def test_a_run_met_twice_counts_once_and_the_completed_one_is_kept(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS, experiment="a", status="interrupted")
    write_run(tmp_path, ROWS, experiment="b")
    write_run(tmp_path, ROWS, experiment="c")
    assert only(tmp_path).result.experiment == "b"
    assert notes(tmp_path) == []


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ("interrupted", "diverged", "b"),
        ("diverged", "completed", "b"),
        ("diverged", "failed", "a"),
        ("failed", "interrupted", "a"),
    ],
)
def test_of_two_copies_the_one_that_ended_is_kept(
    tmp_path: Path, first: str, second: str, kept: str
) -> None:
    write_run(tmp_path, ROWS, experiment="a", status=first, run="ab" * 32)
    write_run(tmp_path, ROWS, experiment="b", status=second, run="ab" * 32)
    assert only(tmp_path).result.experiment == kept


def test_of_two_copies_the_whole_one_is_kept(tmp_path: Path) -> None:
    damaged = write_run(tmp_path, ROWS, experiment="a", run="ab" * 32)
    os.truncate(damaged / "metrics.csv", 100)
    write_run(tmp_path, ROWS, experiment="b", run="ab" * 32, status="diverged")
    write_run(tmp_path, ROWS, experiment="c", run="ab" * 32, status="interrupted")
    assert only(tmp_path).result.experiment == "b"


def test_symlinked_directories_are_not_entered(tmp_path: Path) -> None:
    outside, store = tmp_path / "outside", tmp_path / "store"
    directory = write_run(outside, ROWS)
    write_run(store, ROWS, seed=1)
    (store / "linked").symlink_to(outside / "adam_mnist")
    (store / "adam_mnist" / "linked").symlink_to(directory)
    assert only(store).result.seed == 1
    assert [note.partition(": ")[2] for note in notes(store)] == [
        "unreadable: a symbolic link, not followed"
    ] * 2


@pytest.mark.parametrize("name", ["result.json", "metrics.csv", "lock"])
def test_a_fifo_in_a_run_directory_is_never_waited_for(tmp_path: Path, name: str) -> None:
    directory = write_run(tmp_path, ROWS, status="running", files={})
    (directory / name).unlink(missing_ok=True)
    os.mkfifo(directory / name)
    found = scan(tmp_path)
    assert found.notes
    for run in found.runs:
        if name == "metrics.csv":
            with pytest.raises(StoreError, match="not a regular file"):
                _ = run.rows
        else:
            assert run.status == "interrupted"


def test_a_run_is_found_by_directory_hash_or_the_beginning_of_either(tmp_path: Path) -> None:
    directory = write_run(tmp_path, ROWS)
    write_run(tmp_path, ROWS, optimizer=SGD)
    runs = load(tmp_path)
    for name in (str(directory), directory.name, "adam-s0", runs[0].result.run[:10]):
        assert find_run(runs, name).path == directory


def test_an_unknown_or_ambiguous_run_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS)
    write_run(tmp_path, ROWS, seed=1)
    runs = load(tmp_path)
    with pytest.raises(UsageError, match="'adam-s' means 2 runs: adam-s0-"):
        find_run(runs, "adam-s")
    with pytest.raises(UsageError, match=r"no run is 'adm-s0-\w+'; did you mean 'adam-s0-"):
        find_run(runs, runs[0].path.name.replace("adam", "adm"))


def test_names_that_are_too_long_are_no_runs(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS)
    with pytest.raises(StoreError, match="File name too long"):
        scan(tmp_path / ("x" * 300))
    with pytest.raises(UsageError, match="no run is 'xxx"):
        find_run(load(tmp_path), "x" * 300)
    assert not is_run_directory(tmp_path / ("x" * 300))


STRANGERS: list[tuple[str, dict[str, object]]] = [
    ("an integer of 400 digits", {"seconds": int("9" * 400)}),
    ("a schedule that is text", {"config": {"schedule": "cosine"}}),
    ("a number that is true", {"last": {"epoch": True}}),
]


@pytest.mark.parametrize(
    "changes", [changes for _, changes in STRANGERS], ids=[name for name, _ in STRANGERS]
)
def test_a_strangers_result_is_a_note_and_stops_nothing(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    write_run(tmp_path, ROWS, experiment="mine")
    directory = write_run(tmp_path, ROWS, experiment="theirs", seed=1)
    document = json.loads((directory / "result.json").read_text())
    for key, value in changes.items():
        document[key] = document[key] | value if isinstance(value, dict) else value
    (directory / "result.json").write_text(json.dumps(document), encoding="utf-8")
    assert only(tmp_path).result.experiment == "mine"
    (note,) = scan(tmp_path).notes
    assert (note.path, note.kind) == (directory, "damaged")
