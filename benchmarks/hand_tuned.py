"""The best loop known that leaves the backward pass to torch, tuned by measuring.

    python benchmarks/hand_tuned.py DATA_DIR [--epochs 5] [--images uint8|float32] [--compile]

One thread, denormals flushed, data resident, batches by index_select, the fused optimizer,
gradients dropped rather than zeroed, losses read once an epoch. For a study, two of it at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from mnist_arrays import Part, test_part, train_part
from piece import BATCH, CLASSES, HIDDEN, LEARNING_RATES, Piece, parser
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EVALUATED = 1_000  # test examples at a time, which stay in cache
WARM_UP = 20  # steps


class Split(NamedTuple):
    """Inputs `[n, features]`, float32, or uint8 to be divided by 255; classes `[n]` int64."""

    inputs: Tensor
    targets: Tensor

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """The examples at these positions."""
        inputs = self.inputs.index_select(0, chosen)
        if inputs.dtype == torch.uint8:
            inputs = inputs.div(255)
        return inputs, self.targets.index_select(0, chosen)


@dataclass(frozen=True)
class Epoch:
    """Mean train loss, test accuracy, and the seconds of training and of all."""

    loss: float
    accuracy: float
    train_seconds: float
    seconds: float


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Split,
    test: Split,
    *,
    compiled: bool = False,
) -> Iterator[Epoch]:
    """Epoch after epoch, without end."""
    loss_of = _Loss(model)
    objective = torch.compile(loss_of, dynamic=False) if compiled else loss_of
    parameters = list(model.parameters())
    while True:
        began = perf_counter()
        losses = []
        for chosen in torch.split(torch.randperm(len(data.targets)), BATCH):
            for parameter in parameters:
                parameter.grad = None  # what zero_grad does, without its hooks
            loss = objective(*data.batch(chosen))
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        mean = torch.stack(losses).mean().item()
        trained = perf_counter()
        accuracy = _accuracy(model, test)
        yield Epoch(mean, accuracy, trained - began, perf_counter() - began)


class _Loss(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy(self.model(inputs), targets)


@torch.inference_mode()
def _accuracy(model: nn.Module, test: Split) -> float:
    positions = torch.split(torch.arange(len(test.targets)), EVALUATED)
    batches = (test.batch(chosen) for chosen in positions)
    correct = sum((model(inputs).argmax(1) == targets).sum() for inputs, targets in batches)
    return int(correct) / len(test.targets)


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(28 * 28, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, CLASSES))


def make_optimizer(name: str, model: nn.Module, lr: float) -> torch.optim.Optimizer:
    classes: dict[str, Callable[..., Any]] = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
    optimizer: torch.optim.Optimizer = classes[name](model.parameters(), lr=lr, fused=True)
    return optimizer


def one_thread() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def resident(data_dir: Path, images: str) -> tuple[Split, Split]:
    """MNIST's training and test parts as tensors."""
    return _split(train_part(data_dir), images), _split(test_part(data_dir), images)


def _split(part: Part, images: str) -> Split:
    inputs = torch.from_numpy(part.images)
    if images == "float32":
        inputs = inputs.div(255)
    return Split(inputs, torch.from_numpy(part.labels).long())


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--images", choices=("uint8", "float32"), default="uint8")
    arguments.add_argument("--compile", action="store_true")
    given = arguments.parse_args()
    one_thread()
    torch.manual_seed(0)
    data, test = resident(given.data_dir, given.images)
    for name in given.optimizers:
        warm_up(name, data, test, compiled=given.compile)
        for _ in range(given.runs):
            model = mlp()
            optimizer = make_optimizer(name, model, LEARNING_RATES[name])
            epochs = train(model, optimizer, data, test, compiled=given.compile)
            trained = [next(epochs) for _ in range(given.epochs)]
            seconds = sum(epoch.seconds for epoch in trained)
            last = trained[-1]
            Piece(name, 1, given.epochs, seconds, last.loss, last.accuracy).tell()


def warm_up(name: str, data: Split, test: Split, *, compiled: bool = False) -> None:
    """A few steps that nobody times, with what only the first ones do, and a short batch."""
    model = mlp()
    few = Split(*(tensor[: WARM_UP * BATCH + len(data.targets) % BATCH] for tensor in data))
    next(train(model, make_optimizer(name, model, 0.01), few, test, compiled=compiled))


if __name__ == "__main__":
    main()
