from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from stored_runs import ADAM, load, make_rows, write_run

from optbench.report.catalogue import render_catalogue
from optbench.report.run_page import render_run
from optbench.report.runs import age, in_order, render_notes, render_runs
from optbench.store.stored_run import Note


def test_the_list_has_a_line_a_run_with_its_state(tmp_path: Path) -> None:
    labels = {"problem": "mnist", "setting": "adam lr=0.001"}
    write_run(tmp_path, make_rows([0.1, 0.9, 0.976]), labels=labels)
    rows = make_rows([0.1, 0.1], train_loss=[2.3, float("nan")])
    write_run(tmp_path, rows, seed=1, status="diverged", labels=labels)
    counts, _, header, first, second = render_runs(load(tmp_path), width=None).splitlines()
    assert counts == "2 runs: 1 diverged, 1 completed"
    assert header.split()[:6] == ["status", "experiment", "data", "set", "setting", "seed"]
    assert first.split()[:6] == ["diverged", "adam_mnist", "mnist", "adam", "lr=0.001", "1"]
    assert first.split()[6:12] == ["1", "938", "of", "4,690", "—", "10.0%"]
    assert "train loss became nan at step 12" in first
    assert second.split()[:6] == ["completed", "adam_mnist", "mnist", "adam", "lr=0.001", "0"]
    assert second.split()[6:12] == ["2", "1,876", "0.048", "97.6%", "6.1", "s"]


@pytest.mark.parametrize(
    ("width", "gone"),
    [
        (None, []),
        (110, []),
        (95, ["epoch", "train loss", "test accuracy"]),
        (85, ["epoch", "train loss", "test accuracy", "time"]),
        (70, ["experiment", "epoch", "train loss", "test accuracy", "time"]),
        (62, ["experiment", "data set", "epoch", "train loss", "test accuracy", "time"]),
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


def test_the_short_form_of_a_setting_has_four_digits_of_a_number(tmp_path: Path) -> None:
    labels = {"problem": "mnist", "setting": "sgd lr=0.0316227766017 momentum=0.9"}
    write_run(tmp_path, make_rows([0.1, 0.9]), labels=labels)
    assert "sgd lr=0.03162 momentum=0.9 " in render_runs(load(tmp_path), width=70)


def test_what_goes_on_or_needs_a_look_stands_first_and_rates_in_their_order(
    tmp_path: Path,
) -> None:
    for rate in (0.01, 0.1, 1e-5):
        write_run(tmp_path, make_rows([0.1, 0.9]), optimizer=ADAM | {"lr": rate})
    write_run(tmp_path, make_rows([0.1]), seed=1, status="failed")
    write_run(tmp_path, make_rows([0.1]), seed=2, status="interrupted")
    told = in_order(load(tmp_path))
    assert [run.status for run in told] == ["interrupted", "failed", *["completed"] * 3]
    assert [run.result.config["optimizer"]["lr"] for run in told[2:]] == [1e-5, 0.01, 0.1]


def test_an_unfinished_run_says_how_far_it_is_and_when_it_was_stored(tmp_path: Path) -> None:
    directory = write_run(tmp_path, make_rows([0.1, 0.9]), status="interrupted")
    os.utime(directory / "result.json", (1_000_000, 1_000_000))
    text = render_runs(load(tmp_path), now=1_000_012, width=None)
    assert "938 of 4,690" in text
    assert "12 s ago" in text
    (told,) = json.loads(render_runs(load(tmp_path), "json", now=1_000_012))["rows"]
    assert told["progress"] == 0.2
    assert told["committed"] == "1970-01-12T13:46:40+00:00"  # a million seconds after 1970
    page = render_run(load(tmp_path)[0], now=1_000_012)
    assert "  steps       938 of 4,690, stored 12 s ago\n" in page


def test_a_run_tells_which_shorter_one_it_went_on_from(tmp_path: Path) -> None:
    base = {"run": "ab" * 32, "epochs": 5}
    write_run(tmp_path, make_rows([0.1, 0.9]), extended=base)
    write_run(tmp_path, make_rows([0.1, 0.9]), seed=1)
    runs = load(tmp_path)
    assert "extended from" in render_runs(runs, width=None)
    assert "abababab at 5" in render_runs(runs, width=None)
    told = json.loads(render_runs(runs, "json"))["rows"]
    assert [row["extended"] for row in told] == ["ab" * 32, None]
    assert "  extended    from run abababab, after epoch 5\n" in render_run(runs[0])
    assert "extended" not in render_run(runs[1])
    assert "extended from" not in render_runs(runs[1:], width=None)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0 s ago"),
        (119, "119 s ago"),
        (120, "2 min ago"),
        (7_200, "2 h ago"),
        (172_800, "2 days ago"),
    ],
)
def test_an_age_is_told_in_one_unit(seconds: float, said: str) -> None:
    assert age(seconds) == said


