from __future__ import annotations

from typing import TYPE_CHECKING

from stored_runs import ADAM, SGD, load, make_rows, write_run

from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.report.comparison import render
from optbench.report.learning_rates import learning_rates

if TYPE_CHECKING:
    from pathlib import Path


def write_grid(root: Path, optimizer: dict[str, object], losses: dict[float, float]) -> None:
    """A run that starts at a train loss of 2.5 for each learning rate; nan: it diverged."""
    for lr, loss in losses.items():
        diverged = loss != loss
        rows = make_rows([0.1, 0.5], train_loss=[2.5, 2.5 if diverged else loss])
        status = "diverged" if diverged else "completed"
        write_run(root, rows, optimizer=optimizer | {"lr": lr}, status=status)


def told(root: Path) -> list[str]:
    (problem,) = compare(load(root), Question()).problems
    return list(learning_rates(problem))


def test_the_best_learning_rate_and_what_the_grid_costs_on_average(tmp_path: Path) -> None:
    write_grid(tmp_path, SGD, {0.01: 1.5, 0.1: 0.9, 1: float("nan")})
    assert told(tmp_path) == [  # (0.6 + 0 + 1.6) / 3, as the diverged one counts as untrained
        "sgd does best at lr=0.1; over the 3 learning rates tried, 1 of which diverged, its train "
        "loss is 0.733 above that on average."
    ]


def test_two_learning_rates_are_left_to_the_table(tmp_path: Path) -> None:
    write_grid(tmp_path, SGD, {0.01: 1.5, 0.1: 0.9})
    assert told(tmp_path) == []


def test_it_stands_on_the_page_of_the_comparison(tmp_path: Path) -> None:
    for optimizer in (ADAM, SGD):
        write_grid(tmp_path, optimizer, {0.001: 1.2, 0.01: 1.5, 0.1: 0.9})
    page = " ".join(render(compare(load(tmp_path), Question())).split())
    assert page.count("does best at lr=0.1; over the 3 learning rates tried") == 2
