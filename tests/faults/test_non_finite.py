"""Losses that are no numbers: `diverged`, told so in strict JSON, and never ahead."""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from experiments import command, write_experiment, write_plugin

from faults.counts import times
from faults.sabotage import Sabotage
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.injections import Injection

pytestmark = pytest.mark.faults

EPOCHS = 5
TRAINING = {"epochs": EPOCHS, "batch_size": 16}
POISON = """
import torch

class Poison(torch.optim.SGD):
    def __init__(self, params, lr=0.1, epoch=1, value="nan"):
        super().__init__(params, lr)
        self.left, self.value = 4 * (epoch - 1) + 1, float(value)

    def step(self, closure=None):
        super().step(closure)
        self.left -= 1
        if not self.left:
            with torch.no_grad():
                self.param_groups[0]["params"][0].fill_(self.value)
"""


def refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def strict(text: str | bytes) -> Any:
    return json.loads(text, parse_constant=refuse)


def assert_never_ahead(store: Path, diverged: int) -> None:
    """So many settings diverged; a comparison has them behind all others."""
    stored = [run for run in scan(store).runs if run.status == "diverged"]
    assert len(stored) == diverged
    for run in stored:
        told = strict((run.path / "result.json").read_bytes())
        assert "became" in told["reason"]
        numbers = [*(told["last"] or {}).values(), *(told["best"] or {}).values()]
        assert all(math.isfinite(number) for number in numbers if number is not None)
        assert all(math.isfinite(row["test_loss"] or 0) for row in run.rows)
    for metric in ("test_accuracy", "test_loss", "train_loss"):
        outcome = command("compare", store, "--format", "json", "--metric", metric)
        (problem,) = strict(outcome.out)["problems"]
        lost = [setting["diverged"] > 0 for setting in problem["settings"]]
        assert lost == sorted(lost)
        leading = [setting for setting in problem["settings"] if setting["leads"]]
        finite = {setting["optimizer"] for setting in problem["settings"] if setting["completed"]}
        assert not any(one["diverged"] for one in leading if one["optimizer"] in finite)


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop"])
def test_a_learning_rate_without_bounds_diverges_and_is_never_ahead(
    tmp_path: Path, name: str, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("non-finite", "a learning rate of 1e30, as first and as last of the settings")
    wild = {"name": name, "lr": 1e30}
    tame = [{"name": other, "lr": 0.01} for other in ("adagrad", "adamw", name)]
    for order, items in enumerate(([wild, *tame], [*tame, wild])):
        store = tmp_path / str(order)
        path = write_experiment(tmp_path, optimizer=items, training=TRAINING)
        with fault.holds():
            assert command("run", path, "--runs-dir", store, "--quiet").code == 0
            assert_never_ahead(store, diverged=1)


@pytest.mark.slow
def test_a_value_that_is_no_number_diverges_in_its_epoch(
    tmp_path: Path, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("non-finite", "NaN or ±Inf among the weights, in each of five epochs")
    write_plugin(tmp_path, POISON)
    kinds = [*itertools.product(range(1, EPOCHS + 1), ("nan", "inf", "-inf"))]
    chosen = kinds[:: len(kinds) // max(times(len(kinds)), 2)]
    poisoned = [
        {"name": "./plugin.py:Poison", "lr": 0.1, "epoch": epoch, "value": value}
        for epoch, value in [*chosen, (EPOCHS + 1, "nan")]  # the last one is never poisoned
    ]
    path = write_experiment(
        tmp_path, optimizer=[*poisoned, {"name": "sgd", "lr": 0.1}], training=TRAINING
    )
    outcome = command("run", path, "--runs-dir", tmp_path / "runs", "--quiet", "--json")
    assert outcome.code == 0, outcome.err
    told = [strict(line) for line in outcome.out.splitlines()]
    for line in told:
        if line["status"] == "diverged":
            with fault.holds():
                epoch = line["config"]["optimizer"]["epoch"]
                assert line["last"]["epoch"] == epoch - 1
    with fault.holds(0):
        assert_never_ahead(tmp_path / "runs", diverged=len(chosen))


SABOTAGE = (
    Sabotage(
        "non-finite",
        "saying `diverged`",
        "optbench/training/loop.py",
        '"diverged" if learner.diverged else "completed"',
        '"completed"',
        "test_a_learning_rate_without_bounds_diverges_and_is_never_ahead",
    ),
)
