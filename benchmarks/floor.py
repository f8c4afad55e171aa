"""What a step can't do without: its matrix products and one pass over Adam's memory.

    python benchmarks/floor.py DATA_DIR

The products of 784-128-10 at batch 64, each by the faster of MKL and oneDNN, and those with the
images by one product for all runs if that is faster still; and the bytes that Adam has to read
(parameters, gradients, two moments) and to write (all but the gradients), by three elementwise
operations. For as many runs as a cohort has, each with its own tensors, and a cohort's whole step
measured in turn with it. Prints JSON.
"""

from __future__ import annotations

import json
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from cohort import COHORT, make_data, make_runs, parser, run_step
from hand_tuned import one_thread
from piece import BATCH, CLASSES, HIDDEN
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE = 28 * 28
REPEATS = 20
ROUNDS = 5
# m, k and n of each product [m, k] × [k, n]: forwards, gradients at the weights, at the inputs.
PRODUCTS = {
    "hidden": (BATCH, IMAGE, HIDDEN),
    "outputs": (BATCH, HIDDEN, CLASSES),
    "at the hidden weights": (HIDDEN, BATCH, IMAGE),
    "at the output weights": (CLASSES, BATCH, HIDDEN),
    "at the hidden values": (BATCH, CLASSES, HIDDEN),
}
# Those with the images, which the runs of a seed have in common, for all of them at once.
SHARED = {
    "hidden": (BATCH, IMAGE, COHORT * HIDDEN),
    "at the hidden weights": (COHORT * HIDDEN, BATCH, IMAGE),
}


def main() -> None:
    given = parser(__doc__).parse_args()
    one_thread()
    runs = make_runs(given.study, given.data_dir, seeds=1)[:COHORT]
    data = make_data(runs[0], given.data_dir)
    rounds = [
        {"products": products(), "memory": memory_pass(), "step": run_step(runs, data, given.rows)}
        for _ in range(ROUNDS)
    ]
    print(json.dumps({name: median(each[name] for each in rounds) for name in rounds[0]}))


def products() -> float:
    """Seconds of all products of a run-step."""
    alone = {name: _fastest(*sizes, runs=COHORT) for name, sizes in PRODUCTS.items()}
    together = {name: _fastest(*sizes, runs=1) / COHORT for name, sizes in SHARED.items()}
    return sum(min(alone[name], together.get(name, alone[name])) for name in PRODUCTS)


def _fastest(m: int, k: int, n: int, runs: int) -> float:
    """Seconds of a product, one run's after the other, by the faster of the two libraries."""
    left = [torch.rand(m, k) for _ in range(runs)]
    right = [torch.rand(n, k) for _ in range(runs)]
    ways: list[Callable[[int], object]] = [lambda run: torch.mm(left[run], right[run].t())]
    if hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        onednn = torch.ops.mkldnn._linear_pointwise.default
        ways.append(lambda run: onednn(left[run], right[run], None, "none", [], ""))
    return min(_seconds(way, runs) for way in ways)


def memory_pass() -> float:
    """Seconds of reading four tensors of a run's size and writing three."""
    size = IMAGE * HIDDEN + HIDDEN + HIDDEN * CLASSES + CLASSES
    state = [torch.zeros(4, size) for _ in range(COHORT)]
    return _seconds(lambda run: _pass(state[run]), COHORT)


def _pass(state: Tensor) -> None:
    gradient, first, second, parameters = state
    first.mul_(0.9)
    second.mul_(0.999)
    parameters.add_(gradient)


def _seconds(operation: Callable[[int], object], runs: int) -> float:
    """Of one run, all runs in turn: the median over some repeats, which warm up first."""
    taken = []
    for _ in range(REPEATS):
        began = perf_counter()
        for run in range(runs):
            operation(run)
        taken.append((perf_counter() - began) / runs)
    return median(taken[REPEATS // 4 :])


if __name__ == "__main__":
    main()
