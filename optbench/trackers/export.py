"""Stored runs told to a tracker afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.trackers.tracker import TrackedRun, step_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optbench.store.stored_run import StoredRun
    from optbench.trackers.tracker import Tracker


def export(runs: Iterable[StoredRun], tracker: Tracker) -> Iterator[tuple[StoredRun, int]]:
    """Tell a tracker what it doesn't have of each run; yields it with the number of new rows.

    Raises whatever the tracker raises, and StoreError for damaged rows.
    """
    for run in runs:
        tracked = TrackedRun.of(run.result.run, run.result.config, run.path)
        rows = run.rows
        last = tracker.begin(tracked)
        new = [row for row in rows if step_of(row) > last]
        for row in new:
            tracker.log(tracked, row)
        tracker.end(tracked, run.status)
        yield run, len(new)
    tracker.close()
