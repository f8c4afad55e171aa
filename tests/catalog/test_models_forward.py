from __future__ import annotations

import pytest
import torch
from torch import nn

from optbench.catalog.datasets.task import Task
from optbench.catalog.models.forward import check_forward
from optbench.errors import UsageError


class Pair(nn.Linear):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return (super().forward(inputs),) * 2  # type: ignore[return-value]


def test_a_model_that_fits_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(12), nn.Linear(12, 3))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    check_forward(model, Task((3, 4), 3))
    assert model.training
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
    check_forward(model.eval(), Task((3, 4), 3))
    assert not model.training


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (nn.Linear(4, 1000), r"inputs \[1, 4\] to outputs \[1, 1000\]; the data's 3 .* \[1, 3\]"),
        (nn.Sequential(nn.Linear(4, 3), nn.Unflatten(1, (3, 1))), r"outputs \[1, 3, 1\]"),
        (nn.Linear(5, 3), r"doesn't take inputs \[1, 4\]: RuntimeError: .*1x4 and 5x3"),
        (Pair(4, 3), "must return a tensor, not a tuple"),
    ],
)
def test_a_model_that_does_not_fit_is_told_both_shapes(model: nn.Module, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        check_forward(model, Task((4,), 3))
