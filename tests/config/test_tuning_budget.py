from __future__ import annotations

import pytest

from optbench.config.node import Problems
from optbench.config.seeds import MAX_SEEDS
from optbench.config.tuning import FIRST_SEED, Tuning, read_tuning
from optbench.config.yaml_source import parse


def read(text: str) -> tuple[Tuning, list[str]]:
    problems = Problems()
    found = read_tuning(parse(text, "a.yaml"), problems)
    return found, [f"{one.key}: {one.message}" for one in problems.noted]


def test_names_stand_alone_or_with_their_arguments() -> None:
    alone, _ = read("{sampler: random, pruner: median}")
    assert (alone.sampler, alone.sampler_seed, alone.batch) == ("random", 0, None)
    told, _ = read(
        "{trials: 20, sampler: {name: gp, seed: 3, batch: 7}, objective: val_accuracy,"
        " pruner: {name: hyperband, reduction: 4, min_epochs: 2}, seeds: [5, 8]}"
    )
    assert told == Tuning(20, "gp", 3, 7, "hyperband", 4, 2, "val_accuracy", (5, 8))


def test_a_count_of_tuning_seeds_begins_beyond_every_count_of_reporting_seeds() -> None:
    told, _ = read("{seeds: 3}")
    assert told.seeds == (1_000_000, 1_000_001, 1_000_002)
    assert Tuning().seeds == (FIRST_SEED,)
    assert FIRST_SEED > MAX_SEEDS


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("3", "tuning: must be a mapping, got 3"),
        ("{trails: 3}", "tuning.trails: unknown key"),
        ("{trials: 0}", "tuning.trials: must be a whole number from 1 to 100,000, got 0"),
        ("{trials: true}", "tuning.trials: must be a whole number from 1 to 100,000, got true"),
        (
            "{sampler: bayes}",
            "tuning.sampler: must be one of tpe, random, gp, cmaes, grid, got 'bayes'",
        ),
        (
            "{sampler: {name: tpe, size: 3}}",
            "tuning.sampler.size: unknown key",
        ),
        ("{pruner: {name: hyperband, reduction: 1}}", "tuning.pruner.reduction: must be a whole"),
        ("{objective: test_loss}", "tuning.objective: must be one of val_loss, val_accuracy"),
        ("{seeds: 0}", "tuning.seeds: must be a count from 1 to 10,000"),
        ("{seeds: [1, 1]}", "tuning.seeds[1]: seed 1 is listed twice"),
        ("{seeds: []}", "tuning.seeds: must hold at least one seed"),
    ],
)
def test_each_mistake_is_told_with_its_key(text: str, mistake: str) -> None:
    _, (told,) = read(text)
    assert told.startswith(mistake)
