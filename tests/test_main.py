"""The error boundary: every way out is an exit code, and a bug leaves a log."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pytest
from experiments import Child, command, run_module, signal_at, write_experiment
from progress_events import Terminal
from stored_runs import make_rows, write_run

import optbench
from optbench import execution
from optbench.errors import UsageError
from optbench.terminal import complain

ROOT = Path(execution.__file__).parents[2]


def test_an_unexpected_error_ends_with_70_and_a_log_to_attach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall_over(*_: object, **__: object) -> None:
        raise ZeroDivisionError("it fell\nover")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("optbench.commands.compare.scan", fall_over)
    outcome = command("compare", tmp_path)
    assert (outcome.code, outcome.out) == (70, "")
    (line,) = outcome.err.splitlines()
    assert "ZeroDivisionError: it fell" in line
    (log,) = tmp_path.glob("*.log")
    assert str(log) in line
    text = log.read_text()
    assert f"optbench compare {tmp_path}" in text
    assert "Traceback" in text
    assert "it fell\nover" in text


def test_a_signal_while_a_class_is_made_is_no_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Named:
        def __set_name__(self, owner: type, name: str) -> None:
            signal.raise_signal(signal.SIGTERM)

    def make(*_: object, **__: object) -> None:
        type("Made", (), {"named": Named()})

    monkeypatch.setattr("optbench.commands.compare.scan", make)
    outcome = command("compare", tmp_path)
    assert (outcome.code, outcome.out, outcome.err) == (143, "", "")


def test_the_module_is_the_command(tmp_path: Path) -> None:
    outcome = run_module("--version", cwd=tmp_path)
    assert outcome.code == 0
    assert outcome.out == f"optbench {version('optbench')}\n"


def test_an_unknown_command_ends_with_2() -> None:
    outcome = command("trian")
    assert (outcome.code, outcome.out) == (2, "")
    assert "trian" in outcome.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--metric", "accuracy"], "--metric must be one of"),
        (["--reference", "adamm"], "--reference 'adamm' is no run's optimizer or setting; did"),
        (["--target", "95"], "--target of an accuracy must be between 0 and 1, got 95; did"),
        (["--margin", "0"], "--margin must be a finite number above 0, got 0"),
        (["--by", "seed"], "--by must be one of optimizer, setting, got 'seed'"),
        (["--format", "xml"], "--format must be one of table, markdown, csv, json"),
    ],
)
def test_a_value_that_an_option_does_not_take_is_told_by_the_options_name(
    tmp_path: Path, words: list[str], told: str
) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]))
    outcome = command("compare", tmp_path, *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(told)


def test_a_call_is_told_its_arguments_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        optbench.run(tmp_path / "x.yaml", workers=0)
    assert str(caught.value) == "workers must be 1 or more, got 0"
    assert str(copy.copy(caught.value)) == str(caught.value)  # as from another process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130)])
def test_a_signal_before_training_ends_with_its_exit_code(
    tmp_path: Path, number: int, code: int
) -> None:
    path = write_experiment(tmp_path)
    planning = partial(signal_at, "optbench.execution.study:make_plan", 1, number)
    with Child("run", path, cwd=tmp_path, prepare=planning) as process:
        assert process.wait() == code
    assert not list(tmp_path.glob("runs/*/*"))


@pytest.mark.parametrize("arguments", [("list", "optimizers"), ("--help",)], ids=" ".join)
def test_a_reader_that_has_had_enough_is_no_error(arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [sys.executable, "-m", "optbench", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(writer)
    assert process.stderr == ""
    assert process.returncode in (0, 1, 141)


def test_a_terminal_that_lacks_a_character_still_gets_its_text(tmp_path: Path) -> None:
    outcome = run_module(
        "list", "optimizers", cwd=tmp_path, environment={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert "adam" in outcome.out


def test_in_a_terminal_a_long_error_is_wrapped_and_a_files_line_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("COLUMNS", "60")
    source = f"  3 │ optimizer: {'x' * 70}"
    complain(f"a.yaml:3: {'many words ' * 8}\n{source}\n  {'a remedy ' * 9}")
    lines = stream.getvalue().splitlines()
    assert source in lines
    assert all(len(line) <= 60 for line in lines if line != source)
    assert lines[-1].startswith("    ")
