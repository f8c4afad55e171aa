"""Recorded steps: when one is taken again, and where its values lie."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn import functional

from optbench.catalog.models.gru import GRU
from optbench.catalog.models.vit import ViT
from optbench.training.arena import ALIGNMENT, Arena
from optbench.training.recording import Recording, record, recorded

BATCH = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 0])


def vit(heads: int = 2, dropout: float = 0.0) -> nn.Module:
    return ViT([1, 8, 8], 3, width=8, depth=1, heads=heads, dropout=dropout)


def test_models_built_alike_share_a_recording() -> None:
    first = recorded(vit(), functional.cross_entropy, BATCH)
    assert recorded(vit(), functional.cross_entropy, BATCH) is first
    smaller = BATCH[0][:3], BATCH[1][:3]
    assert recorded(vit(), functional.cross_entropy, smaller) is not first
    assert recorded(vit(), functional.multi_margin_loss, BATCH) is not first


def test_models_that_differ_in_more_than_values_do_not() -> None:
    others = [vit(heads=4), vit(dropout=0.5), vit(dropout=0.25), vit().double(), vit().eval()]
    others.append(vit())
    next(others[-1].parameters()).requires_grad = False
    untied = nn.Sequential(nn.Linear(64, 3, bias=False), nn.Linear(3, 3), nn.Linear(3, 3))
    tied = copy.deepcopy(untied)
    tied[2].weight = tied[1].weight
    flat = BATCH[0].flatten(1), BATCH[1]
    found = [recorded(vit(), functional.cross_entropy, BATCH)]
    for model in others:
        inputs = BATCH[0].to(next(model.parameters()).dtype)
        found.append(recorded(model, functional.cross_entropy, (inputs, BATCH[1])))
    found += [recorded(model, functional.cross_entropy, flat) for model in (untied, tied)]
    assert len({id(recording) for recording in found}) == len(found) == 9


def lifetimes(recording: Recording) -> dict[int, tuple[int, int]]:
    """First and last operation that touches a memory."""
    found: dict[int, tuple[int, int]] = {}
    for step, operation in enumerate(recording.operations):
        for place in operation.places:
            first, _ = found.setdefault(place.memory, (step, step))
            found[place.memory] = first, step
    return found


def test_values_that_are_needed_at_one_time_do_not_overlap() -> None:
    recording = record(GRU([1, 9], 3, hidden=5), functional.cross_entropy, (
        torch.rand(4, 1, 9), BATCH[1],
    ))  # fmt: skip
    arena = Arena(recording)
    life = lifetimes(recording)
    ends = (recording.inputs, recording.targets, recording.loss, recording.outputs)
    always = {place.memory for place in ends}
    spans = [
        (start, start + recording.memories[index].bytes, *life[index], index in always)
        for index, start in arena.offsets.items()
    ]
    for number, (start, end, first, last, kept) in enumerate(spans):
        assert start % ALIGNMENT == 0
        assert end <= arena.size
        for other_start, other_end, other_first, other_last, other_kept in spans[:number]:
            at_once = (first <= other_last and other_first <= last) or kept or other_kept
            assert not at_once or end <= other_start or other_end <= start
    total = sum(memory.bytes for memory in recording.memories)
    assert arena.size < total / 2  # most of them make room


def test_parameters_and_gradients_lie_elsewhere() -> None:
    recording = record(vit(), functional.cross_entropy, BATCH)
    arena = Arena(recording)
    places = [*recording.tensors.values(), *recording.gradients.values()]
    assert len(recording.gradients) == len(recording.tensors)
    assert not {place.memory for place in places} & arena.offsets.keys()
