from __future__ import annotations

import hashlib
import itertools
import random

import torch
from plain_loop import documented_seed

from optbench.training.seeding import batch_order, derive, global_stream

CPU = torch.device("cpu")


def test_a_stream_is_seeded_as_documented() -> None:
    text = b"optbench/weights/3/0"
    first8 = hashlib.sha256(text).hexdigest()[:16]
    assert derive(3, "weights") == int(first8, 16) // 2
    assert derive(3, "batches", 7) == documented_seed("batches", 3, 7)


def test_no_two_streams_share_a_seed() -> None:
    named = itertools.product(range(50), ("weights", "batches", "noise"), range(20))
    seeds = {derive(seed, stream, index) for seed, stream, index in named}
    assert len(seeds) == 50 * 3 * 20
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_an_order_is_a_permutation_that_its_seed_and_epoch_fix() -> None:
    order = batch_order(0, 0, 1000)
    assert sorted(order.tolist()) == list(range(1000))
    assert torch.equal(order, batch_order(0, 0, 1000))
    assert not torch.equal(order, batch_order(0, 1, 1000))
    assert not torch.equal(order, batch_order(1, 0, 1000))


def test_an_order_takes_nothing_from_the_global_generator() -> None:
    before = torch.get_rng_state()
    batch_order(0, 0, 1000)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_use_that_was_left_and_ends_within_another_changes_nothing_that_it_draws() -> None:
    before = torch.get_rng_state(), random.getstate()
    with global_stream(5, "weights"):
        expected = torch.rand(3), random.random()
    left = global_stream(6, "weights")
    left.__enter__()
    with global_stream(5, "weights"):
        left.__exit__(None, None, None)
        assert torch.equal(torch.rand(3), expected[0])
        assert random.random() == expected[1]
    torch.set_rng_state(before[0])
    random.setstate(before[1])


def test_a_global_stream_is_given_back_even_after_an_error() -> None:
    before = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        try:
            with global_stream(5, "weights"):
                drawn.append(torch.rand(3))
                raise ValueError
        except ValueError:
            pass
    assert torch.equal(*drawn)
    assert torch.equal(torch.get_rng_state(), before)
