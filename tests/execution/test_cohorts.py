"""Cohorts: every run in one, none too large, and no worker idle while another has much left."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.config.spec import Run, Setting
from optbench.execution.cohorts import CACHE, MOST_RUNS, Footprint, cohort_bytes, make_cohorts
from optbench.execution.plan import Planned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.execution.cohorts import Cohort

PLENTY = 1 << 40
MNIST_MLP = 4 * (784 * 128 + 128 + 128 * 10 + 10)  # bytes of its parameters
Footprints = dict[str, Footprint]


def setting(lr: float, *, batch_size: int = 64, epochs: int = 5, examples: int = 1000) -> Setting:
    return Setting(
        dataset={"name": "digits", "train": examples, "validation": 0},
        model={"name": "mlp", "hidden": [128]},
        optimizer={"name": "adam", "lr": lr},
        schedule={"name": "constant"},
        training={
            "epochs": epochs,
            "batch_size": batch_size,
            "evaluate_every": "epoch",
            "loss": "cross_entropy",
        },
        hyperparameters=(),
    )


def plan(settings: Sequence[Setting], seeds: int, device: str = "cpu") -> list[Planned]:
    """As experiments expand: interleaved by seed."""
    runs = (Run("x", s, seed, seeds, device) for seed in range(seeds) for s in settings)
    return [Planned(run, Path("runs") / run.directory_name) for run in runs]


def weigh(
    parameters: int, states: int = 2, *, stacked: bool = True, device: str = "cpu", shared: int = 0
) -> Footprint:
    """With that many numbers of optimizer state a parameter: Adam has two."""
    state = parameters * (2 + states)
    return Footprint(stacked, "", device, parameters, state, state + parameters, shared)


def cohorts_of(
    runs: Sequence[Planned], footprint: Footprint, workers: int, memory: int = PLENTY
) -> tuple[Cohort, ...]:
    footprints = {planned.run.setting.setting_hash: footprint for planned in runs}
    return make_cohorts(runs, footprints, workers, memory)


@st.composite
def studies(draw: st.DrawFn) -> tuple[list[Planned], Footprints]:
    kinds = st.builds(
        setting,
        st.floats(0.001, 1),
        batch_size=st.sampled_from([16, 64]),
        epochs=st.sampled_from([1, 7]),
        examples=st.sampled_from([100, 1000]),
    )
    settings = draw(st.lists(kinds, min_size=1, max_size=8))
    unique = {s.setting_hash: s for s in settings}
    weights = st.builds(
        weigh,
        st.integers(1, CACHE),
        st.integers(0, 3),
        stacked=st.booleans(),
        device=st.sampled_from(["cpu", "cuda"]),
        shared=st.integers(0, 1000),
    )
    footprints = {key: draw(weights) for key in unique}
    return plan(list(unique.values()), draw(st.integers(1, 12))), footprints


@given(studies(), st.integers(1, 9), st.integers(1, 30 * CACHE))
def test_cohorts_hold_every_run_once_and_fit(
    study: tuple[list[Planned], Footprints], workers: int, memory: int
) -> None:
    runs, footprints = study
    cohorts = make_cohorts(runs, footprints, workers, memory)
    assert sorted(itertools.chain(*cohorts)) == list(range(len(runs)))
    assert list(cohorts) == sorted(cohorts)  # begun in the order of the plan
    for cohort in cohorts:
        assert list(cohort) == sorted(cohort)
        assert len(cohort) <= MOST_RUNS
        if len(cohort) > 1:
            settings = [runs[index].run.setting for index in cohort]
            assert (
                len({(s.problem_hash, s.training["batch_size"], s.epochs) for s in settings}) == 1
            )
            found = [footprints[s.setting_hash] for s in settings]
            assert all(footprint.stacked for footprint in found)
            assert len({footprint.device for footprint in found}) == 1
            assert cohort_bytes(cohort, runs, footprints) <= memory
    assert make_cohorts(runs, footprints, workers, memory) == cohorts


@given(st.integers(1, 300), st.integers(1, 20))
def test_equal_runs_keep_all_workers_busy_to_within_a_cohort(runs: int, workers: int) -> None:
    planned = plan([setting(0.1)], runs)
    sizes = [len(c) for c in cohorts_of(planned, weigh(MNIST_MLP), workers)]
    free = [0] * workers
    for size in sizes:
        heapq.heapreplace(free, free[0] + size)
    assert max(free) - min(free) <= max(sizes)
    assert max(free) <= -(-runs // workers) + 1  # the best there is, or one run later
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("runs", "workers", "sizes"),
    [
        (50, 2, {5: 10}),  # five fill the cache
        (50, 1, {5: 10}),
        (10, 2, {5: 2}),
        (12, 2, {3: 4}),  # not 4, 4 and 4: one worker would wait for the other
        (5, 2, {3: 1, 2: 1}),
        (2, 2, {1: 2}),
        (1, 4, {1: 1}),
    ],
)
def test_the_tutorials_network_trains_in_fives_where_there_is_enough_to_do(
    runs: int, workers: int, sizes: dict[int, int]
) -> None:
    cohorts = cohorts_of(plan([setting(0.1)], runs), weigh(MNIST_MLP), workers)
    assert Counter(map(len, cohorts)) == sizes


def test_small_networks_fill_a_cohort_and_large_ones_go_in_pairs() -> None:
    runs = plan([setting(0.1)], 2 * MOST_RUNS)
    assert {len(c) for c in cohorts_of(runs, weigh(100), 1)} == {MOST_RUNS}
    assert {len(c) for c in cohorts_of(runs, weigh(10 * CACHE), 1)} == {2}
    on_gpu = weigh(10 * CACHE, device="cuda")  # whose caches hold nothing from step to step
    assert {len(c) for c in cohorts_of(runs, on_gpu, 1)} == {MOST_RUNS}


def test_memory_cuts_a_study_and_what_does_not_fit_is_alone() -> None:
    runs = plan([setting(0.1)], 6)
    one = weigh(1000, shared=500)
    three = one.shared_bytes + 3 * one.run_bytes
    assert {len(c) for c in cohorts_of(runs, one, 1, three)} == {3}
    assert {len(c) for c in cohorts_of(runs, one, 1, three - 1)} == {2}
    assert {len(c) for c in cohorts_of(runs, one, 1, 10)} == {1}


def test_what_cannot_be_stacked_trains_alone() -> None:
    assert {len(c) for c in cohorts_of(plan([setting(0.1)], 6), weigh(1, stacked=False), 2)} == {1}


def test_several_problems_are_not_cut_finer_than_the_workers_need() -> None:
    runs = plan([setting(0.1, batch_size=2**power) for power in range(10)], 5)
    assert Counter(map(len, cohorts_of(runs, weigh(MNIST_MLP), 2))) == {5: 10}


def test_the_longest_runs_are_spread_over_the_workers() -> None:
    long, short = setting(0.1, epochs=100), setting(0.2, epochs=1)
    cohorts = cohorts_of(plan([long, short], 4), weigh(MNIST_MLP), 2)
    assert Counter(map(len, cohorts)) == {2: 2, 4: 1}


def test_optimizers_of_less_state_make_larger_cohorts() -> None:
    runs = plan([setting(0.1)], 40)
    (adam,), (sgd,) = (
        {len(c) for c in cohorts_of(runs, weigh(MNIST_MLP, states), 1)} for states in (2, 0)
    )
    assert (adam, sgd) == (5, 10)
