"""An optimizer of one's own that fails, leaves Python or is edited harms no run but its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from experiments import TINY, command, only_directory, status_of, write_experiment, write_plugin

from optbench.errors import ConfigError
from optbench.execution.study import Options, load_experiments, plan_runs, train_plan
from optbench.training.events import Started

if TYPE_CHECKING:
    from pathlib import Path

FAILS = """
import torch

class Fails(torch.optim.SGD):
    def __init__(self, params, lr=0.01, at=6):
        super().__init__(params, lr)
        self.left = at

    def step(self, closure=None):
        self.left -= 1
        if not self.left:
            raise ValueError("out of\\nluck")
        super().step(closure)
"""


def test_a_plugin_that_fails_is_stored_as_failed_and_the_others_train(tmp_path: Path) -> None:
    write_plugin(tmp_path, FAILS)
    training = TINY["training"] | {"evaluate_every": {"steps": 3}}
    items = [{"name": "./plugin.py:Fails", "lr": 0.01}, TINY["optimizer"]]
    path = write_experiment(tmp_path, optimizer=items, training=training)
    outcome = command("run", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 3
    statuses = {
        p.parent.name[:5]: status_of(p.parent) for p in tmp_path.glob("runs/*/*/result.json")
    }
    assert statuses == {"fails": "failed", "adam-": "completed"}
    (failed,) = tmp_path.glob("runs/tiny/fails*")
    assert json.loads((failed / "result.json").read_bytes())["reason"] == "ValueError: out of"
    log = (failed / "log.txt").read_text()
    assert "Traceback (most recent call last)" in log
    assert 'raise ValueError("out of\\nluck")' in log
    assert str(failed / "log.txt") in outcome.err
    assert (failed / "metrics.csv").read_text().count("\n") == 1 + 2  # steps 0 and 3


def test_a_failed_run_is_trained_again_once_it_is_mended(tmp_path: Path) -> None:
    # The plug-in looks at a file, so that mending it leaves the run's hash.
    write_plugin(
        tmp_path,
        FAILS.replace(
            "if not self.left", f"if Path({str(tmp_path)!r}, 'broken').exists() and not self.left"
        ).replace("import torch", "import torch\nfrom pathlib import Path", 1),
    )
    (tmp_path / "broken").touch()
    path = write_experiment(tmp_path, optimizer={"name": "./plugin.py:Fails"})
    assert command("run", path, "--runs-dir", tmp_path / "runs").code == 3
    (tmp_path / "broken").unlink()
    assert command("run", path, "--runs-dir", tmp_path / "runs").code == 0
    assert status_of(only_directory(tmp_path / "runs")) == "completed"


SLOW_STEP = """
import torch

class Optimizer(torch.optim.SGD):
    FACTOR = 1.0

    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad.mul_(self.FACTOR)
        return super().step(closure)
"""


def test_a_study_goes_on_with_the_plugin_that_its_runs_are_hashed_by(tmp_path: Path) -> None:
    write_plugin(tmp_path, SLOW_STEP)
    optimizer = {"name": "./plugin.py:Optimizer", "lr": 0.1}
    path = write_experiment(tmp_path, optimizer=optimizer, seeds=2)
    options = Options(runs_dir=tmp_path / "runs")
    plan = plan_runs(load_experiments([path], options), options, lambda _: None)
    for event in train_plan(plan, options):
        if isinstance(event, Started):
            write_plugin(tmp_path, SLOW_STEP.replace("1.0", "0.0"))
    losses = [
        json.loads((p.directory / "result.json").read_text())["last"]["train_loss"]
        for p in plan.runs
    ]
    write_plugin(tmp_path, SLOW_STEP)
    alone = command("run", path, "--runs-dir", tmp_path / "alone", "--json", "--quiet")
    assert losses == [json.loads(line)["last"]["train_loss"] for line in alone.out.splitlines()]


def test_a_plugin_that_changes_before_it_is_imported_is_refused(tmp_path: Path) -> None:
    write_plugin(tmp_path, SLOW_STEP + "# another version\n")
    path = write_experiment(tmp_path, optimizer={"name": "./plugin.py:Optimizer", "lr": 0.1})
    options = Options(runs_dir=tmp_path / "runs")
    plan = plan_runs(load_experiments([path], options), options, lambda _: None)
    write_plugin(tmp_path, SLOW_STEP + "# yet another version\n")
    with pytest.raises(ConfigError, match="was changed while this command ran"):
        list(train_plan(plan, options))


@pytest.mark.parametrize("place", ["", "    def __init__(self, *a, **k):\n        exit()\n"])
def test_a_plugin_that_leaves_python_is_refused(tmp_path: Path, place: str) -> None:
    source = f"import torch\nclass Optimizer(torch.optim.SGD):\n    pass\n{place}"
    write_plugin(tmp_path, source if place else source + "raise SystemExit(0)\n")
    path = write_experiment(tmp_path, optimizer={"name": "./plugin.py:Optimizer", "lr": 0.1})
    outcome = command("run", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 2
    assert "SystemExit" in outcome.err


def test_a_plugin_that_leaves_python_while_training_fails_its_run(tmp_path: Path) -> None:
    source = "def step(self, closure=None):\n        raise SystemExit(0)"
    write_plugin(tmp_path, f"import torch\nclass Optimizer(torch.optim.SGD):\n    {source}\n")
    path = write_experiment(tmp_path, optimizer={"name": "./plugin.py:Optimizer", "lr": 0.1})
    assert command("run", path, "--runs-dir", tmp_path / "runs").code == 3
    assert status_of(only_directory(tmp_path / "runs")) == "failed"
