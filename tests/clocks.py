"""A clock that a run's own work moves, for what an interval took to be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.training.checkpoint import to_bytes
from optbench.training.part import Part

if TYPE_CHECKING:
    import pytest

    from optbench.training.learner import Learner

STEP, EPOCH_END, STORING = 1.0, 0.25, 0.03125  # seconds of a run; so short that all is committed


def clock_of_steps(patch: pytest.MonkeyPatch) -> None:
    """The training loop's clock, by which evaluations take no time."""
    now = 0.0

    def taking(seconds: float, method: str) -> None:
        original = getattr(Part, method)

        def timed(part: Part, *arguments: object, **named: object) -> None:
            nonlocal now
            now += seconds * len(part.learners)
            original(part, *arguments, **named)

        patch.setattr(Part, method, timed)

    def stored(learner: Learner, **beside: str) -> bytes:
        nonlocal now
        now += STORING
        return to_bytes(learner, **beside)

    taking(STEP, "step")
    taking(EPOCH_END, "end_epoch")
    patch.setattr("optbench.training.loop.to_bytes", stored)
    patch.setattr("optbench.training.loop.perf_counter", lambda: now)
