"""An experiment's folder shows its runs that another one has trained, and leads nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from experiments import TINY, command, write_experiment

from optbench.store.borrowed import NAME, borrowed, write_borrowed
from optbench.store.scan import scan

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


def test_an_experiment_is_judged_by_its_own_seeds_whatever_trained_its_runs(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    first = write_experiment(tmp_path, "first", seeds=3)
    other = {"name": "sgd", "lr": 0.2}
    mixed = write_experiment(tmp_path, "mixed", optimizer=[TWO[0], other], seeds=2)
    third = write_experiment(tmp_path, "third", optimizer=TWO[1], seeds=3)
    both = write_experiment(tmp_path, "both", optimizer=TWO, seeds=2)  # of which it trains none
    for path in (first, mixed, third, both):
        outcome = command("run", path, "--runs-dir", runs)
        assert outcome.code == 0, outcome.err
        assert "interim" not in outcome.out
        assert "missing" not in outcome.out
    for name in ("mixed", "both"):
        outcome = command("compare", runs / name, "--format", "json")
        found = json.loads(outcome.out)
        assert [row["total"] for row in found["problems"][0]["settings"]] == [2, 2]
        assert "missing seeds" not in {one["kind"] for one in found["findings"]}


def test_what_an_experiment_swept_counts_though_another_one_trained_a_part(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    first = write_experiment(tmp_path, "first", seeds=2)
    sizes = TINY["training"] | {"batch_size": {"grid": [16, 32]}}
    swept = write_experiment(tmp_path, "swept", training=sizes, seeds=2)
    for path in (first, swept):
        assert command("run", path, "--runs-dir", runs, "--quiet").code == 0
    assert len(list(runs.glob("swept/*/result.json"))) == 2
    outcome = command("compare", runs / "swept", "--by", "setting", "--format", "json")
    assert {one["kind"] for one in json.loads(outcome.out)["findings"]} == {"too few seeds"}


@pytest.mark.parametrize(
    ("here", "written", "first"),
    [
        (".", "runs/second", "runs/first"),
        ("runs", "second", "first"),
        ("runs/second", ".", "../first"),
        (".", "link", "link/../first"),
    ],
)
def test_paths_are_written_as_the_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: str, written: str, first: str
) -> None:
    trained = tmp_path / "runs" / "first" / "a-s0-01234567"
    trained.mkdir(parents=True)
    write_borrowed(tmp_path / "runs" / "second", [trained])
    (tmp_path / "link").symlink_to("runs/second")
    monkeypatch.chdir(tmp_path / here)
    (found,) = borrowed(Path(written))
    assert str(found) == f"{first}/a-s0-01234567"
    assert found.resolve() == trained


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
