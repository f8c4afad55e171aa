"""Whatever is in the store: a sentence that says what is there and what is missing, never NaN."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

import pytest
import verdict_runs as runs
from stored_runs import ADAM, SGD, make_rows, write_run

from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.errors import UsageError
from optbench.report.comparison import render
from optbench.report.runs import render_notes
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMATS = ("table", "markdown", "json")  # in csv a mean that is not finite is nan


def one_run(root: Path) -> None:
    write_run(root, make_rows([0.1, 0.9]))


def no_common_seed(root: Path) -> None:
    for seed in range(6):
        write_run(root, make_rows([0.1, 0.95 + seed / 1000]), seed=seed, declared_seeds=6)
        rows = make_rows([0.1, 0.9 + seed / 1000])
        write_run(root, rows, optimizer=SGD, seed=seed + 6, declared_seeds=6)


def all_diverged(root: Path) -> None:
    runs.store(root, ADAM, [None] * 8)
    runs.store(root, SGD, [None] * 8)


def one_seed_diverged(root: Path) -> None:
    runs.store(root, ADAM, [None])
    runs.store(root, SGD, [0.9])


def half_of_each_diverged(root: Path) -> None:
    runs.store(root, ADAM, [0.9, None] * 4)
    runs.store(root, SGD, [None, 0.9] * 4)


def mixed_problems(root: Path) -> None:
    runs.better(root)
    write_run(root, make_rows([0.1, 0.9]), problem="digits · mlp", experiment="digits")


def other_epochs(root: Path) -> None:
    runs.store(root, ADAM, runs.above(runs.D), training={"epochs": 6})
    runs.store(root, SGD, runs.BASE, training={"epochs": 3})


def never_reached(root: Path) -> None:
    runs.undecided(root)


def loss_that_is_not_finite(root: Path) -> None:
    for seed in range(8):
        write_run(root, make_rows([0.1, 0.9]), seed=seed, declared_seeds=8)
        loss = math.inf if seed == 3 else 0.4
        rows = make_rows([0.1, 0.8], train_loss=[2.3, loss])
        write_run(root, rows, optimizer=SGD, seed=seed, declared_seeds=8)


def losses_at_the_ends_of_what_is_stored(root: Path) -> None:
    for seed, (ours, theirs) in enumerate([(1e-60, 1e60), (1e60, 1e-60), (1e-60, 1.0)]):
        for optimizer, loss in ((ADAM, ours), (SGD, theirs)):
            rows = make_rows([0.1, 0.9], train_loss=[2.3, loss])
            write_run(root, rows, optimizer=optimizer, seed=seed, declared_seeds=3)


def half_written(root: Path) -> None:
    runs.better(root)
    torn = write_run(root, make_rows([0.1, 0.9]), seed=11, experiment="torn")
    metrics = torn / "metrics.csv"
    metrics.write_text(metrics.read_text()[:-9])


def of_another_version(root: Path) -> None:
    runs.better(root)
    newer = write_run(root, make_rows([0.1, 0.9]), seed=11, experiment="newer")
    document = json.loads((newer / "result.json").read_text())
    (newer / "result.json").write_text(json.dumps(document | {"schema": 2}))


CASES: list[tuple[Callable[[Path], None], Question, str]] = [
    (one_run, Question(), "adam lr=0.001 is the only setting here; nothing to compare it with."),
    (runs.one_seed, Question(), "One seed each, so no verdict. For a verdict, 8 seeds of each:"),
    (no_common_seed, Question(), "6 seeds each, none in common"),
    (no_common_seed, Question(), "† pairing was not possible"),
    (all_diverged, Question(), "The reference, sgd lr=0.01, has no completed seed"),
    (one_seed_diverged, Question(), "adam has no completed seed to compare with sgd."),
    (half_of_each_diverged, Question(), "undecided, median 0.0 points (−∞ to +∞)."),
    (mixed_problems, Question(), "is the only setting here; nothing to compare it with."),
    (mixed_problems, Question(reference="sgd"), "No run of 'sgd' on this problem"),
    (other_epochs, Question(), "adam's test accuracy is better than sgd's"),
    (never_reached, Question(target=0.99), "Neither adam nor sgd reached 99% within 5,628 steps."),
    (never_reached, Question(unit="seconds"), "Seconds are of training alone, and compared only"),
    (loss_that_is_not_finite, Question(metric="train_loss"), "‡ a seed diverged"),
    (losses_at_the_ends_of_what_is_stored, Question(metric="train_loss"), "to ∞); 3 pairs"),
    (half_written, Question(), "damaged: its SHA-256 is not the one in result.json"),
    (of_another_version, Question(), "schema: must be 1, the one that this optbench reads, got 2"),
]


@pytest.mark.parametrize(("write", "question", "told"), CASES)
def test_odd_stores_give_a_sentence_and_no_nan(
    tmp_path: Path, write: Callable[[Path], None], question: Question, told: str
) -> None:
    write(tmp_path)
    found = scan(tmp_path)
    comparison = compare(found.runs, question)
    pages = [render(comparison, name) for name in FORMATS]
    notes = render_notes([*found.notes, *comparison.notes], width=None)
    assert told in " ".join(f"{pages[0]} {notes}".split())
    assert not any(re.search(r"\bnan\b", page) for page in pages)


def test_without_a_finished_run_that_is_said(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.5]), status="failed")
    with pytest.raises(UsageError, match=r"no finished run to compare \(1 failed\)"):
        compare(scan(tmp_path).runs, Question())


def test_a_metric_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.5]))
    with pytest.raises(UsageError, match="did you mean 'test_accuracy'"):
        compare(scan(tmp_path).runs, Question(metric="test_acuracy"))
