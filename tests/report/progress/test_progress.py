from __future__ import annotations

import dataclasses
import io
from typing import TYPE_CHECKING

import pytest
from experiments import make_runs
from progress_events import Clock, Terminal, ended, started, step, stop_after
from stored_runs import make_rows

from optbench.report.progress import make_progress
from optbench.report.progress.labels import short_labels
from optbench.training.events import Advanced, Ended, Event
from optbench.training.records import Evaluation

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.spec import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (found,) = make_runs(tmp_path, optimizer={"name": "adam", "lr": 0.001})
    return found


def with_reason(end: Ended, reason: str) -> Ended:
    return dataclasses.replace(end, result=dataclasses.replace(end.result, reason=reason))


def story(run: Run) -> list[Event]:
    """Row 0, an epoch of 938 steps with a sign of life in it, and the end."""
    first, second = make_rows([0.1, 0.9], train_loss=[2.3, 0.36])
    return [
        started(run),
        Advanced(run, Evaluation(0, first, 0.0, 0.1)),
        step(run, 50),
        Advanced(run, Evaluation(0, second, 1.0, 0.1)),
        ended(run),
    ]


def shown(events: list[Event], stream: io.StringIO, *, quiet: bool = False) -> str:
    with make_progress(stream, [events[0].run] * 2, quiet=quiet) as progress:
        for event in events:
            progress.show(event)
    return stream.getvalue()


def test_plain_lines_are_the_heading_an_epoch_and_the_end(run: Run) -> None:
    text = shown(story(run), io.StringIO())
    assert text.startswith(
        "mnist · mlp 784-128-10 · cross entropy\n60,000 train, 10,000 test · cpu · 2 runs\n\n"
    )
    epoch, end = text.splitlines()[-2:]
    assert epoch.split()[:3] == ["adam", "lr=0.001", "s0"] or "s0" in epoch
    for part in ("1/5", "loss 0.360", "test 90.0%", " left"):
        assert part in epoch
    assert end.endswith("done 6.1 s")
    assert "\x1b" not in text


def test_a_heading_is_shown_once_a_problem(run: Run) -> None:
    text = shown([started(run), ended(run), started(run), ended(run)], io.StringIO())
    assert text.count("60,000 train") == 1
    other = started(run, problem="digits · logistic 64-10 · cross entropy")
    text = shown([started(run), ended(run), other, ended(run)], io.StringIO())
    assert text.count("60,000 train") == 2


def test_a_line_fits_into_80_columns(run: Run) -> None:
    long = dataclasses.replace(
        run, setting=dataclasses.replace(run.setting, hyperparameters=(("lr", 0.001),) * 9)
    )
    lines = shown(story(long), io.StringIO()).splitlines()
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_an_end_that_is_none_says_why(run: Run, status: str) -> None:
    end = with_reason(ended(run, status), "train loss became nan at step 12")
    assert f"{status}: train loss became nan at step 12" in shown(
        [started(run), end], io.StringIO()
    )


def test_quiet_shows_nothing(run: Run) -> None:
    assert shown(story(run), io.StringIO(), quiet=True) == ""
    assert shown(story(run), Terminal(), quiet=True) == ""


def test_a_terminal_keeps_one_line_a_finished_run(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    text = shown(story(run), Terminal())
    assert "\x1b[" in text  # drawn over
    assert "━" in text
    assert "done 6.1 s" in text


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("reason", ["index [/] is out of range", "[bold]x[/bold] :warning:"])
def test_brackets_in_a_reason_are_shown_as_they_are(
    run: Run, stream: type[io.StringIO], reason: str
) -> None:
    text = shown([started(run), with_reason(ended(run, "failed"), reason)], stream())
    assert reason in text


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_reason_cant_steer_the_terminal(run: Run, stream: type[io.StringIO]) -> None:
    text = shown([started(run), with_reason(ended(run, "failed"), "\x1b[2Jboo")], stream())
    assert "\x1b[2J" not in text
    assert "boo" in text


def test_a_label_has_what_tells_settings_of_one_optimizer_apart(tmp_path: Path) -> None:
    optimizers = [
        {"name": "sgd", "lr": 0.1, "momentum": {"grid": [0, 0.9]}, "weight_decay": 0.01},
        {"name": "adam", "lr": 0.001, "eps": 0.1},
    ]
    settings = [run.setting for run in make_runs(tmp_path, optimizer=optimizers)]
    assert list(short_labels(settings).values()) == [
        "sgd lr=0.1",
        "sgd lr=0.1 momentum=0.9",
        "adam lr=0.001",
    ]
    alone = [setting for setting in settings if setting.optimizer.get("momentum")]
    assert list(short_labels(alone).values()) == ["momentum lr=0.1"]


def test_long_numbers_have_four_digits_unless_two_labels_were_the_same(tmp_path: Path) -> None:
    def labels(*values: float) -> list[str]:
        optimizer = {"name": "sgd", "lr": {"grid": list(values)}}
        runs = make_runs(tmp_path, optimizer=optimizer)
        return list(short_labels([run.setting for run in runs]).values())

    assert labels(0.0316227766017, 1.0) == ["sgd lr=0.03162", "sgd lr=1"]
    assert labels(0.0316227766, 0.0316227767) == ["sgd lr=0.0316227766", "sgd lr=0.0316227767"]


@pytest.mark.parametrize("name", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_a_log_gets_no_control_characters_whatever_the_environment_asks(
    run: Run, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    assert "\x1b" not in shown(story(run), io.StringIO())


def test_a_dumb_terminal_gets_plain_lines(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in shown(story(run), Terminal())


@pytest.mark.parametrize(("columns", "said"), [(60, "loss 0.360"), (40, "1/5")])
def test_a_narrow_terminal_has_the_run_its_epoch_and_the_time_left(
    run: Run, columns: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    stream, clock = Terminal(), Clock()
    with make_progress(stream, [run], clock=clock) as progress:
        for event in story(run)[:4]:
            clock.now += 1
            progress.show(event)
        (line,) = [line for line in stream.screen if line.startswith("  adam")]
    assert "s0" in line
    assert said in line
    assert line.endswith(" left")
    assert len(line) <= columns


def test_more_runs_in_training_than_lines_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINES", "7")
    monkeypatch.setenv("TERM", "xterm")
    runs = make_runs(tmp_path, seeds=9)
    stream, clock = Terminal(), Clock()
    with make_progress(stream, runs, clock=clock) as progress:
        for run in runs:
            clock.now += 1
            progress.show(started(run, cohort=9))
        drawn = stream.screen[3:]
    assert [line.split()[2] for line in drawn[:3]] == ["s0", "s1", "s2"]
    assert drawn[3] == "  and 6 more"
    assert len(drawn) == 5


def test_what_was_in_training_when_it_was_stopped_is_left_behind(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    stop_after(make_progress(stream, [run], clock=Clock()), story(run)[:4])
    assert stream.screen[3].endswith("stopped")
    assert "1/5" in stream.screen[3]
