"""An experiment's folder shows its runs that another one has trained, and leads nowhere else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from experiments import TINY, command, write_experiment

from optbench.store.borrowed import NAME, borrowed, write_borrowed
from optbench.store.scan import scan

if TYPE_CHECKING:
    from pathlib import Path

TWO = [TINY["optimizer"], {"name": "sgd", "lr": 0.1}]


def compared(store: Path) -> list[str]:
    outcome = command("compare", store, "--format", "json")
    assert outcome.code == 0, outcome.err
    (problem,) = json.loads(outcome.out)["problems"]
    return sorted(row["optimizer"] for row in problem["settings"])


def test_comparing_a_folder_takes_in_what_another_experiment_trained(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    first = write_experiment(tmp_path, "first")
    both = write_experiment(tmp_path, "both", optimizer=TWO)
    for path in (first, both):
        assert command("run", path, "--runs-dir", runs, "--quiet").code == 0
    assert len(list(runs.glob("both/*/result.json"))) == 1
    assert compared(runs / "both") == ["adam", "sgd"]
    assert compared(runs / "first") == ["adam"]
    assert len(scan(runs).runs) == 2  # each once


def test_it_is_written_again_when_another_command_finds_nothing_to_train(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for name in ("first", "second"):
        path = write_experiment(tmp_path, name)
        assert command("run", path, "--runs-dir", runs, "--quiet").code == 0
    assert [run.path.parent.name for run in scan(runs / "second").runs] == ["first"]


@pytest.mark.parametrize("kept", [0, 1, -2])
def test_a_list_that_lacks_a_line_is_damaged(tmp_path: Path, kept: int) -> None:
    runs = tmp_path / "runs"
    for name in ("first", "second"):
        path = write_experiment(tmp_path, name, seeds=2)
        assert command("run", path, "--runs-dir", runs, "--quiet").code == 0
    listed = runs / "second" / NAME
    assert not scan(runs / "second").notes
    lines = listed.read_text().splitlines(keepends=True)
    assert len(lines) == 3
    listed.write_text("".join(lines[:kept]))
    (note,) = scan(runs / "second").notes
    assert (note.kind, note.path) == ("damaged", runs / "second")
    assert "elsewhere.txt: its SHA-256 is another" in note.message
    assert command("run", path, "--runs-dir", runs, "--quiet").code == 0
    assert listed.read_text() == "".join(lines)


@pytest.mark.parametrize("place", ["../x/a-s0-01234567", "/etc", "a/b", "..", "a/../b-s0-01234567"])
def test_a_strangers_list_leads_out_of_no_store(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "store" / "mine"
    folder.mkdir(parents=True)
    (tmp_path / "x" / "a-s0-01234567").mkdir(parents=True)
    (folder / NAME).write_text(f"{place}\n")
    assert borrowed(folder) == []


def test_a_link_that_is_named_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside-s0-01234567"
    outside.mkdir()
    folder, other = tmp_path / "store" / "mine", tmp_path / "store" / "other"
    folder.mkdir(parents=True)
    other.mkdir()
    (other / "a-s0-01234567").symlink_to(outside)
    write_borrowed(folder, [other / "a-s0-01234567"])
    assert borrowed(folder) == []
