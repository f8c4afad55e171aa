"""The next batch of each run; runs of one seed share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from torch import Tensor

    from optbench.training.learner import Learner
    from optbench.training.network import Batch


class Epoch:
    """The examples that a run of some seed trains on in one epoch, in their order, augmented."""

    def __init__(self, learner: Learner, epoch: int) -> None:
        seed, data, augmentation = learner.run.seed, learner.data, learner.augmentation
        self.number = epoch
        self.examples = data.epoch(seed, epoch)
        self.order = learner.order(epoch)
        drawn = len(self.order), data.device
        self.draws = None if augmentation is None else augmentation.draw(seed, epoch, *drawn)

    def batch(self, start: int, size: int) -> Batch:
        """Inputs and targets of the next `size` examples from `start` on."""
        chosen = self.order[start : start + size]
        draws = self.draws
        if draws is None:
            return self.examples.pick(chosen)
        return self.examples.pick(chosen, lambda images: draws.change(images, start))


def inputs_of_epoch(learner: Learner, number: int) -> Iterator[Tensor]:
    """The inputs `[batch, *input_shape]` of an epoch's batches, for once more."""
    epoch, size = Epoch(learner, number), learner.batch_size
    return (epoch.batch(start, size)[0] for start in range(0, len(epoch.order), size))


class SharedBatches:
    """Batches of each run's seed, gathered once for all that are at one step."""

    def __init__(self) -> None:
        self.epochs: dict[Hashable, Epoch] = {}
        self.gathered: dict[Hashable, tuple[tuple[int, int], Batch]] = {}

    def next(self, learner: Learner, place: int = 0) -> Batch:
        """Inputs and targets of the learner's next step.

        `place` counts its batches from 0, where it has several.
        """
        alike, key = (learner.run.seed, learner.augmentation), (learner.steps, place)
        found = self.gathered.get(alike)
        if found is None or found[0] != key:
            number, index = learner.next_position
            if alike not in self.epochs or self.epochs[alike].number != number:
                self.epochs[alike] = Epoch(learner, number)
            start = index * learner.step_examples + place * learner.batch_size
            found = key, self.epochs[alike].batch(start, learner.batch_size)
            self.gathered[alike] = found
        return found[1]
