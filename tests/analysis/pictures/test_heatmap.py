from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from stored_runs import ADAM, SGD, load, make_rows, write_run

from optbench.analysis.comparison import compare
from optbench.analysis.pictures.heatmap import Heat, ProblemHeat, problem_heats
from optbench.analysis.question import Question
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def heat(root: Path, **question: Any) -> ProblemHeat:
    (found,) = problem_heats(compare(load(root), Question(**question)))
    return found


def panel(root: Path) -> Heat:
    (found,) = heat(root).panels
    return found


def write(
    root: Path, optimizer: Mapping[str, object], accuracy: float, **description: object
) -> None:
    """A run whose train loss falls as its test accuracy rises."""
    rows = make_rows([0.1, accuracy], train_loss=[2.5, 1 - accuracy])
    write_run(root, rows, **{"optimizer": dict(optimizer)} | description)


def write_grid(root: Path, optimizer: Mapping[str, object] = ADAM) -> None:
    for lr in (1e-3, 1e-2, 1e-4):
        for decay in (10, 0, 0.5):
            told = dict(optimizer) | {"lr": lr, "weight_decay": decay}
            write(root, told, 0.9 - 10 * abs(lr - 1e-3) - decay / 100)


def test_a_cell_is_the_mean_over_the_completed_seeds_of_a_setting(tmp_path: Path) -> None:
    write_grid(tmp_path)
    told = ADAM | {"lr": 1e-3, "weight_decay": 0.5}
    write(tmp_path, told, 0.715, seed=1)
    write(tmp_path, told, 0.3, seed=2, status="interrupted")
    (cell,) = (c for c in panel(tmp_path).cells if (c.x, c.y) == ("0.001", "0.5"))
    assert cell.mean == pytest.approx((0.895 + 0.715) / 2)
    assert (cell.n, cell.diverged) == (2, 0)


def test_the_learning_rate_lies_across_and_values_rise_as_numbers_do(tmp_path: Path) -> None:
    write_grid(tmp_path)
    found = panel(tmp_path)
    assert (found.x_name, found.y_name) == ("lr", "weight_decay")
    assert found.xs == ("0.0001", "0.001", "0.01")
    assert found.ys == ("0", "0.5", "10")  # not by letters, which would have 10 before 5
    assert len(found.cells) == 9


def test_the_best_cell_is_the_best_by_what_selects_unless_a_seed_diverged(tmp_path: Path) -> None:
    write_grid(tmp_path)
    assert [(c.x, c.y) for c in panel(tmp_path).cells if c.best] == [("0.001", "0")]
    told = ADAM | {"lr": 1e-3, "weight_decay": 0}
    write(tmp_path, told, 0.95, seed=1, status="diverged")
    found = panel(tmp_path)
    assert [(c.x, c.y) for c in found.cells if c.best] == [("0.001", "0.5")]
    assert [(c.x, c.y, c.diverged) for c in found.cells if c.diverged] == [("0.001", "0", 1)]


def test_where_all_seeds_diverged_there_is_no_mean_and_no_best(tmp_path: Path) -> None:
    for lr in (1e-3, 1e-2):
        for decay in (0, 1):
            write(tmp_path, ADAM | {"lr": lr, "weight_decay": decay}, 0.1, status="diverged")
    assert {(c.mean, c.diverged, c.best) for c in panel(tmp_path).cells} == {(None, 1, False)}


def test_each_optimizer_has_its_own_panel_and_its_own_hyperparameters(tmp_path: Path) -> None:
    write_grid(tmp_path)
    for lr in (0.1, 1):
        for momentum in (0.5, 0.9):
            write(tmp_path, SGD | {"lr": lr, "momentum": momentum}, 0.5)
        write(tmp_path, {"name": "rmsprop", "lr": lr}, 0.5)
    found = heat(tmp_path)
    assert {(p.family, p.y_name) for p in found.panels} == {
        ("adam", "weight_decay"),
        ("momentum", "momentum"),
    }
    assert found.left_out == 1


def test_what_is_trained_with_counts_as_a_hyperparameter(tmp_path: Path) -> None:
    for lr in (1e-3, 1e-2):
        for size in (8, 64):
            training = {"epochs": 1, "batch_size": size, "loss": "cross_entropy"}
            write(tmp_path, ADAM | {"lr": lr}, 0.5, training=training)
    assert panel(tmp_path).y_name == "batch_size"


def test_one_that_varies_is_too_few_and_three_are_too_many(tmp_path: Path) -> None:
    for lr in (1e-3, 1e-2):
        write(tmp_path / "few", ADAM | {"lr": lr}, 0.5)
        for decay in (0, 1):
            for eps in (1e-8, 1e-3):
                told = ADAM | {"lr": lr, "weight_decay": decay, "eps": eps}
                write(tmp_path / "many", told, 0.5)
    with pytest.raises(UsageError, match="give it a grid of lr and one of weight_decay"):
        heat(tmp_path / "few")
    with pytest.raises(UsageError, match=r"here 3 do \(lr, eps, weight_decay\): fix the rest with"):
        heat(tmp_path / "many")
    assert len(heat(tmp_path / "many", where=("eps=1e-8",)).panels[0].cells) == 4


def test_plain_sgd_is_the_row_of_momentum_0(tmp_path: Path) -> None:
    for lr in (0.1, 1):
        for momentum in (0, 0.5, 0.9):
            write(tmp_path, SGD | {"lr": lr, "momentum": momentum}, 0.5 + momentum / 4)
    found = heat(tmp_path)
    assert [(p.family, p.ys, len(p.cells)) for p in found.panels] == [
        ("sgd", ("0", "0.5", "0.9"), 6)
    ]
    assert [(c.x, c.y) for c in found.panels[0].cells if c.best] == [("0.1", "0.9")]
    assert found.left_out == 0
