"""`optbench check`: exit codes, what it prints, and that it can be stopped."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import psutil
from experiments import command, write_plugin

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MINE = """
import torch

class Mine(torch.optim.SGD):
    pass

class Still(torch.optim.SGD):
    def step(self, closure=None):
        print("never shown")

class Hangs(torch.optim.SGD):
    def step(self, closure=None):
        while True:
            pass
"""


def test_a_class_of_ones_own_is_checked_and_0_says_that_it_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plugin(tmp_path, MINE)
    monkeypatch.chdir(tmp_path)
    outcome = command("check", "./plugin.py:Mine", "--set", "lr=0.1", "--set", "momentum=0.5")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("./plugin.py:Mine · lr=0.1 momentum=0.5\n\n  works ")
    assert outcome.out.endswith("Mine can be used: it constructs, learns, resumes and repeats.\n")


def test_1_says_that_one_of_several_cant_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plugin(tmp_path, MINE)
    monkeypatch.chdir(tmp_path)
    outcome = command("check", "./plugin.py:Still", "sgd", "--format", "json")
    assert (outcome.code, outcome.err) == (1, "")
    rows = json.loads(outcome.out)["rows"]
    verdicts = {row["optimizer"]: row["verdict"] for row in rows if row["check"] == "learns"}
    assert verdicts == {"./plugin.py:Still": "fails", "sgd": "works"}


def test_2_says_that_names_lead_nowhere_all_at_once() -> None:
    outcome = command("check", "adamm", "torch.optim:SDG", "adam")
    assert (outcome.code, outcome.out) == (2, "")
    assert "unknown optimizer 'adamm'\n  did you mean 'adam'?" in outcome.err
    assert "did you mean 'SGD'?" in outcome.err


def test_ctrl_c_ends_it_and_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_plugin(tmp_path, MINE)
    monkeypatch.chdir(tmp_path)

    before = psutil.Process().children()  # other tests may have left some

    def interrupt() -> None:
        while psutil.Process().children() == before:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    assert command("check", "./plugin.py:Hangs").code == 130
    assert psutil.Process().children() == before
