from __future__ import annotations

import dataclasses
import io
from typing import TYPE_CHECKING

import pytest
from experiments import make_runs
from progress_events import (
    Clock,
    Terminal,
    ended,
    measured,
    result_of,
    shown,
    started,
    step,
    stop_after,
)

from optbench.report.progress import Progress, make_progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from optbench.config.spec import Run
    from optbench.training.events import Event


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    """Two optimizers at two learning rates, five seeds: 20 runs."""
    rates = {"grid": [0.1, 0.01]}
    optimizers = [{"name": "sgd", "lr": rates}, {"name": "adam", "lr": rates}]
    return list(make_runs(tmp_path, optimizer=optimizers, seeds=5))


class Screen:
    """A study in a terminal of this size, whose clock passes a second an event."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, columns: int = 80, lines: int = 24) -> None:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", str(lines))
        self.stream, self.clock = Terminal(), Clock()

    def tell(self, progress: Progress, *events: Event) -> list[str]:
        for event in events:
            self.clock.now += 1
            progress.show(event)
        return self.stream.screen


def cohort(runs: list[Run], steps: int = 938, **values: float) -> Iterator[Event]:
    """They begin together and get to a row."""
    yield from (started(run, cohort=len(runs)) for run in runs)
    yield from (measured(run, steps, **values) for run in runs)


def test_one_screen_shows_the_whole_the_counts_the_cohorts_and_the_leaders(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Screen(monkeypatch)
    with make_progress(terminal.stream, runs, clock=terminal.clock) as progress:
        terminal.tell(progress, *cohort(runs[:4]), *cohort(runs[4:8]))
        drawn = terminal.tell(progress, *(ended(run, train_loss=0.25) for run in runs[:4]))
    assert drawn[:2] == [
        "mnist · mlp 784-128-10 · cross entropy",
        "60,000 train, 10,000 test · cpu · 20 runs",
    ]
    bar, counts, _, group, _, *leaders = drawn[3:]
    # 4 runs of 4690 steps and 4 at step 938 of 20 x 4690
    assert bar.split()[1] == "24%"
    assert bar.endswith(" left")
    assert counts == "  4 of 20 runs done, 4 running in 1 cohort"
    assert group.startswith("  sgd lr=0.1         s1 and 3 more  ━━╌╌╌╌╌╌╌╌ 1/5")
    assert leaders == [
        "  best train loss so far",
        "  sgd   lr=0.01   0.250  1 run",
        "  adam  lr=0.01   0.250  1 run",
    ]


def test_finished_runs_leave_no_line(runs: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Screen(monkeypatch)
    with make_progress(terminal.stream, runs, clock=terminal.clock) as progress:
        for run in runs:
            terminal.tell(progress, started(run), ended(run))
    assert terminal.stream.screen[3:] == ["  20 runs in 39 s: 20 completed"]


@pytest.mark.parametrize("status", ["diverged", "failed"])
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_run_that_does_not_complete_is_named_and_counted(
    runs: list[Run], status: str, stream: type[io.StringIO]
) -> None:
    text = shown(stream(), runs, [(1, started(runs[0])), (1, ended(runs[0], status))])
    assert f"  sgd lr=0.1 s0  {status}: " in text
    assert f"1 {status}" in text


def test_a_reason_cant_steer_the_terminal_of_a_study(runs: list[Run]) -> None:
    end = ended(runs[0], "failed")
    nasty = dataclasses.replace(end, result=dataclasses.replace(end.result, reason="\x1b[2Jboo"))
    text = shown(Terminal(), runs, [(1, started(runs[0])), (1, nasty)])
    assert "\x1b[2J" not in text
    assert "boo" in text


def test_only_what_does_not_complete_has_a_colour(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Screen(monkeypatch)
    with make_progress(terminal.stream, runs, clock=terminal.clock) as progress:
        terminal.tell(progress, *cohort(runs[:4]), ended(runs[0]))
        assert "\x1b[3" not in terminal.stream.getvalue()
        terminal.tell(progress, ended(runs[1], "diverged"))
        assert "\x1b[33m  sgd lr=0.01 s0" in terminal.stream.getvalue()


def test_no_color_is_obeyed(runs: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Screen(monkeypatch)
    with make_progress(terminal.stream, runs, clock=terminal.clock) as progress:
        terminal.tell(progress, started(runs[0]), ended(runs[0], "failed"))
    assert "\x1b[3" not in terminal.stream.getvalue()


@pytest.mark.parametrize(("columns", "lines"), [(40, 10), (80, 10), (40, 24), (30, 5), (200, 60)])
def test_it_fits_into_the_terminal(
    runs: list[Run], columns: int, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Screen(monkeypatch, columns, lines)
    with make_progress(terminal.stream, runs, clock=terminal.clock) as progress:
        drawn = terminal.tell(progress, *(event for run in runs for event in cohort([run])))[3:]
    assert len(drawn) < lines
    assert max(map(len, drawn)) <= columns
    assert drawn[0].endswith("left")


def test_a_short_terminal_shows_leaders_rather_than_cohorts(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Screen(monkeypatch, 80, 8)
    with make_progress(terminal.stream, runs, clock=terminal.clock) as progress:
        drawn = terminal.tell(progress, *cohort(runs[:4]))[3:]
    assert [line.split()[0] for line in drawn if line][2:] == ["best", "sgd", "adam"]


def test_many_cohorts_are_counted_rather_than_shown(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Screen(monkeypatch)
    with make_progress(terminal.stream, runs, clock=terminal.clock) as progress:
        drawn = terminal.tell(progress, *(event for run in runs[:9] for event in cohort([run])))
    assert "  0 of 20 runs done, 9 running" in drawn
    assert "  and 5 more" in drawn


def test_before_an_optimizer_has_finished_runs_its_best_is_the_best_in_training(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    sgd_high, sgd_low = runs[:2]
    terminal = Screen(monkeypatch)
    with make_progress(terminal.stream, runs, clock=terminal.clock) as progress:
        terminal.tell(progress, started(sgd_high), started(sgd_low))
        drawn = terminal.tell(
            progress,
            measured(sgd_high, 938, train_loss=0.2),
            measured(sgd_low, 938, train_loss=0.3),
            measured(sgd_low, 1876, train_loss=0.29),
        )
    assert drawn[-1] == "  sgd  lr=0.1   0.200  epoch 1/5"


def test_runs_in_training_are_compared_by_validation_where_there_is_one(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Screen(monkeypatch)
    with make_progress(terminal.stream, runs, clock=terminal.clock) as progress:
        drawn = terminal.tell(
            progress,
            *cohort(runs[:1], train_loss=0.9, val_loss=0.1),
            *cohort(runs[1:2], train_loss=0.1, val_loss=0.9),
        )
    assert drawn[-2:] == ["  best validation loss so far", "  sgd  lr=0.1   0.100  epoch 1/5"]


def test_leaders_are_chosen_as_the_tables_choose_by_validation_and_over_seeds(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    high, low = runs[0], runs[1]
    high_again, low_again = runs[4], runs[5]
    terminal = Screen(monkeypatch)
    with make_progress(terminal.stream, runs, clock=terminal.clock) as progress:
        drawn = terminal.tell(
            progress,
            ended(high, val_loss=0.1, train_loss=0.9),
            ended(low, val_loss=0.2, train_loss=0.1),
            ended(low_again, val_loss=0.2, train_loss=0.1),
            ended(high_again, "diverged", val_loss=9.0),
        )
    # a setting that diverged at any seed stands behind all that did not
    assert drawn[-2:] == ["  best validation loss so far", "  sgd  lr=0.01   0.200  2 runs"]


def test_runs_finished_earlier_count_and_lead(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = [(run, result_of(run, train_loss=0.125)) for run in runs[:4]]
    terminal = Screen(monkeypatch)
    with make_progress(terminal.stream, runs[4:], finished, clock=terminal.clock) as progress:
        drawn = terminal.tell(progress, started(runs[4]), step(runs[4], 50))
        assert "  4 of 20 runs done, 1 running" in drawn
        assert "  sgd   lr=0.01   0.125  1 run" in drawn


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_stopped_study_names_what_was_in_training(
    runs: list[Run], stream: type[io.StringIO]
) -> None:
    told = stream()
    stop_after(make_progress(told, runs, clock=Clock()), cohort(runs[:5]))
    last = " ".join(told.getvalue().split("In training: ")[1].split())
    assert last.startswith(
        "sgd lr=0.1 s0 at epoch 1/5, sgd lr=0.01 s0 at epoch 1/5, adam lr=0.1 s0 at epoch 1/5 "
        "and 2 more"
    )


class AsciiTerminal(Terminal):
    encoding = "ascii"


@pytest.mark.parametrize("many", [False, True])
def test_a_terminal_without_unicode_gets_ascii(
    runs: list[Run], many: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    text = shown(AsciiTerminal(), runs if many else runs[:4], [(1, e) for e in cohort(runs[:4])])
    assert text.isascii()
    assert "##------" in text


def test_where_nothing_can_be_redrawn_a_line_says_now_and_then_how_far_it_is(
    runs: list[Run],
) -> None:
    events: list[tuple[float, Event]] = []
    for run in runs:
        events += [(1.0, started(run)), (1.0, ended(run))]
    lines = shown(io.StringIO(), runs, events).splitlines()
    assert lines[:3] == [
        "mnist · mlp 784-128-10 · cross entropy",
        "60,000 train, 10,000 test · cpu · 20 runs",
        "",
    ]
    assert [line.split()[0] for line in lines[3:]] == ["25%", "50%", "75%", "20"]
    assert "\x1b" not in "".join(lines)
    assert max(map(len, lines)) <= 80


def test_a_slow_study_says_every_five_minutes_that_it_goes_on(runs: list[Run]) -> None:
    events: list[tuple[float, Event]] = [(0.0, started(runs[0]))]
    events += [(60.0, step(runs[0], steps)) for steps in range(1, 21)]
    lines = shown(io.StringIO(), runs, events).splitlines()
    assert len(lines) == 3 + 4 + 1


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_an_announcement_stays(runs: list[Run], stream: type[io.StringIO]) -> None:
    told = stream()
    with make_progress(told, runs, clock=Clock()) as progress:
        progress.announce("memory may be short")
    text = told.text if isinstance(told, Terminal) else told.getvalue()
    assert text.startswith("memory may be short\n\n")


def test_a_run_that_another_process_has_trained_counts_as_done(runs: list[Run]) -> None:
    text = shown(io.StringIO(), runs, [(0.1, ended(run)) for run in runs])
    assert text == "  20 runs: 20 completed\n"
