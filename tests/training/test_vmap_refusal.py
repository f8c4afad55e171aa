from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from optbench.training.vmap_refusal import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES = 3


def refused(model: nn.Module, *shape: int) -> str | None:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(12, *(shape or (4,)), generator=generator)
    targets = torch.randint(CLASSES, (12,), generator=generator)
    return refusal(model.train(), functional.cross_entropy, (inputs, targets))


class Changed(nn.Module):
    """A linear layer whose outputs a function of the module itself changes."""

    def __init__(self, change: Callable[[Changed, Tensor], Tensor]) -> None:
        super().__init__()
        self.layer = nn.Linear(4, CLASSES)
        self.change = change
        self.calls = 0
        self.seen: Tensor | None = None
        self.average: Tensor
        self.register_buffer("average", torch.zeros(CLASSES))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.change(self, self.layer(inputs))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru, self.head = nn.GRU(4, 5, batch_first=True), nn.Linear(5, CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.gru(inputs)[0][:, -1])
        return outputs


class OfWords(nn.Module):
    def __init__(self, table: nn.Module) -> None:
        super().__init__()
        self.table, self.head = table, nn.Linear(5, CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.table((inputs > 0).long()).mean(1))
        return outputs


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (nn.Sequential(nn.Linear(4, 5), nn.Dropout(0.0), nn.GELU(), nn.Linear(5, CLASSES)), (4,)),
        (nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, CLASSES)), (4,)),
        (
            nn.Sequential(
                nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2),
                nn.GroupNorm(2, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, CLASSES),
            ),
            (1, 6, 6),
        ),
        (OfWords(nn.Embedding(2, 5)), (4,)),
        (Changed(lambda _, outputs: outputs.tanh()), (4,)),
    ],
)  # fmt: skip
def test_nothing_is_said_against_what_trains_alike_in_a_stack(
    model: nn.Module, shape: tuple[int, ...]
) -> None:
    assert refused(model, *shape) is None


def keep(model: Changed, outputs: Tensor) -> Tensor:
    model.seen = outputs
    return outputs


def count(model: Changed, outputs: Tensor) -> Tensor:
    model.calls += 1
    return outputs / model.calls


def average(model: Changed, outputs: Tensor) -> Tensor:
    if model.training:
        model.average = 0.9 * model.average + outputs.detach().mean(0)
    return outputs - model.average


def look(_: Changed, outputs: Tensor) -> Tensor:
    return outputs if outputs.sum() > 0 else -outputs


def by_number(_: Changed, outputs: Tensor) -> Tensor:
    return outputs * float(outputs.abs().max())


def attend(_: Changed, outputs: Tensor) -> Tensor:
    rows = outputs.unsqueeze(1)
    return functional.scaled_dot_product_attention(rows, rows, rows).squeeze(1)


def reseed(_: Changed, outputs: Tensor) -> Tensor:
    torch.manual_seed(3)
    return outputs


RANDOM = "it draws random numbers"
LOOKS = "its code looks at the values of a batch"
KEEPS = "it keeps values from batch to batch outside its buffers"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _, outputs: outputs * torch.rand(CLASSES), RANDOM),
        (lambda _, outputs: functional.dropout(outputs, 0.5), RANDOM),
        (lambda _, outputs: functional.dropout(outputs, 0.5, not _.training), RANDOM),
        (lambda _, outputs: outputs * random.random(), RANDOM),
        (lambda _, outputs: outputs * np.random.rand(), RANDOM),
        (reseed, RANDOM),
        (look, LOOKS),
        (by_number, LOOKS),
        (keep, KEEPS),
        (count, KEEPS),
        (average, "it gives other numbers when stacked"),
        (attend, "torch has no batching rule for _scaled_dot_product_flash_attention_for_cpu"),
    ],
)
def test_code_of_ones_own_is_refused_for_what_it_does(
    change: Callable[[Changed, Tensor], Tensor], reason: str
) -> None:
    assert refused(Changed(change)) == reason


@pytest.mark.parametrize(
    ("model", "shape", "reason"),
    [
        (
            nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1), nn.Linear(4, CLASSES)),
            (4,),
            "its Dropout layers draw random numbers",
        ),
        (
            nn.Sequential(nn.Dropout2d(0.1), nn.Flatten(), nn.Linear(4, CLASSES)),
            (1, 2, 2),
            "its Dropout2d layers draw random numbers",
        ),
        (Recurrent(), (5, 4), "its GRU layers have no batching rule"),
        (
            OfWords(nn.Embedding(2, 5, sparse=True)),
            (4,),
            "its Embedding layers have sparse gradients",
        ),
        (
            OfWords(nn.Embedding(2, 5, max_norm=1.0)),
            (4,),
            "torch has no batching rule for embedding_renorm_",
        ),
        (nn.Sequential(nn.RReLU(), nn.Linear(4, CLASSES)), (4,),
         "torch has no batching rule for rrelu"),
        (nn.Sequential(nn.Linear(4, CLASSES), nn.BatchNorm1d(CLASSES, momentum=None)), (4,), LOOKS),
    ],
)  # fmt: skip
def test_layers_of_torch_are_refused_for_what_they_are(
    model: nn.Module, shape: tuple[int, ...], reason: str
) -> None:
    assert refused(model, *shape) == reason


def test_a_tensor_that_is_neither_parameter_nor_buffer_could_differ_between_runs() -> None:
    model = Changed(lambda _, outputs: outputs)
    model.seen = torch.rand(CLASSES)
    assert refused(model) == "its Changed keeps a tensor that is neither parameter nor buffer"


def test_what_torch_says_is_told_where_it_is_not_known() -> None:
    def fail(_: Changed, outputs: Tensor) -> Tensor:
        raise ValueError("not on a Sunday, " + "never " * 20)

    reason = refused(Changed(fail))
    assert reason is not None
    assert reason.startswith("vmap refuses it: not on a Sunday, never never")
    assert reason.endswith("…")


@pytest.mark.parametrize(
    "change",
    [
        lambda _, outputs: outputs,
        lambda _, outputs: outputs * random.random() * np.random.rand(),
        lambda _, outputs: functional.dropout(outputs, 0.5),
        reseed,
        average,
        count,
    ],
)
def test_a_trial_leaves_no_trace(change: Callable[[Changed, Tensor], Tensor]) -> None:
    model = Changed(change)
    before = copy.deepcopy(model.state_dict())
    states = torch.get_rng_state(), random.getstate(), repr(np.random.get_state())
    refused(model)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.calls == 0
    assert model.training
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (random.getstate(), repr(np.random.get_state())) == states[1:]
