from __future__ import annotations

import pytest

from optbench.config.tuning import PrunerName, SamplerName, Tuning
from optbench.tuning.budget import Bracket, Budget, hyperband_brackets


def batches(tuning: Tuning, trials: int, epochs: int) -> list[tuple[Bracket, ...]]:
    """All batches of one optimizer, none of whose trials is pruned by the median."""
    budget = Budget(tuning, trials, epochs)
    found: list[tuple[Bracket, ...]] = []
    asked = used = 0
    while batch := budget.next_batch(asked, used):
        found.append(batch)
        asked += sum(bracket.trials for bracket in batch)
        used += sum(bracket.epochs for bracket in batch)
    return found


def test_hyperband_has_the_brackets_of_its_paper() -> None:
    """Li et al. 2018, Algorithm 1 with R = 81 and η = 3, worked out by hand."""
    rungs = [(1, 3, 9, 27, 81), (3, 9, 27, 81), (9, 27, 81), (27, 81), (81,)]
    sizes = [(81, 27, 9, 3, 1), (34, 11, 3, 1), (15, 5, 1), (8, 2), (5,)]
    expected = [Bracket(*told) for told in zip(rungs, sizes, strict=True)]
    assert list(hyperband_brackets(81, 3, 1)) == expected


def test_a_trial_that_goes_on_costs_the_epochs_that_are_missing() -> None:
    assert Bracket((1, 3, 9), (9, 3, 1)).epochs == 9 * 1 + 3 * 2 + 1 * 6


def test_epochs_are_whole_and_no_trial_gets_fewer_than_the_least() -> None:
    for bracket in hyperband_brackets(10, 3, 2):
        assert bracket.rungs[0] >= 2
        assert bracket.rungs[-1] == 10
        assert list(bracket.rungs) == sorted(set(bracket.rungs))


@pytest.mark.parametrize("sampler", ["random", "tpe"])
@pytest.mark.parametrize(("trials", "epochs"), [(1, 9), (4, 5), (30, 5), (50, 27), (7, 1)])
def test_hyperband_spends_the_whole_budget_and_no_more(
    sampler: SamplerName, trials: int, epochs: int
) -> None:
    spent = [
        bracket
        for batch in batches(Tuning(sampler=sampler, pruner="hyperband"), trials, epochs)
        for bracket in batch
    ]
    left = trials * epochs - sum(bracket.epochs for bracket in spent)
    assert 0 <= left < epochs  # not another whole trial
    assert any(epochs in bracket.rungs for bracket in spent)


def test_without_pruning_the_trials_are_those_asked_for_in_batches() -> None:
    sizes = [[one.trials for one in batch] for batch in batches(Tuning(sampler="tpe"), 22, 5)]
    assert sizes == [[10], [5], [5], [2]]
    assert batches(Tuning(sampler="random"), 22, 5) == [(Bracket((5,), (22,)),)]


def test_the_median_decides_at_growing_epochs_and_gives_back_what_it_saves() -> None:
    tuning = Tuning(sampler="random", pruner="median", batch=10)
    budget = Budget(tuning, 20, 10)
    (first,) = budget.next_batch(0, 0)
    assert first == Bracket((10,), (10,))  # there is no median yet
    # Five of ten were pruned after an epoch: 145 of 200 epochs are left, 14 whole trials.
    (second,) = budget.next_batch(10, 55)
    assert second.rungs == (1, 3, 9, 10)
    assert second.trials == 10
    (third,) = budget.next_batch(20, 155)
    assert third.trials == 4
    assert budget.next_batch(24, 191) == ()


@pytest.mark.parametrize("pruner", ["none", "hyperband", "median"])
def test_every_pruner_gives_at_least_one_whole_trial(pruner: PrunerName) -> None:
    (batch,) = batches(Tuning(sampler="random", pruner=pruner), 1, 9)
    assert batch[-1].rungs[-1] == 9
