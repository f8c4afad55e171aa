from __future__ import annotations

import itertools
import math
import random
import statistics
from typing import TYPE_CHECKING, Any

import pytest
from stored_runs import SGD, load, make_rows, write_run
from stored_searches import BETA, LR, Tried, searched_comparison, write_search

from optbench.analysis.comparison import compare
from optbench.analysis.pictures.tuning import ProblemTuning, problem_tunings
from optbench.analysis.question import Question
from optbench.analysis.search import all_searches
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def grid_tuning(root: Path) -> ProblemTuning:
    (found,) = problem_tunings(all_searches(compare(load(root), Question())))
    return found


def search_tuning(folder: Path, question: Question | None = None) -> ProblemTuning:
    (found,) = problem_tunings(searched_comparison(folder, question or Question()).searches)
    return found


def write_setting(root: Path, lr: float, loss: float, accuracy: float, **words: object) -> None:
    rows = make_rows([0.1, accuracy], train_loss=[2.5, loss])
    write_run(root, rows, optimizer=SGD | {"lr": lr}, **words)


def write_trials(root: Path, *trials: Tried, **changes: Any) -> Path:
    return write_search(root, {"adam": trials}, {"adam": [LR]}, **changes)


def trial(loss: float, accuracy: float, fate: str = "completed") -> Tried:
    return {"lr": loss / 1000}, loss, accuracy, fate


def test_the_best_of_k_is_chosen_by_loss_and_told_in_the_metric(tmp_path: Path) -> None:
    # From worst to best loss: accuracies .4, .6, .9, .8; the best loss has not the best accuracy.
    for lr, loss, accuracy in ((1, 4, 0.4), (2, 3, 0.6), (3, 2, 0.9), (4, 1, 0.8)):
        write_setting(tmp_path, lr, loss, accuracy)
    (curve,) = grid_tuning(tmp_path).curves
    # k = 2: of the six pairs the later one counts: .6, .9, .9, .8, .8, .8. k = 3: .9, 3 · .8.
    expected = [2.7 / 4, 4.8 / 6, 3.3 / 4, 0.8]
    assert [budget.value for budget in curve.budgets] == pytest.approx(expected)
    assert all(budget.low is None for budget in curve.budgets)  # a grid is no sample


def test_a_diverged_setting_is_worst_and_counts_as_untrained(tmp_path: Path) -> None:
    for lr, loss, accuracy in ((1, 3, 0.7), (2, 2, 0.7), (3, 1, 0.7)):
        write_setting(tmp_path, lr, loss, accuracy)
    write_setting(tmp_path, 4, 0.5, 0.9, status="diverged")
    (curve,) = grid_tuning(tmp_path).curves
    # Alone it has the untrained .1; in any pair the other one is chosen.
    values = [budget.value for budget in curve.budgets]
    assert values == pytest.approx([(3 * 0.7 + 0.1) / 4, 0.7, 0.7, 0.7])
    assert curve.search.count("diverged") == 1


def test_fewer_than_four_settings_are_refused(tmp_path: Path) -> None:
    for lr in (1, 2, 3):
        write_setting(tmp_path, lr, 1, 0.9)
    with pytest.raises(UsageError, match="a tuning curve needs 4 finished settings"):
        grid_tuning(tmp_path)


def test_a_random_search_has_the_mean_over_all_choices_of_k_and_a_band(tmp_path: Path) -> None:
    chance = random.Random(3)
    pairs = [(chance.uniform(0.1, 1), chance.uniform(0.5, 0.9)) for _ in range(9)]
    folder = write_trials(tmp_path, *(trial(*pair) for pair in pairs), trial(9, 0.9, "diverged"))
    (curve,) = search_tuning(folder).curves
    kept = [*pairs, (float("inf"), 0.1)]  # a diverged trial: never chosen, and as untrained
    for budget in curve.budgets:
        chosen = [min(some)[1] for some in itertools.combinations(kept, budget.k)]
        assert budget.value == pytest.approx(statistics.fmean(chosen))
    banded = [budget.k for budget in curve.budgets if budget.low is not None]
    assert banded == [1, 2]  # up to a quarter of ten
    assert all(b.low < b.value < b.high for b in curve.budgets[:2])  # type: ignore[operator]


