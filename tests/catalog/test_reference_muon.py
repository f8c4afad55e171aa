"""Matrices go Muon's way, everything else AdamW's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from descent import DESCENTS
from torch import Tensor, nn

from optbench.catalog.reference.muon import Muon, newton_schulz

DECAY: dict[str, Any] = {"lr": 0.01, "weight_decay": 0.1}


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(8, 8), (3, 7), (7, 3), (1, 5), (64, 10)])
def test_newton_and_schulz_bring_all_singular_values_near_one(shape: tuple[int, int]) -> None:
    """Jordan et al. 2024: between 0.7 and 1.2, except near 0; bfloat16 adds a percent."""
    u, _, v = torch.linalg.svd(drawn(*shape), full_matrices=False)
    spread = torch.linspace(0.1, 1, len(v))
    found = newton_schulz(u * spread @ v, 5)
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.65
    assert values.max() < 1.25
    # The singular vectors stay: in their own coordinates the result is nearly diagonal.
    inside = u.T @ found @ v.T
    assert (inside - torch.diag(inside.diagonal())).abs().max() < 0.05


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-3)])
@pytest.mark.parametrize("adjust", ["original", "match_rms_adamw"])
@pytest.mark.parametrize("changes", [{}, {"nesterov": False}, {"momentum": 0.5, "ns_steps": 3}])
def test_matrices_take_torchs_muon_and_the_rest_its_adamw(
    dtype: torch.dtype, tolerance: float, adjust: str, changes: dict[str, Any]
) -> None:
    """A hundred steps on the same gradients, of which torch's and ours round to bfloat16 alike.

    In float32 the last bit of a momentum decides now and then to which side: 2⁻⁸ of a step.
    """
    shapes = [(4, 3), (3, 4), (4,), (1,), (2, 4), (2,)]
    ours, theirs = (
        [drawn(*shape).to(dtype).requires_grad_() for shape in shapes] for _ in range(2)
    )
    arguments: dict[str, Any] = {**DECAY, "adjust_lr_fn": adjust, **changes}
    mine = Muon(ours, **arguments)
    matrices = torch.optim.Muon([p for p in theirs if p.ndim == 2], **arguments)
    rest = torch.optim.AdamW([p for p in theirs if p.ndim < 2], foreach=False, **DECAY)
    draw = torch.Generator().manual_seed(1)
    for _ in range(100):
        for mine_one, their_one in zip(ours, theirs, strict=True):
            gradient = torch.randn(mine_one.shape, generator=draw, dtype=dtype)
            mine_one.grad, their_one.grad = gradient, gradient.clone()
        for optimizer in (mine, matrices, rest):
            optimizer.step()
    for mine_one, their_one in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine_one, their_one, rtol=tolerance, atol=tolerance)


def test_a_group_can_leave_its_matrices_to_adamw() -> None:
    """As Jordan advises for embeddings and the last layer."""
    body, head, alone = [drawn(4, 3).requires_grad_() for _ in range(3)]
    groups: list[dict[str, Any]] = [{"params": [body]}]
    groups.append({"params": [head], "orthogonalize": False})
    mine = Muon(groups, **DECAY)
    adamw = torch.optim.AdamW([alone], foreach=False, **DECAY)
    for _ in range(5):
        for theta in (body, head, alone):
            theta.grad = 2 * theta.detach()
        mine.step()
        adamw.step()
    torch.testing.assert_close(head, alone, rtol=1e-6, atol=1e-6)
    assert (body - head).abs().max() > 1e-3


def test_a_filter_is_a_matrix_with_a_row_for_each_output() -> None:
    filters, flat = drawn(4, 2, 3, 3).requires_grad_(), drawn(4, 2, 3, 3).view(4, 18)
    flat = nn.Parameter(flat)
    optimizer = Muon([filters, flat], **DECAY)
    filters.grad = drawn(4, 2, 3, 3)
    flat.grad = drawn(4, 2, 3, 3).view(4, 18)
    optimizer.step()
    assert torch.equal(filters.view(4, 18), flat)


def test_by_default_a_matrix_moves_about_as_far_as_adamw_would_move_it() -> None:
    """Liu et al. 2025, section 2.2: a root mean square of 0.2 to 0.4 learning rates."""
    for shape in [(64, 64), (16, 128), (128, 16)]:
        theta = torch.zeros(*shape, requires_grad=True)
        theta.grad = drawn(*shape)
        Muon([theta], lr=1.0, weight_decay=0.0).step()
        assert 0.15 < theta.detach().square().mean().sqrt() < 0.3


def test_it_keeps_one_momentum_for_a_matrix_and_two_moments_for_the_rest() -> None:
    descent = DESCENTS["mlp"]()
    parameters = descent.parameters()
    optimizer = Muon(parameters)
    descent.walk(parameters, optimizer, 1)
    kept = [
        sum(isinstance(value, Tensor) for value in optimizer.state[theta].values())
        for theta in parameters
    ]
    assert kept == [1, 2, 1, 2]  # weights, biases, weights, biases


def test_a_matrix_without_a_gradient_to_speak_of_stays() -> None:
    theta = torch.ones(2, 3, requires_grad=True)
    theta.grad = torch.zeros(2, 3)
    Muon([theta], weight_decay=0.0).step()
    assert torch.equal(theta, torch.ones(2, 3))
