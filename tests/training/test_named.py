"""Own code whose exceptions can't even say what they are is blamed at its line all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from experiments import command, refusal, write_experiment, write_plugin

if TYPE_CHECKING:
    from pathlib import Path

MUTE = """
import torch


class Mute(Exception):
    def __str__(self):
        raise TypeError("no words")


def data():
    raise Mute


def loss(outputs, targets):
    raise Mute


class Never(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        raise Mute


class Stops(torch.optim.SGD):
    def step(self, closure=None):
        raise Mute


class Shapeless(torch.nn.Linear):
    def forward(self, inputs):
        raise Mute


class Net(torch.nn.Module):
    def __init__(self):
        raise Mute
"""


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"optimizer": "./plugin.py:Never"}, "optimizer: Never refuses: Mute"),
        ({"model": "./plugin.py:Net"}, "model: Net refuses: Mute"),
        (
            {"model": {"name": "./plugin.py:Shapeless", "in_features": 6, "out_features": 3}},
            "it doesn't take inputs [1, 6]: Mute",
        ),
        ({"training": {"loss": "./plugin.py:loss"}}, "training.loss: loss refuses: Mute"),
    ],
    ids=["optimizer", "model", "forward", "loss"],
)
def test_a_mute_exception_before_training_is_one_error_at_its_line(
    parts: dict[str, Any], said: str, tmp_path: Path
) -> None:
    write_plugin(tmp_path, MUTE)
    assert said in refusal(tmp_path, **parts)


def test_a_mute_exception_in_a_step_fails_its_run(tmp_path: Path) -> None:
    write_plugin(tmp_path, MUTE)
    path = write_experiment(tmp_path, optimizer="./plugin.py:Stops")
    outcome = command("run", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 3
    assert "failed: Mute" in outcome.err
    assert "no words" not in outcome.err


def test_a_mute_exception_of_data_is_one_error_at_the_line_of_the_code(tmp_path: Path) -> None:
    write_plugin(tmp_path, MUTE)
    path = write_experiment(tmp_path, dataset="./plugin.py:data")
    outcome = command("run", path, "--runs-dir", tmp_path / "runs")
    line = MUTE.splitlines().index("def data():") + 2
    assert outcome.code == 2
    assert outcome.err.startswith(f"data fails: Mute ({tmp_path / 'plugin.py'}, line {line})")
