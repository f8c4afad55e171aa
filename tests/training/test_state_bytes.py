"""The memory of an optimizer's state, counted by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from experiments import make_learner, make_runs, train_all

from optbench.training.records import End
from optbench.training.state_bytes import state_bytes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [
        ({"name": "adam"}, 2),  # first and second moments, in float32
        ({"name": "amsgrad"}, 3),  # and the largest second moments
        ({"name": "sgd"}, 0),
        ({"name": "momentum"}, 1),
    ],
)
def test_the_optimizers_memory_is_counted(
    tmp_path: Path, optimizer: dict[str, Any], slots: int
) -> None:
    (run,) = make_runs(tmp_path, optimizer={**optimizer, "lr": 0.01})
    learner = make_learner(run)
    end = train_all(learner)[-1]
    assert isinstance(end, End)
    assert learner.size == 6 * 5 + 5 + 5 * 3 + 3
    counters = 4 * 4 if slots > 1 else 0  # Adam also counts steps, a float32 for each of 4 tensors
    expected = (4 * slots * learner.size + counters) / learner.size
    assert end.state_bytes_per_parameter == pytest.approx(expected, rel=1e-12)


def test_tensors_are_counted_however_deep_they_lie() -> None:
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([parameter])
    halves = [torch.zeros(2, dtype=torch.float16), (torch.zeros(5, dtype=torch.float64), "text")]
    optimizer.state[parameter] = {"step": 7, "kept": {"deep": halves}}
    assert state_bytes(optimizer) == 2 * 2 + 5 * 8