def test_programs_get_every_column_and_people_those_that_say_something(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]))
    (told,) = json.loads(render_runs(load(tmp_path), "json"))["rows"]
    assert told["reason"] is told["committed"] is None
    assert "reason" not in render_runs(load(tmp_path), width=None)


def test_the_page_says_the_best_row_the_cohort_and_how_to_repeat_the_run(tmp_path: Path) -> None:
    rows = make_rows([0.1, 0.9, 0.95], val_loss=[2.3, 0.2, 0.3])
    cohort = {"size": 5, "stacked": True, "reason": "a chain of linear layers on the CPU"}
    directory = write_run(tmp_path, rows, best=rows[1], cohort=cohort)
    (directory / "config.yaml").write_text("", encoding="utf-8")
    lines = render_run(load(tmp_path)[0]).splitlines()
    assert (
        "  best        epoch 1: validation loss 0.200, validation accuracy 90.0%, "
        "test accuracy 90.0%"
    ) in lines
    assert "  cohort      5 runs, stacked: a chain of linear layers on the CPU" in lines
    assert f"  repeat      optbench run {directory}/config.yaml --runs-dir repeated" in lines


def test_the_list_as_json_has_exact_values(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.976]))
    (found,) = json.loads(render_runs(load(tmp_path), "json"))["rows"]
    assert (found["test_accuracy"], found["epoch"], found["seconds"]) == (0.976, 1, 6.1)
    assert len(found["run"]) == 64


def test_the_page_of_a_run_has_configuration_rows_and_files(tmp_path: Path) -> None:
    directory = write_run(tmp_path, make_rows([0.1, 0.5, 0.6, 0.7, 0.8, 0.9]))
    text = render_run(load(tmp_path)[0])
    assert f"  directory   {directory}\n" in text
    assert "  optimizer.lr            0.001\n" in text
    assert "50.0%" in text
    assert "10.0%" not in text  # the last five rows
    digest = hashlib.sha256((directory / "metrics.csv").read_bytes()).hexdigest()
    assert f"files\n  metrics.csv  506 bytes, SHA-256 {digest}\n  result.json  " in text


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
    notes = [
        Note(Path(f"runs/\x1b{index}"), "foreign", f"no\nresult {index}") for index in range(25)
    ]
    lines = render_notes(notes).splitlines()
    assert lines[0] == "runs/\\x1b0: foreign: no\\nresult 0"
    assert lines[20:] == ["and 5 more like these"]
    assert render_notes([]) == ""


def test_notes_of_one_kind_and_cause_are_one_line_with_their_number() -> None:
    notes = [Note(Path(f"runs/n/adam-s{seed}"), "unfinished", "failed (x)") for seed in range(18)]
    notes.insert(1, Note(Path("runs/n/sgd-s0"), "unfinished", "interrupted"))
    assert render_notes(notes) == (
        "runs/n/adam-s0 and 17 more: unfinished: failed (x)\n"
        "runs/n/sgd-s0: unfinished: interrupted\n"
    )


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


def test_a_heading_stands_above_its_entry_and_names_are_aligned_below_it() -> None:
    entries = [("a", "one", ""), ("longer", "two", ""), ("b", "three", "")]
    assert render_catalogue(entries, headings={"longer": "Others:"}) == (
        "  a  one\n\nOthers:\n  longer  two\n  b       three\n"
    )


def test_a_catalogue_keeps_its_width_and_gives_a_long_name_a_line_of_its_own() -> None:
    name = "cosineannealingwarmrestarts"
    text = render_catalogue([(name, "many words " * 9, "T_0, " * 20)], width=60)
    assert text.splitlines()[0] == f"  {name}"
    assert max(map(len, text.splitlines())) <= 60


def test_within_80_columns_each_reason_stands_whole_below_the_table(tmp_path: Path) -> None:
    long = "RuntimeError: " + "mat1 and mat2 shapes cannot be multiplied " * 3
    for seed in range(2):
        write_run(tmp_path, make_rows([0.1, 0.9]), seed=seed, status="failed", reason=long.strip())
    write_run(
        tmp_path, make_rows([0.1, 0.9]), seed=2, status="diverged", reason="train loss became nan"
    )
    page = render_runs(load(tmp_path), width=80)
    hashes = [run.result.run[:8] for run in in_order(load(tmp_path))]
    assert f"{hashes[0]}, {hashes[1]}: {long.strip()}" in " ".join(page.split())
    assert f"{hashes[2]}: train loss became nan" in page
    assert all(len(line) <= 80 for line in page.splitlines())
    assert long.strip() in render_runs(load(tmp_path), width=None)
