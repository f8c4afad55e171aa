"""Generators lent to code that draws from torch's global ones."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from company import alone, assert_ends_as, in_cohorts, resumed, stopped, traces
from experiments import make_learner, make_runs, train_all, write_plugin
from plain_loop import documented_seed

from optbench.training.device import reproducible
from optbench.training.loop import train
from optbench.training.noise import Noise, SharedNoise
from optbench.training.records import Evaluation
from optbench.training.seeding import python_state

if TYPE_CHECKING:
    from pathlib import Path

CPU = torch.device("cpu")
DRAWS = """
import random
import numpy as np
import torch

class Draws(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr * (0.5 + random.random()))

    def step(self, closure=None):
        self.param_groups[0]["lr"] *= 1 + 0.1 * random.gauss(0, 1) + 0.1 * np.random.randn()
        super().step(closure)
"""


def drawn(generator: torch.Generator, numbers: int) -> list[float]:
    return torch.rand(numbers, generator=generator).tolist()


def test_each_borrower_draws_its_own_stream_as_if_it_were_alone() -> None:
    first, second = Noise(1, CPU), Noise(2, CPU)
    found: dict[int, list[float]] = {1: [], 2: []}
    with SharedNoise(CPU) as shared:
        for _ in range(3):
            for seed, noise in ((1, first), (2, second)):
                shared.lend(noise)
                found[seed].append(torch.rand(()).item())
    for seed, values in found.items():
        alone = torch.Generator().manual_seed(documented_seed("noise", seed))
        assert values == drawn(alone, 1) + drawn(alone, 1) + drawn(alone, 1)


def test_what_was_drawn_while_lent_is_drawn_from_the_runs_own_generator_too() -> None:
    noise = Noise(3, CPU)
    with SharedNoise(CPU) as shared:
        shared.lend(noise)
        torch.rand(5)
        shared.take_back()
        after = drawn(noise.cpu, 2)
        shared.lend(noise)
        later = torch.rand(2).tolist()
    alone = torch.Generator().manual_seed(documented_seed("noise", 3))
    drawn(alone, 5)
    assert after == drawn(alone, 2)
    assert later == drawn(alone, 2)


def test_torchs_own_generator_is_given_back_even_after_an_error() -> None:
    def draw_and_fail() -> None:
        with SharedNoise(CPU) as shared:
            shared.lend(Noise(1, CPU))
            torch.rand(3)
            raise KeyError

    torch.manual_seed(5)
    before = torch.get_rng_state()
    with pytest.raises(KeyError):
        draw_and_fail()
    assert torch.equal(torch.get_rng_state(), before)


def test_training_that_was_left_in_the_middle_may_end_while_another_trains(tmp_path: Path) -> None:
    write_plugin(tmp_path, DRAWS)
    (run,) = make_runs(tmp_path, optimizer="./plugin.py:Draws")
    undisturbed, disturbed = make_learner(run), make_learner(run)
    train_all(undisturbed)
    left = [train([make_learner(run)])]
    next(left[0])
    with reproducible(CPU):
        for record in train([disturbed]):
            if isinstance(record, Evaluation):
                left.clear()
    assert disturbed.rows == undisturbed.rows


def test_a_stored_state_goes_on_where_it_was() -> None:
    noise, again = Noise(1, CPU), Noise(9, CPU)
    drawn(noise.cpu, 4)
    again.restore(noise.state())
    assert drawn(again.cpu, 3) == drawn(noise.cpu, 3)


def test_ones_own_code_draws_from_python_and_numpy_by_the_runs_seed_alone(tmp_path: Path) -> None:
    write_plugin(tmp_path, DRAWS)
    training = {"epochs": 2, "batch_size": 16}
    runs = make_runs(tmp_path, optimizer="./plugin.py:Draws", training=training, seeds=2)
    expected = alone(runs)
    random.seed(7)
    np.random.seed(7)
    before = python_state()
    assert in_cohorts(runs, 2) == expected
    assert str(python_state()) == str(before)
    assert expected[0]["rows"] != expected[1]["rows"]
    (sealed,) = stopped([make_learner(runs[0])], 4)
    (found,) = traces([resumed(runs[0], sealed)])
    assert_ends_as(found, expected[0])
