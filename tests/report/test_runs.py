from __future__ import annotations

import json
from pathlib import Path

import pytest
from stored_runs import load, make_rows, write_run

from optbench.report.catalogue import render_catalogue
from optbench.report.runs import render_notes, render_run, render_runs
from optbench.store.scan import Note


def test_the_list_has_a_line_a_run_with_its_state(tmp_path: Path) -> None:
    labels = {"problem": "mnist", "setting": "adam lr=0.001"}
    write_run(tmp_path, make_rows([0.1, 0.9, 0.976]), labels=labels)
    rows = make_rows([0.1, 0.1], train_loss=[2.3, float("nan")])
    write_run(tmp_path, rows, seed=1, status="diverged", labels=labels)
    header, first, second = map(str.split, render_runs(load(tmp_path), width=120).splitlines())
    assert header[:6] == ["status", "experiment", "data", "set", "setting", "seed"]
    assert first[:6] == ["completed", "adam_mnist", "mnist", "adam", "lr=0.001", "0"]
    assert first[6:11] == ["2", "0.048", "97.6%", "6.1", "s"]
    assert second[:6] == ["diverged", "adam_mnist", "mnist", "adam", "lr=0.001", "1"]
    assert second[6:9] == ["1", "—", "10.0%"]


@pytest.mark.parametrize(
    ("width", "gone"),
    [
        (None, []),
        (110, []),
        (90, ["train loss", "test accuracy"]),
        (80, ["train loss", "test accuracy", "time"]),
        (70, ["experiment", "train loss", "test accuracy", "time"]),
        (62, ["experiment", "data set", "train loss", "test accuracy", "time"]),
    ],
)
def test_a_narrow_list_loses_what_was_measured_and_never_the_run(
    tmp_path: Path, width: int | None, gone: list[str]
) -> None:
    labels = {"problem": "mnist", "setting": "sgd lr=0.1 batch_size=32"}
    write_run(tmp_path, make_rows([0.1, 0.9]), labels=labels)
    (run,) = load(tmp_path)
    text = render_runs([run], width=width)
    assert run.result.run[:8] in text
    told = " ".join(text.partition("Left out for want of width: ")[2].split()).rstrip(".")
    assert told == ", ".join(gone)


def test_only_a_narrow_list_cuts_a_long_setting(tmp_path: Path) -> None:
    setting = "adam lr=0.001 groups=[{match: *.bias, lr: 0.1}] batch_size=32"
    write_run(tmp_path, make_rows([0.1, 0.9]), labels={"problem": "mnist", "setting": setting})
    assert setting in render_runs(load(tmp_path), width=None)
    assert "adam lr=0.001 groups=[{match:…" in render_runs(load(tmp_path), width=80)


def test_the_list_as_json_has_exact_values(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.976]))
    (found,) = json.loads(render_runs(load(tmp_path), "json"))["rows"]
    assert (found["test_accuracy"], found["epoch"], found["seconds"]) == (0.976, 1, 6.1)
    assert len(found["run"]) == 64


def test_the_page_of_a_run_has_configuration_rows_and_files(tmp_path: Path) -> None:
    directory = write_run(tmp_path, make_rows([0.1, 0.5, 0.6, 0.7, 0.8, 0.9]))
    text = render_run(load(tmp_path)[0])
    assert f"directory  {directory}" in text
    assert "  optimizer.lr            0.001\n" in text
    assert "50.0%" in text
    assert "10.0%" not in text  # the last five rows
    assert "files (SHA-256)\n  metrics.csv  " in text


def test_the_page_of_a_damaged_run_says_what_is_wrong(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1]), files={"metrics.csv": "0" * 64})
    assert "damaged: its SHA-256 is not the one in result.json" in render_run(load(tmp_path)[0])


def test_the_page_of_a_strangers_run_cant_steer_the_terminal(tmp_path: Path) -> None:
    nasty = "\x1b[2J\u202e"
    labels = {"problem": nasty, "setting": nasty}
    optimizer = {"name": "sgd", nasty: [nasty]}
    write_run(
        tmp_path,
        make_rows([0.1]),
        labels=labels,
        optimizer=optimizer,
        environment={nasty: nasty},
        reason=nasty,
    )
    run = load(tmp_path)[0]
    assert not {"\x1b", "\u202e"} & set(render_run(run) + render_runs([run]))


def test_notes_are_a_line_each_and_not_endless() -> None:
    notes = [Note(Path(f"runs/\x1b{index}"), "foreign", "no\nresult") for index in range(25)]
    lines = render_notes(notes).splitlines()
    assert lines[0] == "runs/\\x1b0: foreign: no\\nresult"
    assert lines[20:] == ["and 5 more like these"]
    assert render_notes([]) == ""


def test_notes_are_wrapped_between_words_and_hang() -> None:
    note = Note(Path("runs/adam_mnist/adam-s0"), "unfinished", "interrupted after epoch 3")
    assert render_notes([note], width=40) == (
        "runs/adam_mnist/adam-s0: unfinished:\n  interrupted after epoch 3\n"
    )
    assert render_notes([note]).count("\n") == 1


def test_a_catalogue_shows_names_and_summaries_with_the_arguments_below() -> None:
    entries = [("adam", "Kingma & Ba 2015", "lr=0.001"), ("sgd", "Robbins & Monro 1951", "")]
    assert render_catalogue(entries) == (
        "  adam  Kingma & Ba 2015\n        lr=0.001\n  sgd   Robbins & Monro 1951\n"
    )


def test_a_catalogue_keeps_its_width_and_gives_a_long_name_a_line_of_its_own() -> None:
    name = "cosineannealingwarmrestarts"
    text = render_catalogue([(name, "many words " * 9, "T_0, " * 20)], width=60)
    assert text.splitlines()[0] == f"  {name}"
    assert max(map(len, text.splitlines())) <= 60
