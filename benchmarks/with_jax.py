"""JAX with optax: runs under vmap inside a jitted scan over an epoch's batches.

    python benchmarks/with_jax.py DATA_DIR [--runs 5] [--epochs 5] [--core 0]

On one core, if told so: for a study, two of it at a time, which was faster than one of two threads.
The seconds leave compilation out: it is part of the start-up.
"""

from __future__ import annotations

import os
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import optax
from jax import numpy as jnp
from mnist_arrays import Part, test_part, train_part
from piece import BATCH, CLASSES, HIDDEN, LEARNING_RATES, Piece, parser

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIMIZERS: dict[str, Callable[..., Any]] = {"adam": optax.adam, "sgd": optax.sgd}


def initial(key: Any) -> dict[str, Any]:
    """Weights of 784-128-10, uniform as torch draws them."""
    keys = jax.random.split(key, 4)
    shapes = {"w1": (784, HIDDEN), "b1": (HIDDEN,), "w2": (HIDDEN, CLASSES), "b2": (CLASSES,)}
    widths = (784, 784, HIDDEN, HIDDEN)
    return {
        name: jax.random.uniform(k, shape, minval=-1, maxval=1) / width**0.5
        for k, (name, shape), width in zip(keys, shapes.items(), widths, strict=True)
    }


def outputs(weights: dict[str, Any], images: Any) -> Any:
    inputs = images.astype(jnp.float32) / 255
    hidden = jax.nn.relu(inputs @ weights["w1"] + weights["b1"])
    return hidden @ weights["w2"] + weights["b2"]


def mean_loss(weights: dict[str, Any], images: Any, labels: Any) -> Any:
    each = optax.softmax_cross_entropy_with_integer_labels(outputs(weights, images), labels)
    return each.mean()


def one_epoch(optimizer: Any, weights: Any, state: Any, order: Any, data: Part) -> Any:
    """Weights and state after an epoch in that order, and its mean loss."""

    def step(carried: Any, chosen: Any) -> Any:
        before, state = carried
        loss, gradient = jax.value_and_grad(mean_loss)(
            before, data.images[chosen], data.labels[chosen]
        )
        updates, state = optimizer.update(gradient, state, before)
        return (optax.apply_updates(before, updates), state), loss

    whole = len(order) // BATCH * BATCH
    carried, losses = jax.lax.scan(step, (weights, state), order[:whole].reshape(-1, BATCH))
    if whole < len(order):
        carried, last = step(carried, order[whole:])
        losses = jnp.append(losses, last)
    return *carried, losses.mean()


def accuracy(weights: Any, test: Part) -> Any:
    return (outputs(weights, test.images).argmax(1) == test.labels).mean()


class Study:
    """Some runs of one optimizer under vmap, with everything compiled."""

    def __init__(self, name: str, runs: int, data: Part, test: Part) -> None:
        self.chance = np.random.default_rng(0)
        self.runs, self.data, self.test = runs, data, test
        self.optimizer = optax.inject_hyperparams(OPTIMIZERS[name])(LEARNING_RATES[name])
        start = self._start()
        epoch = jax.vmap(partial(one_epoch, self.optimizer), in_axes=(0, 0, 0, None))
        jitted = jax.jit(epoch, donate_argnums=(0, 1))
        self.epoch = jitted.lower(*start, self._orders(), data).compile()
        evaluated = jax.vmap(accuracy, in_axes=(0, None))
        self.accuracy = jax.jit(evaluated).lower(start[0], test).compile()

    def train(self, epochs: int) -> tuple[float, float]:
        """Mean loss of the last epoch, and test accuracy after it."""
        weights, state = self._start()
        for _ in range(epochs):
            weights, state, losses = self.epoch(weights, state, self._orders(), self.data)
            correct = np.asarray(self.accuracy(weights, self.test))
        return float(losses.mean()), float(correct.mean())

    def _start(self) -> tuple[Any, Any]:
        weights = jax.vmap(initial)(jax.random.split(jax.random.key(0), self.runs))
        return weights, jax.vmap(self.optimizer.init)(weights)

    def _orders(self) -> Any:
        examples = np.arange(len(self.data.labels), dtype=np.int32)
        return jnp.asarray([self.chance.permutation(examples) for _ in range(self.runs)])


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--core", type=int, help="the only one to run on")
    given = arguments.parse_args()
    if given.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {given.core})  # JAX starts a thread for each core that it may use
    data, test = (Part(*map(jnp.asarray, read(given.data_dir))) for read in (train_part, test_part))
    for name in given.optimizers:
        study = Study(name, given.runs, data, test)
        began = perf_counter()
        loss, correct = study.train(given.epochs)
        Piece(name, given.runs, given.epochs, perf_counter() - began, loss, correct).tell()


if __name__ == "__main__":
    main()
