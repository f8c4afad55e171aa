from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler

from optbench.catalog.cosine import WarmupCosine


def optimizer(*rates: float) -> SGD:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    return SGD(groups, lr=1.0)


def rates(schedule: LRScheduler, steps: int) -> list[float]:
    """The learning rate that each step of a run uses."""
    used = []
    for _ in range(steps):
        used.append(float(schedule.optimizer.param_groups[0]["lr"]))
        schedule.optimizer.step()
        schedule.step()
    return used


@settings(deadline=None)  # the first call imports
@given(total=st.integers(2, 60), lr=st.floats(1e-6, 10))
def test_without_warmup_it_is_torchs_cosine_over_all_steps(total: int, lr: float) -> None:
    ours = rates(WarmupCosine(optimizer(lr), total), total)
    torchs = rates(CosineAnnealingLR(optimizer(lr), T_max=total - 1), total)
    assert ours == pytest.approx(torchs, rel=1e-9, abs=lr * 1e-12)


@settings(deadline=None)
@given(
    total=st.integers(1, 60),
    warmup=st.floats(0, 0.99),
    final=st.floats(0, 1),
)
def test_it_follows_the_formula(total: int, warmup: float, final: float) -> None:
    w = round(warmup * total)

    def factor(t: int) -> float:
        if t < w:
            return (t + 1) / w
        if total - w == 1:  # one step is left: it is the peak
            return 1.0
        cosine = math.cos(math.pi * (t - w) / (total - w - 1))
        return final + (1 - final) * 0.5 * (1 + cosine)

    used = rates(WarmupCosine(optimizer(0.1), total, warmup, final), total)
    assert used == pytest.approx([0.1 * factor(t) for t in range(total)], rel=1e-9, abs=1e-15)


def test_ten_steps_by_hand() -> None:
    # Two steps up to 1, then a cosine over eight: half-way between steps 5 and 6 it is 0.5.
    used = rates(WarmupCosine(optimizer(1.0), 10, warmup=0.2), 10)
    assert used[:3] == [0.5, 1.0, 1.0]
    assert (used[5] + used[6]) / 2 == pytest.approx(0.5)
    assert used[9] == pytest.approx(0.0, abs=1e-15)


def test_each_group_keeps_its_own_learning_rate() -> None:
    schedule = WarmupCosine(optimizer(1.0, 0.1), 10, warmup=0.2)
    assert schedule.get_last_lr() == [0.5, 0.05]


def test_beyond_its_end_it_stays_at_the_lowest() -> None:
    used = rates(WarmupCosine(optimizer(1.0), 4, final=0.25), 8)
    assert used[3:] == [0.25] * 5


def test_a_state_that_is_loaded_goes_on_where_it_was() -> None:
    whole = rates(WarmupCosine(optimizer(1.0), 10, warmup=0.3), 10)
    first = WarmupCosine(optimizer(1.0), 10, warmup=0.3)
    assert rates(first, 4) == whole[:4]
    second = WarmupCosine(optimizer(1.0), 10, warmup=0.3)
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.load_state_dict(first.state_dict())
    assert rates(second, 6) == whole[4:]
