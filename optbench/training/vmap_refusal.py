"""Why a model can't be stacked by vmap: what its layers tell, then a trial."""

from __future__ import annotations

import copy
import operator
import random
import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from optbench.training.autograd import ByAutograd
from optbench.training.seeding import global_state, set_global_state
from optbench.training.trial import EXAMPLES
from optbench.training.vmapped import Vmapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from optbench.training.losses import Loss
    from optbench.training.network import Batch, Network

CLOSE = 0.01  # relative: a GPU's products may round to ten bits, and what is wrong is far off

_DROPOUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d,
            nn.AlphaDropout, nn.FeatureAlphaDropout)  # fmt: skip
_DRAWS = "it draws random numbers"
_SAID = (  # by torch, of code that vmap can't take; and the reason that this is
    (r"called random operation", _DRAWS),
    (r"\.item\(\)|data-dependent", "its code looks at the values of a batch"),
    (r"batching rule.*? for aten::(\w+)|not yet support aten::(\w+)",
     "torch has no batching rule for {}"),
)  # fmt: skip


def refusal(model: nn.Module, loss: Loss, batch: Batch) -> str | None:
    """Why runs of such a model can't train as one `Vmapped`, as a phrase; None where they can.

    After a look at its layers, two copies train on a few examples of the batch, stacked and each
    alone, and must agree. The model and all global generators stay as they are.
    """
    inputs, targets = (tensor[:EXAMPLES] for tensor in batch)
    return _by_layers(model) or _by_trial(model, loss, (inputs, targets))


def _by_layers(model: nn.Module) -> str | None:
    for module in model.modules():
        name = type(module).__name__
        if isinstance(module, _DROPOUT) and module.p > 0:
            return f"its {name} layers draw random numbers"
        if isinstance(module, nn.RNNBase | nn.RNNCellBase):
            return f"its {name} layers have no batching rule"
        if isinstance(module, nn.Embedding | nn.EmbeddingBag) and module.sparse:
            return f"its {name} layers have sparse gradients"
        if any(isinstance(value, Tensor) for value in vars(module).values()):
            return f"its {name} keeps a tensor that is neither parameter nor buffer"
    return None


def _by_trial(model: nn.Module, loss: Loss, batch: Batch) -> str | None:
    with _generators_kept(batch[0].device) as untouched, warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*batching rule")  # a slow loop instead
        try:
            alone, stacked = _copies(model), _copies(model)
            before = _attributes(stacked[0])
            found = _seen([Vmapped(stacked, loss)], stacked, batch)
            if not _same_objects(_attributes(stacked[0]), before):
                return "it keeps values from batch to batch outside its buffers"
            expected = _seen([ByAutograd(one, loss) for one in alone], alone, batch)
        except Exception as error:  # noqa: BLE001  (foreign code raises anything)
            return _phrase(str(error))
        if not untouched():
            return _DRAWS
    alike = all(_close(*pair) for pair in zip(found, expected, strict=True))
    return None if alike else "it gives other numbers when stacked"


def _copies(model: nn.Module) -> list[nn.Module]:
    """Two of it; the second has other parameters, of the same size."""
    first, second = copy.deepcopy(model), copy.deepcopy(model)
    with torch.no_grad():
        for parameter in second.parameters():
            parameter.copy_(parameter.flatten().flip(0).view_as(parameter))
    return [first, second]


def _attributes(model: nn.Module) -> list[object]:
    return [value for module in model.modules() for value in vars(module).values()]


def _same_objects(now: Sequence[object], before: Sequence[object]) -> bool:
    return len(now) == len(before) and all(map(operator.is_, now, before))


def _seen(networks: Sequence[Network], models: Sequence[nn.Module], batch: Batch) -> list[Tensor]:
    """What training on batches apart, then on a shared one, gives, and evaluating after that."""
    apart = [batch, (batch[0].flip(0), batch[1].flip(0))]
    found = []
    for batches in (apart, [batch, batch]):
        share = len(batches) // len(networks)
        trained = [network.differentiate(batches[i * share :][:share])
                   for i, network in enumerate(networks)]  # fmt: skip
        found += [_vector(some) for some in zip(*trained, strict=True)]
        found.append(_vector(p.grad for m in models for p in m.parameters() if p.grad is not None))
        found.append(_vector(buffer for model in models for buffer in model.buffers()))
    found.append(_vector(one for network in networks for one in network.outputs(batch[0])))
    return found


def _vector(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([torch.zeros(1), *(one.detach().flatten().cpu() for one in tensors)]).double()


def _close(found: Tensor, expected: Tensor) -> bool:
    if found.shape != expected.shape:
        return False
    return bool((found - expected).norm() <= CLOSE * expected.norm())


@contextmanager
def _generators_kept(device: torch.device) -> Iterator[Callable[[], bool]]:
    """Gives torch's, Python's and numpy's back as they were; yields whether they still are."""
    before = global_state(device), random.getstate(), np.random.get_state(legacy=False)

    def untouched() -> bool:
        pairs = zip(global_state(device), before[0], strict=True)
        now = random.getstate(), repr(np.random.get_state(legacy=False))
        return all(torch.equal(*pair) for pair in pairs) and now == (before[1], repr(before[2]))

    try:
        yield untouched
    finally:
        set_global_state(before[0], device)
        random.setstate(before[1])
        np.random.set_state(before[2])


def _phrase(message: str) -> str:
    for pattern, reason in _SAID:
        if match := re.search(pattern, message, re.IGNORECASE):
            return reason.format(next(filter(None, match.groups()), ""))
    line = message.partition("\n")[0]
    return f"vmap refuses it: {line[:80]}{'…' * (len(line) > 80)}"
