"""One worker that needs so many seconds a step; what it will have needed in the end is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from experiments import TINY_EPOCH_STEPS, make_runs
from progress_events import Clock, ended, measured, result_of, started, step

from optbench.report.progress.watched import Watched

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.spec import Run


def total(run: Run) -> int:
    return run.setting.epochs * TINY_EPOCH_STEPS


def begin(watched: Watched, run: Run, **changes: int) -> None:
    sizes = {"total": total(run), "epochs": run.setting.epochs, "step_examples": 16}
    watched.follow(started(run, **sizes, **changes))


def train(
    watched: Watched, clock: Clock, run: Run, seconds: float, steps: int | None = None
) -> None:
    """From its beginning, to its end unless `steps` is less."""
    begin(watched, run)
    for done in range(1, (total(run) if steps is None else steps) + 1):
        clock.now += seconds
        watched.follow(step(run, done))
    if steps is None:
        watched.follow(measured(run, total(run), seconds * total(run)))
        watched.follow(ended(run, steps=total(run)))


def left(watched: Watched) -> float:
    seconds = watched.pace.look(list(watched.tracks.values()))[1]
    assert seconds is not None
    return seconds


def runs_of(folder: Path, seeds: int = 4, **parts: object) -> list[Run]:
    return list(make_runs(folder, seeds=seeds, **parts))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_short_runs_and_long_ones_count_by_their_steps(tmp_path: Path, clock: Clock) -> None:
    short = runs_of(tmp_path, training={"epochs": 1, "batch_size": 16})
    long = runs_of(tmp_path, training={"epochs": 10, "batch_size": 16})
    watched = Watched([*short, *long], [], clock)
    for run in short:
        train(watched, clock, run, 1.0)
    train(watched, clock, long[0], 1.0, steps=20)
    assert left(watched) == pytest.approx(20 + 3 * 40)


def test_dear_steps_and_cheap_ones_count_by_their_seconds(tmp_path: Path, clock: Clock) -> None:
    cheap = runs_of(tmp_path, 2, optimizer="sgd")
    dear = runs_of(tmp_path, 4, optimizer="adam")
    watched = Watched([*cheap, *dear], [], clock)
    train(watched, clock, cheap[0], 1.0)
    train(watched, clock, dear[0], 3.0)
    assert left(watched) == pytest.approx(12 * 1.0 + 3 * 12 * 3.0)


def test_a_resumed_run_counts_what_is_left_of_it(tmp_path: Path, clock: Clock) -> None:
    (run,) = runs_of(tmp_path, 1, training={"epochs": 10, "batch_size": 16})
    watched = Watched([run], [], clock)
    begin(watched, run, steps=20)
    for done in range(21, 31):
        clock.now += 1.0
        watched.follow(step(run, done))
    assert left(watched) == pytest.approx(10)
    assert watched.pace.look([])[0] == pytest.approx(30 / 40)


def test_the_first_row_of_a_resumed_run_is_timed_from_the_row_before(
    tmp_path: Path, clock: Clock
) -> None:
    training = {"epochs": 10, "batch_size": 16}
    cheap = runs_of(tmp_path, 1, optimizer="sgd", training=training)
    dear = runs_of(tmp_path, 2, optimizer="adam", training=training)
    watched = Watched([*cheap, *dear], [], clock)
    train(watched, clock, cheap[0], 1.0)
    begin(watched, dear[0], steps=30, measured=10)
    for done in range(31, 41):
        clock.now += 2.0
        watched.follow(step(dear[0], done))
    watched.follow(measured(dear[0], 40, 60.0))  # 40 of them in an earlier process
    watched.follow(ended(dear[0], steps=40))
    assert left(watched) == pytest.approx(40 * 2.0)


def test_runs_that_go_on_from_shorter_ones_are_waited_for_in_part(
    tmp_path: Path, clock: Clock
) -> None:
    runs = runs_of(tmp_path, 3, training={"epochs": 10, "batch_size": 16})
    watched = Watched(runs, [], clock, {run.hash: 8 for run in runs[:2]})
    begin(watched, runs[0], steps=32)
    for done in range(33, 41):
        clock.now += 1.0
        watched.follow(step(runs[0], done))
    watched.follow(measured(runs[0], 40, 8.0))
    watched.follow(ended(runs[0], steps=40))
    assert left(watched) == pytest.approx(8 + 40)


def test_runs_finished_earlier_are_part_of_the_whole_and_not_of_the_pace(
    tmp_path: Path, clock: Clock
) -> None:
    runs = runs_of(tmp_path, 4)
    watched = Watched(runs[2:], [(r, result_of(r, steps=total(r))) for r in runs[:2]], clock)
    assert watched.pace.look([])[0] == pytest.approx(2 / 4)
    train(watched, clock, runs[2], 1.0)
    assert watched.pace.look([])[0] == pytest.approx(3 / 4)
    assert left(watched) == pytest.approx(12)


def test_settings_that_diverge_early_are_not_waited_for(tmp_path: Path, clock: Clock) -> None:
    runs = runs_of(tmp_path, 3, training={"epochs": 10, "batch_size": 16})
    watched = Watched(runs, [], clock)
    train(watched, clock, runs[0], 1.0, steps=4)
    watched.follow(ended(runs[0], "diverged", steps=4))
    assert left(watched) == pytest.approx(2 * 4)


def test_the_end_is_no_nearer_than_that_of_the_slowest_run(tmp_path: Path, clock: Clock) -> None:
    runs = runs_of(tmp_path, 4)
    watched = Watched(runs, [], clock)
    for run in runs:
        begin(watched, run)
    for done in range(1, 5):  # four workers at once, of which one is slow
        clock.now += 1.0
        for run in runs[:3]:
            watched.follow(step(run, 3 * done))
        watched.follow(step(runs[3], done))
    for run in runs[:3]:
        watched.follow(ended(run, steps=total(run)))
    assert left(watched) == pytest.approx(8)


def test_a_run_that_begins_again_is_counted_once(tmp_path: Path, clock: Clock) -> None:
    runs = runs_of(tmp_path, 2)
    watched = Watched(runs, [], clock)
    train(watched, clock, runs[0], 1.0, steps=8)  # then its worker dies
    train(watched, clock, runs[0], 1.0)
    train(watched, clock, runs[1], 1.0)
    assert watched.pace.look([]) == (1.0, 0.0)
    assert watched.ended == watched.total == 2


def test_what_another_process_has_trained_is_done_and_no_part_of_the_pace(
    tmp_path: Path, clock: Clock
) -> None:
    runs = runs_of(tmp_path, 4)
    watched = Watched(runs, [], clock)
    train(watched, clock, runs[0], 1.0)
    watched.follow(ended(runs[1], steps=total(runs[1])))
    assert watched.pace.look([])[0] == pytest.approx(2 / 4)
    assert left(watched) == pytest.approx(2 * 12)


def test_nothing_is_said_before_there_is_something_to_go_by(tmp_path: Path, clock: Clock) -> None:
    (run,) = runs_of(tmp_path, 1)
    watched = Watched([run], [], clock)
    assert watched.pace.look([]) == (0.0, None)
    begin(watched, run)
    clock.now += 60
    assert watched.pace.look([]) == (0.0, None)
