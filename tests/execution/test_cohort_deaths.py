"""Unkind code takes one run with it, its own; what dies otherwise: tests/faults."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from experiments import command, write_experiment, write_plugin

if TYPE_CHECKING:
    from pathlib import Path


def results(store: Path) -> dict[str, bytes]:
    """metrics.csv and weights.pt of every run that has ended well."""
    found = [path.parent for path in store.rglob("weights.pt")]
    files = (folder / name for folder in found for name in ("metrics.csv", "weights.pt"))
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in files}


UNKIND = """
import torch

class Base(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        self.steps = 0

    def step(self, closure=None):
        self.steps += 1
        self.act()
        super().step(closure)

class Interrupts(Base):
    def act(self):
        if self.steps == 6:
            raise KeyboardInterrupt

class HasNoState(Base):
    def act(self):
        pass

    def state_dict(self):
        raise RuntimeError("no state")

class KeepsAnything(Base):
    def act(self):
        self.state[self.param_groups[0]["params"][0]]["f"] = lambda: 1

class Rambles(Base):
    def act(self):
        raise ValueError("no end " * 1_000_000)

class Leaves(Base):
    def act(self):
        if self.steps == 2:  # since this process began: it gets no further in another
            import os
            os._exit(0)
"""
SETTLES = """
import torch

class Settles(torch.optim.SGD):
    "Sets what torch has for a whole process."
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)

    def step(self, closure=None):
        super().step(closure)
        torch.set_num_threads(2)
        torch.set_flush_denormal(False)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)

def quiet(outputs, targets):
    return 0.5

def settles(outputs, targets):
    torch.set_default_dtype(torch.float64)
    return 0.5
"""
OTHERS = [{"name": "sgd", "lr": 0.1}, {"name": "adam", "lr": 0.01}]


@pytest.mark.parametrize("name", ["Interrupts", "HasNoState", "KeepsAnything", "Rambles", "Leaves"])
def test_a_run_of_ones_own_code_fails_alone(tmp_path: Path, name: str) -> None:
    write_plugin(tmp_path, UNKIND)
    own = {"name": f"./plugin.py:{name}", "lr": 0.1}
    path = write_experiment(tmp_path, optimizer=[own, *OTHERS])
    outcome = command("run", path, "--runs-dir", tmp_path / "runs", "--json", "--quiet")
    assert outcome.code == 3
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    (failed,) = (line for line in lines if line["status"] == "failed")
    assert [line["status"] for line in lines].count("completed") == len(OTHERS)
    assert failed["config"]["optimizer"]["name"].endswith(name)


def test_what_ones_own_code_sets_for_the_process_changes_no_other_run(tmp_path: Path) -> None:
    write_plugin(tmp_path, SETTLES)
    for store, own in (("calm", []), ("runs", [{"name": "./plugin.py:Settles", "lr": 0.1}])):
        model = [{"name": "mlp", "hidden": [33]}, {"name": "mlp", "hidden": [5]}]
        path = write_experiment(tmp_path, store, optimizer=[*own, *OTHERS], model=model)
        outcome = command("run", path, "--runs-dir", tmp_path / store, "--workers", "1", "--quiet")
        assert outcome.code == 0
    calm, left = results(tmp_path / "calm"), results(tmp_path / "runs")
    assert len(calm) == 2 * 2 * len(OTHERS)
    assert calm.items() <= left.items()


def test_what_a_metric_sets_for_the_process_changes_no_run(tmp_path: Path) -> None:
    write_plugin(tmp_path, SETTLES)
    models = [{"name": "mlp", "hidden": [33]}, {"name": "mlp", "hidden": [5]}]
    found = {}
    for metric in ("quiet", "settles"):
        training = {"epochs": 2, "metrics": [f"./plugin.py:{metric}"]}
        path = write_experiment(tmp_path, metric, model=models, training=training)
        outcome = command("run", path, "--runs-dir", tmp_path / metric, "--workers", "1", "--quiet")
        assert outcome.code == 0
        tables = (path.read_text() for path in (tmp_path / metric).rglob("metrics.csv"))
        found[metric] = {table.replace(f"_{metric}", "") for table in tables}
    assert found["settles"] == found["quiet"]
    assert len(found["quiet"]) == len(models)


HANGS = """
import threading, torch

class Base(torch.optim.SGD):
    steps_done = 0

    def step(self, closure=None):
        self.steps_done += 1
        if self.steps_done == 3:
            self.hang()
        return super().step(closure)

class Loops(Base):
    def hang(self):
        while True:
            pass

class Locks(Base):
    def hang(self):
        lock = threading.Lock()
        while lock.acquire():
            pass
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Loops", pytest.param("Locks", marks=pytest.mark.long)])
def test_a_run_that_hangs_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_plugin(tmp_path, HANGS)
    calm = write_experiment(tmp_path, "calm", optimizer=OTHERS[:1])
    assert command("run", calm, "--runs-dir", tmp_path / "calm", "--quiet").code == 0
    monkeypatch.setenv("OPTBENCH_PATIENCE", "6")
    monkeypatch.setattr("optbench.execution.pool.LOOK", 0.5)
    monkeypatch.setattr("optbench.execution.pool.SILENCES", 1)
    own = {"name": f"./plugin.py:{name}", "lr": 0.1}
    path = write_experiment(tmp_path, optimizer=[OTHERS[0], own])
    options = ("--workers", "1", "--json", "--quiet")
    outcome = command("run", path, "--runs-dir", tmp_path / "runs", *options)
    assert outcome.code == 3
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    (failed,) = (line for line in lines if line["status"] != "completed")
    assert failed["config"]["optimizer"]["name"].endswith(name)
    assert failed["reason"].startswith("its process died (it made no progress for ")
    assert results(tmp_path / "runs") == results(tmp_path / "calm")


@pytest.mark.parametrize("patience", ["0", "-1", "nan", "soon"])
def test_a_patience_that_is_no_time_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: str
) -> None:
    monkeypatch.setenv("OPTBENCH_PATIENCE", patience)
    path = write_experiment(tmp_path, seeds=2)
    outcome = command("run", path, "--runs-dir", tmp_path / "runs", "--workers", "2")
    assert outcome.code == 2
    assert f"OPTBENCH_PATIENCE must be seconds, greater than 0, got '{patience}'" in outcome.err
