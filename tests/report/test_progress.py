from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from experiments import make_runs
from stored_runs import make_rows, result_document

from optbench.report.progress import make_progress, short_labels
from optbench.store.result import parse_result
from optbench.training.events import Advanced, Ended, Event, Started
from optbench.training.records import Evaluation, Step

if TYPE_CHECKING:
    from optbench.config.spec import Run


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (found,) = make_runs(tmp_path, optimizer={"name": "adam", "lr": 0.001})
    return found


def started(run: Run, **changes: Any) -> Started:
    event = Started(
        run=run,
        problem="mnist · mlp 784-128-10 · cross entropy",
        data="60,000 train, 10,000 test",
        device="cpu",
        steps=0,
        total=4690,
        epochs=5,
        batch_size=64,
    )
    return dataclasses.replace(event, **changes)


def ended(run: Run, **changes: Any) -> Ended:
    document = result_document(make_rows([0.1, 0.9]), **changes)
    return Ended(run, Path("runs/a"), parse_result(json.dumps(document).encode(), ""))


def story(run: Run) -> list[Event]:
    """Row 0, an epoch of 938 steps with a sign of life in it, and the end."""
    first, second = make_rows([0.1, 0.9], train_loss=[2.3, 0.36])
    return [
        started(run),
        Advanced(run, Evaluation(0, first, 0.0, 0.1)),
        Advanced(run, Step(0, 50, 1.5)),
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
    end = ended(run, status=status, reason="train loss became nan at step 12")
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
    text = shown([started(run), ended(run, status="failed", reason=reason)], stream())
    assert reason in text


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_reason_cant_steer_the_terminal(run: Run, stream: type[io.StringIO]) -> None:
    text = shown([started(run), ended(run, status="failed", reason="\x1b[2Jboo")], stream())
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


def test_of_many_runs_each_has_one_line_where_nothing_can_be_redrawn(run: Run) -> None:
    stream = io.StringIO()
    with make_progress(stream, [run] * 21, quiet=False) as progress:
        for event in story(run):
            progress.show(event)
    (line,) = [line for line in stream.getvalue().splitlines() if " s0 " in line]
    assert line.endswith("done 6.1 s")
