"""Models of the catalog, small and not: seconds of a run-step alone, in cohorts, in a plain loop.

    python benchmarks/small_models.py [--only WORD] [--rows 4]

On one thread, with Adam and data that come with optbench. The plain loop is as `hand_tuned` has it,
with images channels-last. Cohorts and it take turns; the least of the rounds counts. Models that
are not stacked are measured alone, and say why. Prints JSON.
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from cohort import make_data, make_runs, run_step
from hand_tuned import make_optimizer, one_thread
from torch import Tensor, nn

from optbench.training.learner import Learner

if TYPE_CHECKING:
    from optbench.config.spec import Run
    from optbench.training.data import DeviceData, Split

SIZES = (1, 5, 20)
STEPS = 20  # of a measurement
ROUNDS = 2
TRAIN = 2_000  # examples: their evaluation isn't what is measured here


class Model(NamedTuple):
    """What to train, on what, in batches of how many."""

    name: str
    dataset: dict[str, Any]
    model: dict[str, Any]
    batch: int = 64


POINTS = {"name": "synthetic", "features": 2, "classes": 2, "train": 1437, "test": 360}
DIGITS, SIGNALS, IMAGES = {"name": "digits"}, {"name": "mnist-1d"}, {"name": "mnist-5k"}
SUMS, TEXT = {"name": "modular-addition"}, {"name": "zipf-text", "length": 32}
PHOTOS = {"name": "shapes", "train": 2000, "test": 200}
MODELS = (
    Model("mlp 2-4-2 on points", POINTS, {"name": "mlp", "hidden": [4]}),
    Model("logistic 64-10 on digits", DIGITS, {"name": "logistic"}),
    Model("mlp 64-32-10 on digits", DIGITS, {"name": "mlp", "hidden": [32]}),
    Model("logistic 40-10 on mnist-1d", SIGNALS, {"name": "logistic"}),
    Model("mlp 40-100-100-10 on mnist-1d", SIGNALS, {"name": "mlp", "hidden": [100, 100]}),
    Model("conv1d on mnist-1d", SIGNALS, {"name": "conv1d"}),
    Model("gru, 6 units, on mnist-1d", SIGNALS, {"name": "gru", "hidden": 6}),
    Model("gru, 64 units, on mnist-1d", SIGNALS, {"name": "gru", "hidden": 64}),
    Model("rnn, 64 units, on the adding problem", {"name": "adding-problem"}, {"name": "rnn"}),
    Model("transformer, 32 wide, on sums", SUMS, {"name": "transformer", "width": 32}),
    Model("transformer, 32 wide, on text", TEXT, {"name": "transformer", "width": 32}, batch=8),
    Model("vit, 32 wide, on digits", DIGITS, {"name": "vit", "width": 32, "depth": 2}),
    Model("transformer, 64 wide, on sums", SUMS, {"name": "transformer"}),
    Model("lstm, 32 units, on text", TEXT, {"name": "lstm", "hidden": 32}, batch=8),
    Model("lenet on mnist-5k", IMAGES, {"name": "lenet"}),
    Model("cnn on mnist-5k", IMAGES, {"name": "cnn"}),
    Model("vit, 64 wide, on mnist-5k", IMAGES, {"name": "vit"}),
    Model("cifar-cnn on shapes", PHOTOS, {"name": "cifar-cnn"}),
    Model("resnet18, 8 wide, on shapes", PHOTOS, {"name": "resnet18", "width": 8}),
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=4)
    arguments.add_argument(
        "--only", default="", help="a word in the names of the models to measure"
    )
    given = arguments.parse_args()
    one_thread()
    chosen = [model for model in MODELS if given.only in model.name]
    print(json.dumps({model.name: measured(model, given.rows) for model in chosen}))


def measured(model: Model, rows: int) -> dict[str, Any]:
    """Seconds a run-step of the plain loop, and of cohorts by their size; why not, if so."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "small.yaml"
        training = {"batch_size": model.batch}
        content = {"dataset": model.dataset, "model": model.model, "training": training}
        file.write_text(json.dumps(content | {"optimizer": {"name": "adam", "lr": 1e-3}}))
        runs = make_runs(file, Path(scratch), seeds=max(SIZES), row_steps=STEPS)
        data = make_data(runs[0], Path(scratch), train=TRAIN)
    way = Learner(runs[0], data).way
    sizes = SIZES if way.stacked else (1,)
    rounds = [_round(runs, data, rows, sizes) for _ in range(ROUNDS)]
    seconds = {name: min(found[name] for found in rounds) for name in rounds[0]}
    return seconds | ({} if way.stacked else {"alone": way.reason})


def _round(
    runs: list[Run], data: DeviceData, rows: int, sizes: tuple[int, ...]
) -> dict[str, float]:
    found = {str(size): run_step(runs[:size], data, rows, STEPS) for size in sizes}
    return {"hand-tuned": plain_step(runs[0], data, rows)} | found


def plain_step(run: Run, data: DeviceData, rows: int) -> float:
    """Seconds a step of the plain loop: the median over some rows but the first."""
    learner = Learner(run, data)
    model, batch = copy.deepcopy(learner.model), learner.batch_size
    images = any(isinstance(module, nn.Conv2d) for module in model.modules())
    if images:
        model = model.to(memory_format=torch.channels_last)
    optimizer = make_optimizer("adam", model, 1e-3)
    parameters = list(model.parameters())
    found = []
    for _ in range(rows + 1):
        began = perf_counter()
        losses = []
        for chosen in torch.split(torch.randperm(len(data.train))[: STEPS * batch], batch):
            for parameter in parameters:
                parameter.grad = None
            inputs, targets = _picked(data.train, chosen, images=images)
            loss = learner.loss(model(inputs), targets)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.detach())
        torch.stack(losses).mean().item()
        found.append((perf_counter() - began) / len(losses))
    return median(found[1:])


def _picked(split: Split, chosen: Tensor, *, images: bool) -> tuple[Tensor, Tensor]:
    inputs, targets = split.pick(chosen)
    return inputs.contiguous(memory_format=torch.channels_last) if images else inputs, targets


if __name__ == "__main__":
    main()
