"""Runs of one comparison that were made by other software, or on another machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.audit.contest import Contest, Flaw, listed
from optbench.analysis.audit.mending import train

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.store.stored_run import StoredRun

_MATTERS = ("torch", "device", "threads", "optbench")


def unlike_environment(contest: Contest) -> Iterator[Flaw]:
    """Other torch, device, threads or optbench than the newest run's."""
    runs = [run for entrant in contest.entrants for run in entrant.runs if run.finished]
    values = {key: {_value(run, key) for run in runs} for key in _MATTERS}
    unlike = {key: found for key, found in values.items() if len(found) > 1}
    if not unlike:
        return
    newest = max(runs, key=lambda run: run.result.started)
    odd = [run for run in runs if any(_value(run, k) != _value(newest, k) for k in unlike)]
    settings = {run.result.setting for run in odd}
    entrants = tuple(e for e in contest.entrants if e.row.key in settings)
    seeds = frozenset().union(*(entrant.seeds for entrant in entrants))
    told = [f"{key} ({listed(sorted(found))})" for key, found in unlike.items()]
    yield Flaw(
        f"runs differ in {listed(told)}", entrants, train(entrants, seeds, force=True), tuple(odd)
    )


def _value(run: StoredRun, key: str) -> str:
    return str(run.result.environment.get(key, "not recorded"))
