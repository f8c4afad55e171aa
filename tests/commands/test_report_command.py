"""`optbench report`: a page about finished runs, and what it says where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from experiments import command
from pages import Reader
from stored_runs import ADAM, SGD, make_rows, write_run, write_seeds

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 5_000_000  # bytes, for 500 runs of 20 epochs


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    write_seeds(folder, [0.90, 0.91, 0.92], optimizer=SGD)
    write_seeds(folder, [0.93, 0.94, 0.95], optimizer=ADAM)
    return folder


def test_it_writes_the_page_and_says_where(runs: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    outcome = command("report", runs, "-o", path)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", f"Report: {path}\n")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_it_takes_the_same_question_as_compare(runs: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    options = ("--reference", "adam", "--metric", "test_loss", "--target", "0.15")
    assert command("report", runs, "-o", path, *options).code == 0
    page = Reader(path.read_text(encoding="utf-8"))
    headers = [th.words for th in page.all("th")]
    assert {"vs adam", "test loss", "steps to 0.150"} <= set(headers)
    assert any("compared by test loss" in p.words for p in page.all("p"))


def test_only_the_chosen_runs_stand_on_the_page(runs: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    assert command("report", runs, "-o", path, "--where", "optimizer=adam").code == 0
    page = Reader(path.read_text(encoding="utf-8"))
    assert len([td for td in page.all("td") if td.attributes["data-column"] == "directory"]) == 3


def test_what_was_not_used_is_told_on_the_page_and_beside_it(runs: Path, tmp_path: Path) -> None:
    (runs / "adam_mnist" / "half").mkdir()
    (runs / "adam_mnist" / "half" / "result.json").write_text('{"schema": 1, "sta')
    path = tmp_path / "out.html"
    outcome = command("report", runs, "-o", path)
    assert outcome.code == 0
    assert "half: damaged: result.json" in outcome.err
    page = Reader(path.read_text(encoding="utf-8"))
    assert any("half: damaged: result.json" in item.words for item in page.all("li"))


def test_without_a_finished_run_there_is_no_page_but_a_sentence(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", make_rows([0.1]), status="failed")
    path = tmp_path / "out.html"
    outcome = command("report", tmp_path / "runs", "-o", path)
    assert outcome.code == 2
    assert "no finished run to compare" in outcome.err
    assert not path.exists()


def test_five_hundred_runs_of_twenty_epochs_make_less_than_five_megabytes(tmp_path: Path) -> None:
    names = ["adam", "adamw", "sgd", "rmsprop", "nadam", "radam", "adagrad", "adamax", "asgd"]
    for optimizer in [*names, "rprop"]:
        for seed in range(50):
            shift = seed / 7 % 0.01  # digits as real values have them
            rows = make_rows([0.1, *(0.7 + epoch / 99 + shift for epoch in range(20))])
            options = {"name": optimizer, "lr": 0.01}
            write_run(tmp_path / "runs", rows, optimizer=options, seed=seed, declared_seeds=50)
    path = tmp_path / "out.html"
    assert command("report", tmp_path / "runs", "-o", path).code == 0
    assert path.stat().st_size < LIMIT
