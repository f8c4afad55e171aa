"""Which seeds of two settings are paired: same initial weights, same batch order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.store.stored_run import StoredRun


def pairs(a: Iterable[StoredRun], b: Iterable[StoredRun]) -> list[tuple[StoredRun, StoredRun]]:
    """Runs of `a` with the run of `b` at the same seed whose recorded hashes agree."""
    others = {run.result.seed: run for run in b}
    return [
        (run, others[run.result.seed])
        for run in a
        if run.result.seed in others and _start_alike(run, others[run.result.seed])
    ]


def _start_alike(a: StoredRun, b: StoredRun) -> bool:
    ours, theirs = a.result.hashes, b.result.hashes
    return (
        ours.initial_weights is not None
        and ours.batch_order is not None
        and ours.initial_weights == theirs.initial_weights
        and ours.batch_order == theirs.batch_order
    )
