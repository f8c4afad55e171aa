"""Sparse gradients: of embeddings, they name the rows that a batch used and leave out the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from optbench.errors import UsageError

if TYPE_CHECKING:
    from torch.optim import Optimizer

TAKING = (torch.optim.SGD, torch.optim.Adagrad, torch.optim.SparseAdam)  # of torch's
DENSE_ARGUMENTS = ("momentum", "weight_decay")  # they move every row


def has_sparse_gradients(module: nn.Module) -> bool:
    """Whether a module, or one inside of it, is an embedding that says so."""
    embeddings = (m for m in module.modules() if isinstance(m, nn.Embedding | nn.EmbeddingBag))
    return any(embedding.sparse for embedding in embeddings)


def check_sparse(optimizer: Optimizer) -> None:
    """Raises `UsageError` for an optimizer of torch's or optbench's that needs dense gradients."""
    kind = type(optimizer)
    if not kind.__module__.startswith(("torch.optim.", "optbench.")):
        return  # it may take them
    remedy = "leave sparse: true out of the model"
    if not isinstance(optimizer, TAKING):
        takers = ", ".join(taker.__name__ for taker in TAKING)
        raise UsageError(
            f"{kind.__name__} doesn't take the model's sparse gradients; {takers} do. Or {remedy}"
        )
    for group in optimizer.param_groups:
        for name in DENSE_ARGUMENTS:
            if group.get(name):
                raise UsageError(
                    f"{kind.__name__} takes no {name} with the model's sparse gradients, "
                    f"got {name}={group[name]:g}. Set it to 0, or {remedy}"
                )


def check_dense(model: nn.Module) -> None:
    """Raises `UsageError` where `SparseAdam` would meet a dense gradient, which it doesn't take."""
    embeddings = (m for m in model.modules() if isinstance(m, nn.Embedding | nn.EmbeddingBag))
    sparse = {id(embedding.weight) for embedding in embeddings if embedding.sparse}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and id(parameter) not in sparse:
            raise UsageError(
                f"SparseAdam takes only sparse gradients, and the model's {name} has a dense one; "
                "embeddings with sparse: true, as bag-of-words has, give sparse ones"
            )
