from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from experiments import command
from stored_runs import ADAM, SGD, write_seeds

from optbench.commands.chart import Chart, asked_chart
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_file_nothing_is_drawn() -> None:
    assert asked_chart(None, None, None, None) is None


def test_the_learning_curves_are_drawn_on_a_log_scale_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    assert asked_chart(path, None, None, None) == Chart(path, "curves", None, log=True)
    assert asked_chart(path, "target", "steps", False) == Chart(path, "target", "steps", log=False)


@pytest.mark.parametrize(
    ("kind", "x", "log", "message"),
    [
        ("seeds", None, None, "--kind is about a picture: name its file with --chart FILE"),
        (None, "steps", None, "--x is about a picture"),
        (None, None, False, "--log or --linear is about a picture"),
    ],
)
def test_an_option_of_a_picture_needs_its_file(
    kind: str | None, x: str | None, log: bool | None, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        asked_chart(None, kind, x, log)


def test_unknown_words_are_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"--kind must be one of curves, .*; did you mean 'curves'"
    ):
        asked_chart(tmp_path / "a.png", "curve", None, None)
    with pytest.raises(UsageError, match=r"--x must be one of steps, epochs, .*; did you mean"):
        asked_chart(tmp_path / "a.png", None, "epoch", None)


def test_what_cant_be_drawn_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    for optimizer in (ADAM, SGD):
        write_seeds(tmp_path / "runs", [0.9, 0.95], optimizer=optimizer)
    for kind, words in (
        ("sensitivity", "no optimizer was run with two learning rates"),
        ("profile", "a profile needs 2 problems"),
        ("tuning", "a tuning curve needs 4 finished settings"),
    ):
        found = command("compare", tmp_path / "runs", "--chart", tmp_path / "a.svg", "--kind", kind)
        assert (found.code, len(found.err.splitlines())) == (2, 1)
        assert words in found.err
    assert not (tmp_path / "a.svg").exists()
