"""A second opinion on training: torch alone, in the order that a tutorial writes it.

Seeds are derived as optbench/training/seeding.py documents; nothing else here is optbench's.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from optbench.training.data import DeviceData, Split

Row = dict[str, float]


def documented_seed(stream: str, seed: int, index: int = 0) -> int:
    digest = hashlib.sha256(f"optbench/{stream}/{seed}/{index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") // 2


def mlp(
    inputs: int, hidden: int, classes: int, *, seed: int = 0, dropout: float = 0.0
) -> nn.Sequential:
    """A network with one hidden layer, drawn from the documented stream."""
    before = torch.get_rng_state()
    torch.manual_seed(documented_seed("weights", seed))
    layers = [nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU()]
    layers += [nn.Dropout(dropout)] if dropout else []
    model = nn.Sequential(*layers, nn.Linear(hidden, classes))
    torch.set_rng_state(before)
    return model


@dataclass
class PlainRun:
    """The tutorial's loop; `rows` and `model` are what it leaves.

    A row is written every `row_steps` steps (0: each epoch) and in the end.
    """

    model: nn.Module
    optimizer: Optimizer
    data: DeviceData
    epochs: int
    batch_size: int
    seed: int = 0
    row_steps: int = 0
    schedule: LRScheduler | None = None
    by_step: bool = False
    clip_norm: float | None = None
    rows: list[Row] = field(default_factory=list)
    grad_norm: float = 0.0  # of the last batch, before clipping

    def train(self) -> list[Row]:
        inputs, targets = self.data.train.inputs, self.data.train.targets
        per_epoch = -(-len(targets) // self.batch_size)
        row_steps = self.row_steps or per_epoch
        with one_thread():
            torch.manual_seed(documented_seed("noise", self.seed))
            steps = examples = 0
            losses: list[tuple[float, int, int]] = []
            before = self._flat()
            for epoch in range(self.epochs):
                for chosen in torch.split(self._order(epoch), self.batch_size):
                    lr = self.optimizer.param_groups[0]["lr"]
                    loss, hits = self._step(inputs[chosen], targets[chosen])
                    losses.append((loss, hits, len(chosen)))
                    steps += 1
                    examples += len(chosen)
                    if steps % row_steps == 0 or steps == per_epoch * self.epochs:
                        row = {"epoch": steps / per_epoch, "steps": steps, "examples": examples}
                        row |= {"lr": lr, "update_norm": norm(self._flat() - before)}
                        self.rows.append(row | self._measured(losses))
                        losses, before = [], self._flat()
                if self.schedule is not None and not self.by_step:
                    self.schedule.step()
        return self.rows

    def _order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(documented_seed("batches", self.seed, epoch))
        return torch.randperm(len(self.data.train), generator=generator)

    def _step(self, inputs: Tensor, targets: Tensor) -> tuple[float, int]:
        self.model.train()
        found: list[tuple[float, int]] = []

        def closure() -> Tensor:
            outputs = self.model(inputs)
            loss = functional.cross_entropy(outputs, targets)
            self.optimizer.zero_grad()
            torch.autograd.backward(loss)
            gradients = [p.grad.flatten() for p in self.model.parameters() if p.grad is not None]
            if not found:
                self.grad_norm = norm(torch.cat(gradients))
            if self.clip_norm is not None:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
            found.append((loss.item(), int((outputs.argmax(1) == targets).sum())))
            return loss

        if isinstance(self.optimizer, torch.optim.LBFGS):
            self.optimizer.step(closure)  # type: ignore[no-untyped-call]
        else:
            closure()
            self.optimizer.step()
        if self.schedule is not None and self.by_step:
            self.schedule.step()
        return found[0]

    def _measured(self, losses: list[tuple[float, int, int]]) -> Row:
        seen = sum(k for _, _, k in losses)
        row = {
            "train_loss": sum(loss * k for loss, _, k in losses) / seen,
            "train_accuracy": sum(hits for _, hits, _ in losses) / seen,
            "test_loss": mean_loss(self.model, self.data.test),
            "test_accuracy": accuracy(self.model, self.data.test),
            "grad_norm": self.grad_norm,
            "param_norm": norm(self._flat()),
        }
        if self.data.validation is not None:
            row["val_loss"] = mean_loss(self.model, self.data.validation)
            row["val_accuracy"] = accuracy(self.model, self.data.validation)
        return row

    def _flat(self) -> Tensor:
        return torch.cat([p.detach().flatten() for p in self.model.parameters()])


@contextmanager
def one_thread() -> Iterator[None]:
    """What makes bits equal: one thread, and denormal numbers flushed to zero."""
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)
        torch.set_rng_state(state)


def mean_loss(model: nn.Module, split: Split) -> float:
    outputs = _outputs(model, split)
    return functional.cross_entropy(outputs.double(), split.targets).item()


def accuracy(model: nn.Module, split: Split) -> float:
    return float((_outputs(model, split).argmax(1) == split.targets).double().mean())


def norm(values: Tensor) -> float:
    return float(torch.linalg.vector_norm(values.double()))


def _outputs(model: nn.Module, split: Split) -> Tensor:
    """All outputs in one pass, in eval mode."""
    was_training = model.training
    with torch.no_grad():
        outputs: Tensor = model.eval()(split.inputs)
    model.train(was_training)
    return outputs
