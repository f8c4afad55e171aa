"""`optbench check`: exit codes, what it prints, and that it can be stopped."""

from __future__ import annotations

import json
import os
import signal
import threading
from typing import TYPE_CHECKING

import psutil
import pytest
from experiments import command, write_plugin

if TYPE_CHECKING:
    from pathlib import Path


MINE = """
import torch

class Mine(torch.optim.SGD):
    pass

class Still(torch.optim.SGD):
    def step(self, closure=None):
        print("never shown")

class Hangs(torch.optim.SGD):
    def step(self, closure=None):
        open("begun", "w").close()
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

    os.mkfifo("begun")

    def interrupt() -> None:
        (tmp_path / "begun").read_text()  # waits for who writes
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    assert command("check", "./plugin.py:Hangs").code == 130
    assert psutil.Process().children() == before


FORKS = """
import os, torch

class Forks(torch.optim.SGD):
    def step(self, closure=None):
        if not os.fork():
            os.execvp("sleep", ["sleep", "1000"])
        super().step(closure)

class Returns(torch.optim.SGD):
    def step(self, closure=None):
        if getattr(self, "once", True):
            self.once = False
            os.fork()
        super().step(closure)
"""


@pytest.mark.parametrize("name", ["Forks", "Returns"])
def test_what_an_optimizer_forks_ends_with_its_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_plugin(tmp_path, FORKS)
    monkeypatch.chdir(tmp_path)
    outcome = command("check", f"./plugin.py:{name}", "--limit", "20", "--format", "json")
    assert outcome.code in (0, 1), outcome.err
    json.loads(outcome.out)
    # What it forked stays in this folder; one that was killed may be about to end.
    here = [one for one in psutil.process_iter() if _folder(one) == str(tmp_path)]
    _, left = psutil.wait_procs([one for one in here if one.pid != os.getpid()], timeout=10)
    assert left == []


def _folder(process: psutil.Process) -> str | None:
    try:
        return process.cwd()
    except psutil.Error:  # another's, or gone
        return None


LEAVES = """
import os, torch

class Late(torch.optim.SGD):
    steps = 0
    def step(self, closure=None):
        Late.steps += 1
        if Late.steps > 21:
            os._exit(0)
        super().step(closure)

class Early(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        os._exit(0)
"""


@pytest.mark.parametrize("name", ["Late", "Early"])
def test_one_that_ends_its_process_in_peace_has_failed_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_plugin(tmp_path, LEAVES)
    monkeypatch.chdir(tmp_path)
    outcome = command("check", f"./plugin.py:{name}", "--format", "json")
    assert outcome.code == 1, outcome.err
    assert "it ended its process" in outcome.out
