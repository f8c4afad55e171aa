from __future__ import annotations

from typing import TYPE_CHECKING

from judged_claims import judged, judgements
from stored_runs import ADAM, SGD, make_rows, write_run, write_seeds
from verdict_runs import BASE, D, above, store

if TYPE_CHECKING:
    from pathlib import Path


def trained(root: Path, lr: float, val_loss: float, test_accuracy: float) -> None:
    """Eight seeds of Adam at a learning rate that end on these values, nearly."""
    for seed in range(8):
        accuracy = test_accuracy + 0.0001 * seed
        rows = make_rows([0.1, accuracy], val_loss=[2.3, val_loss])
        write_run(root, rows, optimizer=ADAM | {"lr": lr}, seed=seed, declared_seeds=8)


def test_the_best_by_validation_counts_and_not_the_best_by_test(tmp_path: Path) -> None:
    trained(tmp_path, 0.1, val_loss=0.2, test_accuracy=0.8)
    trained(tmp_path, 0.2, val_loss=0.3, test_accuracy=0.9)
    judgement = judged(tmp_path, "at_least: 0.85")
    assert judgement.found == "refuted"
    assert (len(judgement.chosen), judgement.chosen_by) == (1, "val_loss")


def test_an_only_setting_was_not_chosen(tmp_path: Path) -> None:
    trained(tmp_path, 0.1, val_loss=0.2, test_accuracy=0.8)
    assert judged(tmp_path, "at_least: 0.7").chosen == ()


def test_each_problem_is_judged_by_itself(tmp_path: Path) -> None:
    for problem, differences in (("one", D), ("two", [-d for d in D])):
        store(tmp_path, ADAM, above(differences), problem=problem)
        store(tmp_path, SGD, BASE, problem=problem)
    told = (
        "{metric: test_accuracy, setting: {optimizer: adam}, better_than: {optimizer: sgd}, "
        "verdict: refuted}"
    )
    found = {j.problem: (j.found, j.as_expected) for j in judgements(tmp_path, told)}
    assert found == {"one": ("supported", False), "two": ("refuted", True)}


def test_the_data_set_that_another_stood_in_for_is_named(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.9, 0.9], requested_dataset="mnist")
    assert judged(tmp_path, "at_least: 0.5").stand_in == "mnist"
