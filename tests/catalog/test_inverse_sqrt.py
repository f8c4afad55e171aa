from __future__ import annotations

import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR

from optbench.catalog.inverse_sqrt import InverseSqrt


def optimizer() -> SGD:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (0.5, 2.0)]
    return SGD(groups, lr=1.0)


def test_it_divides_by_the_square_root_of_the_step_as_torchs_own_lambda_would() -> None:
    ours = InverseSqrt(optimizer())
    torchs = LambdaLR(optimizer(), lambda step: (step + 1) ** -0.5)
    for _ in range(10):
        assert ours.get_last_lr() == pytest.approx(torchs.get_last_lr(), rel=1e-15)
        for schedule in (ours, torchs):
            schedule.optimizer.step()
            schedule.step()
    assert InverseSqrt(optimizer()).get_last_lr() == [0.5, 2.0]
