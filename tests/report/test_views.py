from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pytest
from stored_runs import ADAM, SGD, load, make_rows, write_run, write_seeds

from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.errors import UsageError
from optbench.report.comparison import render
from optbench.report.view import View

if TYPE_CHECKING:
    from pathlib import Path

ACCURACIES = {0.001: 0.93, 0.01: 0.95, 0.1: 0.91}  # by learning rate


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    for lr, accuracy in ACCURACIES.items():
        for optimizer, higher in ((ADAM, 0.02), (SGD, 0)):
            finals = [accuracy + higher, accuracy + higher + 0.001]
            name = f"{optimizer['name']}{lr}"
            write_seeds(tmp_path, finals, optimizer=optimizer | {"lr": lr}, experiment=name)
    return tmp_path


def page(root: Path, output_format: str = "markdown", by: str = "optimizer", **view: object) -> str:
    comparison = compare(load(root), Question(by=by))
    return render(comparison, output_format, view=View(**view))  # type: ignore[arg-type]


def rows(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^\| (adam|sgd) \| ([\d.]+) ", text, re.MULTILINE)


def test_by_rank_the_best_of_each_optimizer_stand_first(grid: Path) -> None:
    assert rows(page(grid))[:2] == [("adam", "0.01"), ("sgd", "0.01")]


@pytest.mark.parametrize(
    ("column", "order"),
    [
        ("lr", ["0.001", "0.001", "0.01", "0.01", "0.1", "0.1"]),
        ("test_accuracy", ["0.01", "0.01", "0.001", "0.001", "0.1", "0.1"]),
        ("test_loss", ["0.01", "0.01", "0.001", "0.001", "0.1", "0.1"]),
        ("optimizer", ["0.01", "0.001", "0.1", "0.01", "0.001", "0.1"]),
    ],
)
def test_rows_are_sorted_by_a_column(grid: Path, column: str, order: list[str]) -> None:
    # Accuracies: adam .97 .95 .93, sgd .95 .93 .91; of equals the one of higher rank is first.
    found = rows(page(grid, by="setting", sort_by=column))
    if column.startswith("test"):
        assert found == [
            ("adam", "0.01"),
            ("adam", "0.001"),
            ("sgd", "0.01"),
            ("adam", "0.1"),
            ("sgd", "0.001"),
            ("sgd", "0.1"),
        ]
    else:
        assert [lr for _, lr in found] == order


@pytest.mark.parametrize("column", ["n", "to_target", "verdict", "difference", "momentum"])
def test_every_other_column_can_be_sorted_by(grid: Path, column: str) -> None:
    assert len(rows(page(grid, sort_by=column))) == 6


def test_an_unknown_column_is_refused_with_the_nearest(grid: Path) -> None:
    with pytest.raises(UsageError, match=r"no column is 'test_accuracyy'; did you mean 'test_acc"):
        page(grid, sort_by="test_accuracyy")


def test_every_setting_is_judged_where_that_is_asked(grid: Path) -> None:
    (problem,) = compare(load(grid), Question(by="setting")).problems
    verdicts = [row.verdict for row in problem.rows if not row.is_reference]
    assert [verdict.m for verdict in verdicts if verdict] == [5] * 5
    (problem,) = compare(load(grid), Question()).problems
    assert [row.verdict is not None for row in problem.rows] == [True] + [False] * 5


def test_a_row_a_seed_shows_each_final_value(grid: Path) -> None:
    write_run(grid, make_rows([0.1, 0.1]), optimizer=ADAM | {"lr": 1.0}, seed=0, status="diverged")
    text = page(grid, all_seeds=True)
    assert "| optimizer | lr | seed | train loss | test accuracy |" in text
    assert re.search(r"\| adam \| 0\.01 \| 0 \| 0\.060 \| 97\.00% \| 1,876 \|", text)
    assert re.search(r"\| adam \| 0\.01 \| 1 \| 0\.058 \| 97\.10% \| 1,876 \|", text)
    assert re.search(r"\| adam \| 1 \| 0 \| diverged \| diverged \| never \|", text)
    assert "±" not in text


def test_a_csv_with_a_row_a_seed_has_exact_values(grid: Path) -> None:
    records = list(csv.DictReader(io.StringIO(page(grid, "csv", all_seeds=True))))
    assert len(records) == 12
    best = [record for record in records if record["setting"] == "adam lr=0.01"]
    assert [float(record["test_accuracy"]) for record in best] == [0.97, 0.971]
    assert [record["seed"] for record in best] == ["0", "1"]
    assert best[0]["run"].startswith(str(grid))


def test_all_columns_show_what_does_not_differ(grid: Path) -> None:
    assert "batch" not in page(grid)
    text = page(grid, all_columns=True)
    assert r"| batch\_size |" in text
    assert "train accuracy" in text


@pytest.mark.parametrize("option", [{"by": "optimiser"}, {"unit": "minutes"}])
def test_an_unknown_choice_is_refused_with_what_there_is(option: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"must be one of .*, got '(optimiser|minutes)'"):
        Question(**option)  # type: ignore[arg-type]


@pytest.mark.parametrize("margin", [0.0, -0.1, float("nan"), float("inf")])
def test_a_margin_is_a_number_above_zero(margin: float) -> None:
    with pytest.raises(UsageError, match="margin must be a finite number above 0"):
        Question(margin=margin)


def test_a_margin_in_points_is_refused_with_the_fraction_that_was_meant() -> None:
    with pytest.raises(UsageError, match=r"did you mean 0\.02 \(2 points\)"):
        Question(margin=2)


def test_several_problems_have_the_geometric_mean_of_their_speedups(tmp_path: Path) -> None:
    for problem, epochs in (("a", 2), ("b", 8)):
        for seed in range(2):
            for optimizer, reached in ((ADAM, 1), (SGD, epochs)):
                rows = make_rows([0.95 if epoch >= reached else 0.1 for epoch in range(9)])
                described = {"optimizer": optimizer, "problem": problem, "declared_seeds": 2}
                write_run(tmp_path, rows, seed=seed, experiment=problem, **described)
    comparison = compare(load(tmp_path), Question(target=0.9))
    assert comparison.mean_speedups == {"adam": pytest.approx(4)}  # √(2 · 8)
    told = "adam reached the targets in 1/4 of sgd's steps (geometric mean over 2 problems)."
    assert told in render(comparison)
    assert "geometric" not in render(compare(load(tmp_path / "a"), Question(target=0.9)))


def test_of_many_settings_the_page_shows_the_best_of_each_optimizer(tmp_path: Path) -> None:
    rates = [10 ** (-index / 4) for index in range(12)]
    for optimizer in (ADAM, SGD, SGD | {"momentum": 0.9}):
        for index, lr in enumerate(rates):
            rows = make_rows([0.1, 0.9 - index / 100])
            write_run(tmp_path, rows, optimizer=optimizer | {"lr": lr})
    page = render(compare(load(tmp_path), Question()))
    assert "33 other settings are not shown: --by setting." in page
    table = page[: page.index("By default")].splitlines()
    names = [line.split()[0] for line in table if "90.0%" in line]
    assert sorted(names) == ["adam", "momentum", "sgd"]
    everything = render(compare(load(tmp_path), Question(by="setting")))
    assert "not shown" not in everything
    assert everything.count("0.1778") == 3  # 10^(-3/4), of each optimizer
