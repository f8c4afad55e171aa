"""Generators lent to code that draws from torch's global ones."""

from __future__ import annotations

import pytest
import torch
from plain_loop import documented_seed

from optbench.training.noise import Noise, SharedNoise

CPU = torch.device("cpu")


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


def test_a_stored_state_goes_on_where_it_was() -> None:
    noise, again = Noise(1, CPU), Noise(9, CPU)
    drawn(noise.cpu, 4)
    again.restore(noise.state())
    assert drawn(again.cpu, 3) == drawn(noise.cpu, 3)
