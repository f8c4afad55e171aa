"""Optuna's own samplers are the witness: what they propose is what is tried."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import optuna
import pytest

from optbench.analysis.trials import Outcome
from optbench.config.tuning import SamplerName, Tuning
from optbench.errors import UsageError
from optbench.store.tuning import Dimension, Trial
from optbench.tuning.proposals import (
    STARTUP,
    Proposer,
    batch_size,
    make_proposer,
    stream_seed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.analysis.trials import Fate

LR = Dimension("lr", "loguniform", 1e-5, 1e-1)
SPACE = (
    LR,
    Dimension("betas[1]", "uniform", 0.9, 0.999),
    Dimension("steps", "integer", 1, 5),
    Dimension("betas", "grid", choices=([0.9, 0.99], [0.9, 0.999])),
)
GRID = (
    Dimension("lr", "logspace", choices=(0.001, 0.01, 0.1)),
    Dimension("momentum", "grid", choices=(0, 0.9)),
)


def proposer(sampler: SamplerName, space: Sequence[Dimension] = SPACE, seed: int = 0) -> Proposer:
    return make_proposer(Tuning(sampler=sampler, sampler_seed=seed), "adam", space)


def score(values: dict[str, Any]) -> float:
    """A bowl around lr = 0.003."""
    return distance(values) + float(values["betas[1]"])


def distance(values: dict[str, Any]) -> float:
    return abs(math.log10(float(values["lr"]) / 0.003))


def told(number: int, values: dict[str, Any], status: Fate = "completed") -> Outcome:
    value = {"completed": score(values), "diverged": math.inf, "failed": None}[status]
    return Outcome(Trial(number, values, ()), (), status, value, 1.0)


def answered(source: Proposer, *counts: int) -> list[dict[str, Any]]:
    """The proposals of some batches, each told its scores."""
    found: list[dict[str, Any]] = []
    for count in counts:
        batch = source.ask(count)
        source.tell([told(n, values) for n, values in enumerate(batch, start=len(found))])
        found += batch
    return found


def test_random_search_is_that_of_optuna_in_six_digits() -> None:
    ours = proposer("random").ask(20)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(stream_seed(0, "adam")))
    for values in ours:
        trial = study.ask()
        assert values["lr"] == float(f"{trial.suggest_float('lr', 1e-5, 1e-1, log=True):.6g}")
        assert values["betas[1]"] == float(f"{trial.suggest_float('b', 0.9, 0.999):.6g}")
        assert values["steps"] == trial.suggest_int("steps", 1, 5)
        index = trial.suggest_categorical("c", [0, 1])
        assert values["betas"] == ([0.9, 0.99], [0.9, 0.999])[index]


def test_random_search_does_not_depend_on_batches_or_results() -> None:
    assert answered(proposer("random"), 3, 4, 5) == proposer("random").ask(12)


def test_tpe_is_that_of_optuna_asked_in_batches_and_told_in_order() -> None:
    ours = answered(proposer("tpe", (LR, SPACE[1])), STARTUP, 5, 5)
    sampler = optuna.samplers.TPESampler(
        seed=stream_seed(0, "adam"), n_startup_trials=STARTUP, constant_liar=True
    )
    study = optuna.create_study(sampler=sampler)
    theirs: list[dict[str, Any]] = []
    for count in (STARTUP, 5, 5):
        trials = [study.ask() for _ in range(count)]
        batch = [
            {
                "lr": float(f"{trial.suggest_float('lr', 1e-5, 1e-1, log=True):.6g}"),
                "betas[1]": float(f"{trial.suggest_float('betas[1]', 0.9, 0.999):.6g}"),
            }
            for trial in trials
        ]
        for trial, values in zip(trials, batch, strict=True):
            study.tell(trial, score(values))
        theirs += batch
    assert ours == theirs


def test_tpe_learns_where_the_good_trials_are() -> None:
    found = answered(proposer("tpe", SPACE[:2]), STARTUP, *[5] * 8)
    first, last = found[:STARTUP], found[-STARTUP:]
    assert sum(map(distance, last)) < sum(map(distance, first)) / 2


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_diverged_and_failed_trials_are_told_too(sampler: SamplerName) -> None:
    source = proposer(sampler)
    batch = source.ask(STARTUP)
    fates: list[Fate] = ["diverged", "failed", *["completed"] * (STARTUP - 2)]  # type: ignore[list-item]
    source.tell([told(n, values, fates[n]) for n, values in enumerate(batch)])
    assert len(source.ask(5)) == 5


def test_streams_of_other_seeds_and_of_other_optimizers_differ() -> None:
    seeds = {stream_seed(seed, label) for seed in range(50) for label in ("adam", "sgd")}
    assert len(seeds) == 100
    assert proposer("random").ask(3) != proposer("random", seed=1).ask(3)


def test_a_grid_gives_every_point_once_in_an_order_of_its_seed() -> None:
    points = [dict(zip(("lr", "momentum"), p, strict=True)) for p in itertools.product(
        (0.001, 0.01, 0.1), (0, 0.9)
    )]  # fmt: skip
    source = proposer("grid", GRID)
    found = source.ask(2) + source.ask(9)
    assert sorted(found, key=str) == sorted(points, key=str)
    assert found == proposer("grid", GRID).ask(6)
    assert source.ask(1) == []
    orders = {str(proposer("grid", GRID, seed).ask(6)) for seed in range(9)}
    assert len(orders) > 5


def test_a_grid_of_a_range_is_refused() -> None:
    with pytest.raises(UsageError, match=r"adam lr is a range; write \{grid: \[…\]\}"):
        proposer("grid")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match="pip install cmaes"):
        proposer("cmaes")


def test_what_draws_at_random_is_asked_at_once_and_what_learns_in_batches() -> None:
    assert batch_size(Tuning(sampler="random"), 0) is None
    assert batch_size(Tuning(sampler="grid"), 0) is None
    assert [batch_size(Tuning(sampler="tpe"), done) for done in (0, 10)] == [10, 5]
    assert batch_size(Tuning(sampler="random", batch=4), 0) == 4
    assert batch_size(Tuning(sampler="random", pruner="median"), 0) == 5
