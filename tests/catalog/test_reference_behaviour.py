"""What every optimizer of torch does beside its rule, the textbook versions do too."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
import torch
from descent import DESCENTS
from torch.optim.lr_scheduler import CosineAnnealingLR

from optbench.catalog import plugins
from optbench.catalog.reference import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch.optim import Optimizer

every = pytest.mark.parametrize("name", REFERENCE)


def make(name: str, parameters: Sequence[Any], **arguments: Any) -> Optimizer:
    """A textbook version with steps long enough to see."""
    made: Optimizer = plugins.load(REFERENCE[name].target)(parameters, **{"lr": 0.01} | arguments)
    return made


def saved(optimizer: Optimizer) -> bytes:
    buffer = io.BytesIO()
    torch.save(optimizer.state_dict(), buffer)
    return buffer.getvalue()


def parameter(*values: float) -> torch.Tensor:
    return torch.tensor(values, requires_grad=True)


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_its_state_survives_saving_and_loading_to_the_byte(name: str, dtype: torch.dtype) -> None:
    descent = DESCENTS["mlp"]()
    theirs = descent.parameters(dtype)
    straight = make(name, theirs)
    descent.walk(theirs, straight, 15)

    ours = descent.parameters(dtype)
    first = make(name, ours)
    descent.walk(ours, first, 6)
    stored = saved(first)
    second = make(name, ours, lr=123.0)
    second.load_state_dict(torch.load(io.BytesIO(stored), weights_only=True))
    assert saved(second) == stored
    descent.walk(ours, second, 9)  # the batches come in threes: step 7 is like step 1
    assert all(torch.equal(mine, other) for mine, other in zip(ours, theirs, strict=True))
    assert saved(second) == saved(straight)


@every
def test_it_keeps_the_memory_that_its_equations_name(name: str) -> None:
    """Numbers a parameter: none, one velocity or sum, two moments, three with their maximum."""
    theta = parameter(1.0, 2.0, 3.0)
    optimizer = make(name, [theta])
    theta.grad = torch.ones(3)
    optimizer.step()
    tensors = [v for v in optimizer.state[theta].values() if isinstance(v, torch.Tensor)]
    expected = {"gradient_descent": 0, "sgd": 0, "sgdw": 0, "amsgrad": 3}
    expected |= dict.fromkeys(("adam", "adamw", "nadam", "radam", "adamax", "muon"), 2)
    assert sum(tensor.numel() for tensor in tensors) == 3 * expected.get(name.partition(".")[2], 1)


@every
def test_each_group_is_walked_as_if_it_were_alone(name: str) -> None:
    near, far, alone = parameter(1.0, -2.0), parameter(1.0, -2.0), parameter(1.0, -2.0)
    together = make(name, [{"params": [near]}, {"params": [far], "lr": 0.5}])
    single = make(name, [alone], lr=0.5)
    for _ in range(3):
        for theta in (near, far, alone):
            theta.grad = theta.detach().clone()
        together.step()
        single.step()
    assert torch.equal(far, alone)
    assert not torch.equal(near, far)


@every
def test_a_schedule_of_torch_sets_its_learning_rate(name: str) -> None:
    theta, still = parameter(1.0, -2.0), torch.tensor([1.0, -2.0])
    optimizer = make(name, [theta], lr=0.5)
    schedule = CosineAnnealingLR(optimizer, T_max=2)
    for _ in range(2):
        theta.grad = theta.detach().clone()
        optimizer.step()
        schedule.step()
    assert optimizer.param_groups[0]["lr"] == 0
    still.copy_(theta.detach())
    optimizer.state.clear()  # a velocity with the learning rate inside would still move
    theta.grad = torch.ones(2)
    optimizer.step()
    assert torch.equal(theta, still)


@every
def test_a_parameter_without_a_gradient_stays_and_gets_no_state(name: str) -> None:
    frozen, moved = parameter(1.0), parameter(1.0)
    optimizer = make(name, [frozen, moved])
    moved.grad = torch.ones(1)
    optimizer.step()
    assert frozen.item() == 1
    assert frozen not in optimizer.state
    assert moved.item() < 1


@every
def test_a_zero_gradient_from_the_first_step_on_moves_nothing(name: str) -> None:
    theta = parameter(1.0)
    decays = name.endswith(("adamw", "muon"))
    optimizer = make(name, [theta], **({"weight_decay": 0.0} if decays else {}))
    for _ in range(10):
        theta.grad = torch.zeros(1)
        optimizer.step()
    assert theta.item() == 1


@every
def test_nan_in_a_gradient_stays_in_its_coordinate_and_shows(name: str) -> None:
    """As in torch's optimizers, it is neither skipped nor spread."""
    theta, clean = parameter(1.0, 2.0, 3.0), parameter(1.0, 3.0)
    optimizers = make(name, [theta]), make(name, [clean])
    for step in range(3):
        theta.grad = torch.tensor([1.0, torch.nan if step == 0 else 1.0, -1.0])
        clean.grad = torch.tensor([1.0, -1.0])
        for optimizer in optimizers:
            optimizer.step()
    assert torch.isnan(theta[1])
    assert torch.equal(theta[[0, 2]], clean)


@every
def test_a_closure_is_called_once_and_its_loss_given_back(name: str) -> None:
    theta = parameter(3.0)
    optimizer = make(name, [theta])
    calls = []

    def closure() -> float:
        calls.append(theta.item())
        optimizer.zero_grad()
        loss = (theta**2).sum()
        torch.autograd.backward(loss)
        return loss.item()

    assert optimizer.step(closure) == 9
    assert calls == [3]
    assert theta.item() < 3


@every
def test_maximize_climbs_where_it_would_descend(name: str) -> None:
    down, up = parameter(1.0, -2.0), parameter(1.0, -2.0)
    steps = make(name, [down]), make(name, [up], maximize=True)
    for _ in range(5):
        down.grad, up.grad = torch.tensor([1.0, -0.5]), torch.tensor([-1.0, 0.5])
        for optimizer in steps:
            optimizer.step()
    assert torch.equal(down, up)
