"""A command that trains in its own process says when nothing goes on there."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from experiments import DEADLINE, write_experiment

from optbench.execution.study import run
from optbench.training.part import Part

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_step_that_does_not_end_is_said_to_whoever_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    heard = threading.Event()
    step = Part.step

    def stuck(self: Part, *arguments: Any, **named: Any) -> None:
        assert heard.wait(DEADLINE)
        step(self, *arguments, **named)

    def announce(text: str) -> None:
        said.append(text)
        heard.set()

    monkeypatch.setattr("optbench.execution.watchdog.LOOK", 0.01)
    monkeypatch.setenv("OPTBENCH_PATIENCE", "0.05")
    monkeypatch.setattr(Part, "step", stuck)
    (stored,) = run(write_experiment(tmp_path), runs_dir=tmp_path / "runs", announce=announce)
    assert stored.status == "completed"
    assert said[0].startswith("Nothing has happened for ")


def test_a_run_that_goes_on_is_left_in_peace_and_no_thread_stays(tmp_path: Path) -> None:
    before = threading.active_count()
    said: list[str] = []
    run(write_experiment(tmp_path), runs_dir=tmp_path / "runs", announce=said.append)
    assert not said
    assert threading.active_count() == before