def test_the_metric_may_be_a_loss_for_which_less_is_better(tmp_path: Path) -> None:
    folder = write_trials(tmp_path, *(trial(loss, 0.9) for loss in (0.4, 0.2, 0.3, 0.1)))
    (curve,) = search_tuning(folder, Question("val_loss")).curves
    # The best of two of .1, .2, .3, .4 is .1 in three of six pairs, .2 in two, .3 in one.
    assert curve.budgets[1].value == pytest.approx((3 * 0.1 + 2 * 0.2 + 0.3) / 6)


def test_a_search_that_learns_has_its_best_so_far_and_no_band(tmp_path: Path) -> None:
    trials = [
        trial(9, 0.9, "diverged"),
        trial(0.5, 0.6),
        trial(0.1, 0.5, "pruned"),  # never the best, however low it was when it was stopped
        trial(0.6, 0.9),
        trial(0.3, 0.7),
    ]
    folder = write_trials(tmp_path, *trials, sampler="tpe")
    (curve,) = search_tuning(folder).curves
    assert [(budget.k, budget.value) for budget in curve.budgets] == [
        (2, 0.6),
        (3, 0.6),
        (4, 0.6),
        (5, 0.7),
    ]
    assert all(budget.low is None for budget in curve.budgets)


def two(root: Path, adam: Sequence[Tried], sgd: Sequence[Tried]) -> ProblemTuning:
    spaces = {"adam": [LR], "sgd": [LR]}
    return search_tuning(write_search(root, {"adam": adam, "sgd": sgd}, spaces))


def test_a_crossing_is_certain_where_the_bands_say_so_on_both_sides(tmp_path: Path) -> None:
    # Adam: always .80. SGD: one in ten at .95, the rest at .50, of k trials none of the former
    # with a probability of C(90, k)/C(100, k): in the mean above .80 where that is below 1/3.
    adam = [trial(0.5 + n / 1000, 0.80) for n in range(100)]
    sgd = [trial(0.1 + n / 1000, 0.95) for n in range(10)]
    sgd += [trial(0.9 + n / 1000, 0.50) for n in range(90)]
    (duel,) = two(tmp_path, adam, sgd).duels
    crossed = next(k for k in range(1, 100) if 3 * math.comb(90, k) < math.comb(100, k))
    assert duel.crossed == crossed == 10
    assert duel.ahead == "sgd"
    assert duel.trusted == 25
    assert duel.certain is not None
    assert duel.certain.a_first
    assert duel.certain.before < 10 < duel.certain.after


def test_searches_that_are_alike_are_not_told_apart(tmp_path: Path) -> None:
    chance = random.Random(4)
    adam, sgd = (
        [trial(loss := chance.random(), 1 - loss / 2) for _ in range(40)] for _ in range(2)
    )
    (duel,) = two(tmp_path, adam, sgd).duels
    assert duel.certain is None
    assert duel.told_apart is None


def test_who_is_always_better_is_told_with_the_budgets_for_which_that_is_certain(
    tmp_path: Path,
) -> None:
    adam = [trial(0.1 + n / 1000, 0.9 - n / 1000) for n in range(40)]
    sgd = [trial(0.5 + n / 1000, 0.7 - n / 1000) for n in range(40)]
    (duel,) = two(tmp_path, adam, sgd).duels
    assert (duel.ahead, duel.crossed, duel.better) == ("adam", None, "adam")
    assert duel.told_apart == (1, 10)


def test_a_problem_with_a_search_is_not_drawn_as_a_grid_too(tmp_path: Path) -> None:
    trials = [trial(loss, 0.9) for loss in (0.4, 0.2, 0.3, 0.1)]
    comparison = searched_comparison(
        write_search(tmp_path, {"adam": trials}, {"adam": [LR, BETA]}), Question()
    )
    assert [found.sampler for found in all_searches(comparison)] == ["random"]
