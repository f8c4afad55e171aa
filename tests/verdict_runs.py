"""Stored runs that lead to each kind of verdict."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from stored_runs import ADAM, SGD, make_rows, write_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# The differences are a hundredth of those of the statistics page: mean .275 points, at 96%
# [.0746, .4754], p = max(.01063, 6/256) = .023; 7 of 8 by Wilson .529 to .978.
D = [0.003, 0.001, 0.002, 0.005, 0.004, -0.001, 0.002, 0.006]
SMALL = [0.001, -0.002, 0.0025, -0.0005, 0.001, -0.001, 0.0, -0.0007]
BASE = [0.91, 0.912, 0.915, 0.911, 0.914, 0.913, 0.9105, 0.9125]
EPOCHS = 6
UNLIKE = {"data": "0" * 64, "initial_weights": None, "batch_order": None}
MOMENTUM = SGD | {"momentum": 0.9}
NADAM = {"name": "nadam", "lr": 0.002}


def above(differences: Sequence[float]) -> list[float]:
    return [b + d for b, d in zip(BASE, differences, strict=False)]


def store(
    root: Path,
    optimizer: Mapping[str, object],
    finals: Sequence[float | None],
    *,
    first: Sequence[int] = (4,),
    losses: Sequence[float] = (),
    declared: Sequence[int] = (),
    **description: object,
) -> None:
    """A run a seed that comes to .9 at epoch `first`; None for a seed that diverged."""
    for seed, final in enumerate(finals):
        reached = first[seed % len(first)]
        rows = [0.1 if epoch < reached else 0.905 for epoch in range(EPOCHS)]
        end = 0.1 if final is None else final
        loss = losses[seed] if losses else 2 * (1 - end)
        told = {
            "optimizer": dict(optimizer),
            "experiment": f"{optimizer['name']} {optimizer.get('momentum')}",
            "status": "diverged" if final is None else "completed",
            "declared_seeds": declared[seed] if declared else len(finals),
        }
        trained = make_rows([*rows, end], train_loss=[2.3] * EPOCHS + [loss])
        write_run(root, trained, seed=seed, **(told | description))


def better(root: Path) -> None:
    store(root, ADAM, above(D), first=[1, 2, 2, 2, 2, 2, 2, 2])
    store(root, SGD, BASE, first=[4, 5, 4, 5, 4, 5, 4, 5])


def undecided(root: Path) -> None:
    store(root, ADAM, above(SMALL))
    store(root, SGD, BASE)


def five_pairs(root: Path) -> None:
    store(root, ADAM, above([0.003, 0.001, 0.002, 0.005, 0.004]))
    store(root, SGD, BASE[:5])


def interim(root: Path) -> None:
    for optimizer, finals in ((ADAM, above(D)[:5]), (SGD, BASE)):
        store(root, optimizer, finals, declared=[8] * 8)


def second_look(root: Path) -> None:
    for optimizer, finals in ((ADAM, above(D)), (SGD, BASE)):
        store(root, optimizer, finals, declared=[5] * 5 + [8] * 3)


def third_look(root: Path) -> None:
    for optimizer, finals in ((ADAM, above(D)), (SGD, BASE)):
        store(root, optimizer, finals, declared=[5] * 5 + [7] * 2 + [8])


def diverged(root: Path) -> None:
    store(root, ADAM, [None, *above(D)[1:]])
    store(root, SGD, BASE)


def reference_diverged(root: Path) -> None:
    store(root, ADAM, above(D))
    store(root, SGD, [None] * 8)


def unpaired(root: Path) -> None:
    store(root, ADAM, above(D))
    store(root, SGD, BASE, hashes=UNLIKE)


def unpaired_and_diverged(root: Path) -> None:
    store(root, ADAM, [None, *above(D)[1:]])
    store(root, SGD, BASE, hashes=UNLIKE)


def one_seed(root: Path) -> None:
    store(root, ADAM, [0.976], first=[2])
    store(root, SGD, [0.915])


def three_comparisons(root: Path) -> None:
    store(root, ADAM, above([0.010, 0.011, 0.012, 0.010, 0.011, 0.012, 0.010, 0.011]))
    store(root, SGD, BASE)
    store(root, MOMENTUM, above(SMALL))
    store(root, NADAM, above([-d for d in D]))


def log_losses(root: Path) -> None:
    logs = [-9.0, -8.0, -7.0, -6.0, -8.5, -7.5, -6.5, -5.5]
    gaps = [1.0, 1.2, 0.8, 1.1, 0.9, 1.0, 1.3, 0.7]
    store(root, ADAM, [0.98] * 8, losses=[math.exp(log) for log in logs])
    higher = [math.exp(log + gap) for log, gap in zip(logs, gaps, strict=True)]
    store(root, SGD, [0.98] * 8, losses=higher)
