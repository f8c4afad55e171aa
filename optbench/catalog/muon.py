"""torch's Muon for matrices, torch's AdamW for everything else, as one optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import optim

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn
    from torch.optim.optimizer import ParamsT


class Muon(optim.Optimizer):
    """`torch.optim.Muon` and `torch.optim.AdamW`, each stepping the parameters that are its own.

    Matrices are Muon's, unless their group has `orthogonalize: false`, which the authors advise for
    embeddings and the last layer; the rest is AdamW's. Both take the groups' lr and weight_decay,
    AdamW's learning rate being `adamw_lr_ratio` times lr. The other arguments are torch's of the
    same names. Steps and state are to the bit those of the two optimizers side by side.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024);
    torch.optim.Muon's documentation.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: Literal["original", "match_rms_adamw", "spectral_unclamped"] | None = None,
        orthogonalize: bool = True,
        adamw_lr_ratio: float = 1.0,
        adamw_betas: tuple[float, float] = (0.9, 0.999),
        adamw_eps: float = 1e-8,
    ) -> None:
        muons: dict[str, Any] = {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }  # fmt: skip
        own = {
            "orthogonalize": orthogonalize, "adamw_lr_ratio": adamw_lr_ratio,
            "adamw_betas": adamw_betas, "adamw_eps": adamw_eps,
        }  # fmt: skip
        nothing: list[dict[str, Any]] = [{"params": []}]
        self._muon = optim.Muon(nothing, **muons)
        self._adamw = optim.AdamW(
            nothing, lr * adamw_lr_ratio, adamw_betas, adamw_eps, weight_decay
        )
        super().__init__(params, {**muons, **own})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        # A schedule changes the groups, load_state_dict replaces groups and state.
        self._muon.state = self._adamw.state = self.state
        self._muon.param_groups = [_muons(group) for group in self.param_groups]
        self._adamw.param_groups = [
            {**self._adamw.defaults, **_adamws(group)} for group in self.param_groups
        ]
        self._muon.step()  # type: ignore[no-untyped-call]
        self._adamw.step()
        return loss


def _is_muons(parameter: nn.Parameter, group: dict[str, Any]) -> bool:
    return parameter.ndim == 2 and bool(group["orthogonalize"])


def _muons(group: dict[str, Any]) -> dict[str, Any]:
    return {**group, "params": [p for p in group["params"] if _is_muons(p, group)]}


def _adamws(group: dict[str, Any]) -> dict[str, Any]:
    return {
        "params": [p for p in group["params"] if not _is_muons(p, group)],
        "lr": group["lr"] * group["adamw_lr_ratio"],
        "weight_decay": group["weight_decay"],
        "betas": group["adamw_betas"],
        "eps": group["adamw_eps"],
    }
