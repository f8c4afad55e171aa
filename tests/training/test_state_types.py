"""A stopped run goes on with its optimizer's state as it was, whatever type that has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from company import alone, assert_ends_as, resumed, stopped, traces
from experiments import make_learner, make_runs, write_plugin
from torch import nn

from optbench.training.state_types import load_exactly

if TYPE_CHECKING:
    from pathlib import Path


def test_state_of_another_type_than_its_parameter_is_loaded_to_the_bit() -> None:
    model = nn.Linear(3, 2).double()
    optimizer = torch.optim.NAdam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    for _ in range(3):
        optimizer.step()
    product = optimizer.state[model.weight]["mu_product"]
    other = torch.optim.NAdam(nn.Linear(3, 2).double().parameters())
    load_exactly(other, optimizer.state_dict())
    loaded = other.state[other.param_groups[0]["params"][0]]["mu_product"]
    assert loaded.dtype == product.dtype == torch.float32
    assert torch.equal(loaded, product)
    assert loaded is not product


OWN = """
from collections import OrderedDict
import torch

class Exact(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                total = state.get("total", torch.zeros_like(parameter, dtype=torch.float64))
                state["total"] = total + parameter.grad.double() / 3
                parameter.grad = (parameter.grad.double() + state["total"]).float()
        super().step(closure)

class Deep(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                if not state:
                    zeros = [torch.zeros_like(parameter, dtype=torch.float64) for _ in range(3)]
                    state |= {"in": OrderedDict(dict=zeros[0]), "list": zeros[1:2]}
                    state["pair"] = (zeros[2], "up")
                state["in"].move_to_end("dict")
                kept = [state["in"]["dict"], state["list"][0], state["pair"][0]]
                for total in kept:
                    total.add_(parameter.grad.double() / 3)
                sign = {"up": 1.0, "down": -1.0}[state["pair"][1]]
                parameter.grad = (parameter.grad.double() + sign * sum(kept)).float()
        super().step(closure)

class Turns(torch.optim.SGD):
    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.dim() == 2:
                    parameter.data = parameter.data.t().contiguous().t()
"""


@pytest.mark.parametrize("name", ["Exact", "Deep", "Turns"])
def test_a_run_of_ones_own_optimizer_goes_on_to_the_same_bytes(tmp_path: Path, name: str) -> None:
    write_plugin(tmp_path, OWN)
    runs = make_runs(
        tmp_path,
        model={"name": "mlp", "hidden": [33]},
        optimizer={"name": f"./plugin.py:{name}", "lr": 0.05},
        training={"epochs": 4, "batch_size": 16},
    )
    sealed = stopped([make_learner(run) for run in runs], 4)
    found = traces([resumed(run, kept) for run, kept in zip(runs, sealed, strict=True)])
    for trace, whole in zip(found, alone(runs), strict=True):
        assert_ends_as(trace, whole)
