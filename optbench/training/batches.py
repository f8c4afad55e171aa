"""The next batch of each run; runs of one seed share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from optbench.training.data import Split
    from optbench.training.learner import Learner
    from optbench.training.network import Batch


def inputs_of_epoch(learner: Learner, epoch: int) -> Iterator[Tensor]:
    """The inputs `[batch, *input_shape]` of an epoch's batches, for once more."""
    examples = learner.data.epoch(learner.run.seed, epoch)
    for chosen in torch.split(learner.order(epoch), learner.batch_size):
        yield examples.pick(chosen)[0]


class SharedBatches:
    """Batches in the order of each run's seed, gathered once for all that are at one step."""

    def __init__(self) -> None:
        self.orders: dict[int, tuple[int, Tensor]] = {}
        self.gathered: dict[int, tuple[tuple[int, int], Batch]] = {}
        self.streamed: dict[int, tuple[int, Split]] = {}

    def next(self, learner: Learner, place: int = 0) -> Batch:
        """Inputs and targets of the learner's next step.

        `place` counts its batches from 0, where it has several.
        """
        seed, key = learner.run.seed, (learner.steps, place)
        if seed not in self.gathered or self.gathered[seed][0] != key:
            epoch, index = learner.next_position
            start = index * learner.step_examples + place * learner.batch_size
            chosen = self._order(learner, epoch)[start : start + learner.batch_size]
            self.gathered[seed] = key, self._examples(learner, epoch).pick(chosen)
        return self.gathered[seed][1]

    def _examples(self, learner: Learner, epoch: int) -> Split:
        """What an epoch trains on; drawn anew, it is the same for all runs of a seed."""
        seed = learner.run.seed
        if learner.data.stream is None:
            return learner.data.train
        if seed not in self.streamed or self.streamed[seed][0] != epoch:
            self.streamed[seed] = epoch, learner.data.epoch(seed, epoch)
        return self.streamed[seed][1]

    def _order(self, learner: Learner, epoch: int) -> Tensor:
        seed = learner.run.seed
        if seed not in self.orders or self.orders[seed][0] != epoch:
            self.orders[seed] = epoch, learner.order(epoch)
        return self.orders[seed][1]
