"""Optimizers by name: every class of the installed `torch.optim`, and the textbook versions."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from optbench.catalog.entry import Entry
from optbench.catalog.reference import REFERENCE
from optbench.catalog.rules import (
    AT_LEAST_ONE,
    AT_LEAST_ZERO,
    AT_MOST_ZERO,
    BELOW_ONE,
    BETWEEN_ZERO_AND_ONE,
    GREATER_THAN_ZERO,
    Relation,
    Rule,
)
from optbench.catalog.signatures import exported_classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optbench.config.node import Plain

# How torch computes a step, not which step: optbench chooses where nobody does, and a choice
# that is the default isn't part of a run's identity.
IMPLEMENTATION = ("foreach", "fused", "capturable", "differentiable")

RULES: dict[str, Rule] = {
    "lr": GREATER_THAN_ZERO,
    "betas": BELOW_ONE,
    "eps": AT_LEAST_ZERO,
    "weight_decay": AT_LEAST_ZERO,
    "momentum": BETWEEN_ZERO_AND_ONE,
    "dampening": BETWEEN_ZERO_AND_ONE,
    "alpha": BETWEEN_ZERO_AND_ONE,
    "rho": BETWEEN_ZERO_AND_ONE,
    "lr_decay": AT_LEAST_ZERO,
    "initial_accumulator_value": AT_LEAST_ZERO,
    "momentum_decay": AT_LEAST_ZERO,
    "lambd": AT_LEAST_ZERO,
    "t0": AT_LEAST_ZERO,
    "etas": GREATER_THAN_ZERO,
    "step_sizes": GREATER_THAN_ZERO,
    "beta2_decay": AT_MOST_ZERO,
    "d": AT_LEAST_ONE,
    "adamw_lr_ratio": AT_LEAST_ZERO,
    "adamw_betas": BELOW_ONE,
    "adamw_eps": AT_LEAST_ZERO,
    "ns_steps": Rule("from 1 to 99", lambda v: 1 <= v < 100),
}


def _nesterov_has_momentum(arguments: Mapping[str, Plain]) -> bool:
    plain = not arguments.get("momentum") or bool(arguments.get("dampening"))
    return not (arguments.get("nesterov") and plain)


def _one_implementation(arguments: Mapping[str, Plain]) -> bool:
    return not (arguments.get("foreach") and arguments.get("fused"))


def _increasing(values: Plain) -> bool:
    return not isinstance(values, list) or values == sorted(values)  # type: ignore[type-var]


def _around_one(etas: Plain) -> bool:
    match etas:
        case [float(down), float(up)]:
            return down < 1 < up
    return True


# What torch's constructors refuse of several arguments together.
RELATIONS = (
    Relation("nesterov", "needs momentum, and dampening 0", _nesterov_has_momentum),
    Relation("fused", "can't be true together with foreach", _one_implementation),
    Relation(
        "etas",
        "must be [a, b] with a below 1 and b above 1",
        lambda arguments: _around_one(arguments.get("etas")),
    ),
    Relation(
        "step_sizes",
        "must be [smallest, largest]",
        lambda arguments: _increasing(arguments.get("step_sizes")),
    ),
)

_SUMMARIES = {
    "adafactor": "second moments factored into rows and columns (Shazeer & Stern 2018)",
    "adadelta": "steps from running averages of squares, no unit of lr (Zeiler 2012)",
    "adagrad": "steps divided by the root of all squared gradients (Duchi et al. 2011)",
    "adam": "bias-corrected first and second moments (Kingma & Ba 2015)",
    "adamax": "Adam with the infinity norm (Kingma & Ba 2015, section 7)",
    "adamw": "Adam with decoupled weight decay (Loshchilov & Hutter 2019)",
    "asgd": "averaged stochastic gradient descent (Polyak & Juditsky 1992)",
    "lbfgs": "limited-memory quasi-Newton; a step evaluates the loss up to max_eval times "
    "(Liu & Nocedal 1989)",
    "muon": "orthogonalized momentum for matrices, adamw for all else (Jordan et al. 2024)",
    "nadam": "Adam with Nesterov momentum (Dozat 2016)",
    "radam": "Adam with a rectified adaptive rate (Liu et al. 2020)",
    "rmsprop": "steps divided by a running root mean square (Tieleman & Hinton 2012)",
    "rprop": "steps from the signs of full-batch gradients (Riedmiller & Braun 1993)",
    "sgd": "stochastic gradient descent; momentum and nesterov where asked for",
    "sparseadam": "Adam for sparse gradients alone, touching only the rows they name",
}

_TARGETS = {
    "muon": "optbench.catalog.muon:Muon",  # torch's takes only matrices
}

_PRESETS = {
    "momentum": Entry(
        "torch.optim:SGD",
        "sgd with momentum 0.9",
        preset={"momentum": 0.9},
        resolves_to="sgd",
    ),
    "amsgrad": Entry(
        "torch.optim:Adam",
        "adam with the maximum of its second moments (Reddi et al. 2018)",
        preset={"amsgrad": True},
        resolves_to="adam",
    ),
}


@cache
def optimizers() -> dict[str, Entry]:
    """torch's by name, read from its source without importing it; then the textbook versions."""
    classes = [name for name in exported_classes("torch.optim") if name != "Optimizer"]
    entries = {
        name.lower(): Entry(
            _TARGETS.get(name.lower(), f"torch.optim:{name}"),
            _SUMMARIES.get(name.lower(), f"torch.optim.{name}"),
            resolves_to=name.lower(),
        )
        for name in classes
    }
    return dict(sorted({**entries, **_PRESETS}.items())) | REFERENCE
