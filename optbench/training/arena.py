"""Memory for the values of a recorded step: those that are done with make room for later ones."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optbench.training.recording import Recording

# Bytes. Kernels round by the alignment of their operands, and vector instructions take up to 64.
ALIGNMENT = 128


def padded(size: int) -> int:
    """Bytes that begin and end at the alignment; at least one unit of it."""
    return -(-max(size, 1) // ALIGNMENT) * ALIGNMENT


class Arena:
    """Offsets in bytes, by number, of what a recording's kernels read and write in a run.

    What is left when the step is over, the gradients, and the parameters have memory elsewhere.
    `size` is what a run takes.
    """

    def __init__(self, recording: Recording) -> None:
        self._sizes = [padded(memory.bytes) for memory in recording.memories]
        self._free: list[tuple[int, int]] = []  # start and size, by start
        self.size = 0
        self.offsets: dict[int, int] = {}
        left = [*recording.tensors.values(), *recording.gradients.values()]
        elsewhere = {place.memory for place in left}
        kept = _kept(recording) - elsewhere
        for index in sorted(kept):
            self.offsets[index] = self._take(self._sizes[index])
        used = [
            {place.memory for place in operation.places} - kept - elsewhere
            for operation in recording.operations
        ]
        last = {index: step for step, indices in enumerate(used) for index in indices}
        for step, indices in enumerate(used):
            for index in sorted(indices - self.offsets.keys()):
                self.offsets[index] = self._take(self._sizes[index])
            for index in sorted(index for index in indices if last[index] == step):
                self._give_back(self.offsets[index], self._sizes[index])
        if self.size // ALIGNMENT % 2 == 0:  # runs a power of two apart would share cache lines
            self.size += ALIGNMENT

    def _take(self, size: int) -> int:
        """The first gap that is large enough, or the end."""
        for number, (start, room) in enumerate(self._free):
            if room >= size:
                rest = [(start + size, room - size)] if room > size else []
                self._free[number : number + 1] = rest
                return start
        self.size += size
        return self.size - size

    def _give_back(self, start: int, size: int) -> None:
        bisect.insort(self._free, (start, size))
        merged: list[tuple[int, int]] = []
        for begin, room in self._free:
            if merged and sum(merged[-1]) == begin:
                merged[-1] = merged[-1][0], merged[-1][1] + room
            else:
                merged.append((begin, room))
        self._free = merged


def _kept(recording: Recording) -> set[int]:
    """Memories that are filled before the first kernel, or read after the last."""
    ends = (recording.inputs, recording.targets, recording.loss, recording.outputs)
    kept = {place.memory for place in ends}
    constant = {i for i, memory in enumerate(recording.memories) if memory.constant is not None}
    return kept | constant
