from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from stored_runs import STEPS_PER_EPOCH, load, make_rows, write_run

from optbench.analysis.metric import Metric
from optbench.analysis.speedup import Speedup, speedup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.analysis.target import Unit
    from optbench.store.stored_run import StoredRun

ACCURACY = Metric("test_accuracy")
EPOCHS = 12


def store(root: Path, name: str, reached: Sequence[int | None], **description: object) -> None:
    """A run a seed that reaches .9 at this epoch of twelve; None for never."""
    for seed, epoch in enumerate(reached):
        first = EPOCHS + 1 if epoch is None else epoch
        rows = make_rows([0.95 if index >= first else 0.1 for index in range(EPOCHS + 1)])
        told = {"optimizer": {"name": name}, "declared_seeds": len(reached)} | description
        write_run(root, rows, seed=seed, experiment=name, **told)


def found(root: Path, unit: Unit = "steps") -> Speedup | None:
    a, b = runs_of(root, "a"), runs_of(root, "b")
    return speedup(a, b, ACCURACY, 0.9, unit)


def runs_of(root: Path, name: str) -> list[StoredRun]:
    return [run for run in load(root) if run.result.experiment == name]


def measured(root: Path, a: Sequence[int | None], b: Sequence[int | None]) -> Speedup:
    store(root, "a", a)
    store(root, "b", b)
    result = found(root)
    assert result is not None
    return result


def test_the_median_of_the_paired_ratios_has_the_extremes_of_eight_as_its_interval(
    tmp_path: Path,
) -> None:
    result = measured(tmp_path, [1, 2, 2, 4, 1, 3, 5, 2], [3, 4, 6, 6, 4, 6, 6, 5])
    # 3, 2, 3, 1.5, 4, 2, 1.2, 2.5: sorted 1.2 1.5 2 2 | 2.5 3 3 4; ranks 1 and 8 of 8.
    assert (result.ratio, result.low, result.high) == pytest.approx((2.25, 1.2, 4))
    assert (result.n, result.dropped, result.p) == (8, 0, 2 / 256)
    assert (result.a.share, result.b.share) == (1, 1)


def test_ten_pairs_have_the_second_and_the_ninth_ratio(tmp_path: Path) -> None:
    result = measured(tmp_path, [1] * 10, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    assert (result.low, result.high) == (3, 10)


def test_five_pairs_have_no_interval(tmp_path: Path) -> None:
    result = measured(tmp_path, [1] * 5, [2] * 5)
    assert (result.ratio, result.low, result.high) == (2, None, None)


def test_never_is_infinity_and_never_an_average_of_those_that_came(tmp_path: Path) -> None:
    result = measured(tmp_path, [2, 2, 2, 2, None, None], [4, 4, 4, None, None, 4])
    # 2, 2, 2, ∞, both never, 0: the median of the five is 2; bounds with 0 and ∞ for the sixth.
    assert (result.ratio, result.low, result.high) == (2, 0, math.inf)
    assert (result.n, result.dropped) == (6, 1)
    assert result.p == pytest.approx(2 * (1 + 5) / 32)  # four wins, one loss
    assert (result.a.share, result.b.share) == pytest.approx((4 / 6, 4 / 6))


def test_a_pair_that_never_came_widens_the_interval_to_both_sides(tmp_path: Path) -> None:
    result = measured(tmp_path, [2, 2, 2, 2, 2, None], [4, 4, 4, 4, 4, None])
    assert (result.ratio, result.low, result.high) == (2, 0, math.inf)
    assert result.p == pytest.approx(2 / 32)


def test_all_that_never_came_tell_nothing(tmp_path: Path) -> None:
    store(tmp_path, "a", [None, None])
    store(tmp_path, "b", [None, None])
    assert found(tmp_path) is None


def test_a_diverged_seed_that_came_first_counts_and_its_horizon_does_not(tmp_path: Path) -> None:
    store(tmp_path, "a", [2])
    rows = make_rows([0.1, 0.1, 0.1])
    described = {"optimizer": {"name": "b"}, "experiment": "b", "status": "diverged"}
    write_run(tmp_path, rows, seed=0, **described)
    result = found(tmp_path)
    assert result is not None
    assert result.ratio == math.inf


def test_runs_of_other_horizons_are_not_compared(tmp_path: Path) -> None:
    store(tmp_path, "a", [2])
    described = {"optimizer": {"name": "b"}, "experiment": "b"}
    write_run(tmp_path, make_rows([0.1, 0.95]), seed=0, **described)
    assert found(tmp_path) is None


def test_seeds_that_start_unlike_have_no_ratio(tmp_path: Path) -> None:
    store(tmp_path, "a", [2, 2])
    hashes = {"data": "0" * 64, "initial_weights": None, "batch_order": None}
    store(tmp_path, "b", [2, 2], hashes=hashes)
    assert found(tmp_path) is None


def with_seconds(root: Path, name: str, seconds: float) -> None:
    """timing.csv for every run of that name: so many seconds of training an epoch."""
    for run in runs_of(root, name):
        lines = ["steps,train_seconds,evaluation_seconds", "0,0.0,9.0"]
        lines += [f"{STEPS_PER_EPOCH * e},{seconds},9.0" for e in range(1, EPOCHS + 1)]
        (run.path / "timing.csv").write_text("\n".join(lines) + "\n")


def test_seconds_are_of_training_alone(tmp_path: Path) -> None:
    store(tmp_path, "a", [2, 2])
    store(tmp_path, "b", [3, 3])
    with_seconds(tmp_path, "a", 1.5)
    with_seconds(tmp_path, "b", 1.0)
    result = found(tmp_path, "seconds")
    assert result is not None
    assert result.ratio == pytest.approx(3 * 1.0 / (2 * 1.5))


@pytest.mark.parametrize(
    "other",
    [
        {"environment": {"host": "elsewhere", "device": "cpu", "threads": 1}},
        {"cohort": {"size": 8, "stacked": True, "reason": "stacked"}},
    ],
)
def test_seconds_of_another_machine_or_kind_of_cohort_are_not_compared(
    tmp_path: Path, other: dict[str, object]
) -> None:
    store(tmp_path, "a", [2, 2])
    store(tmp_path, "b", [3, 3], **other)
    for name in ("a", "b"):
        with_seconds(tmp_path, name, 1.0)
    assert found(tmp_path, "seconds") is None
    assert found(tmp_path, "steps") is not None


@pytest.mark.parametrize("content", [None, "", "steps\n0\n", "steps,train_seconds\n0,nan\n"])
def test_without_a_whole_record_seconds_are_not_compared(
    tmp_path: Path, content: str | None
) -> None:
    store(tmp_path, "a", [2])
    store(tmp_path, "b", [3])
    if content is not None:
        for name in ("a", "b"):
            (run,) = runs_of(tmp_path, name)
            (run.path / "timing.csv").write_text(content)
    assert found(tmp_path, "seconds") is None
