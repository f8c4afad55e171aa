"""The best setting of each optimizer so far, by what the tables select by."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from optbench.analysis.selection import criterion, ranked
from optbench.analysis.setting import Setting, family, group_settings
from optbench.analysis.target import final
from optbench.store.stored_run import StoredRun

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.config.spec import Run
    from optbench.report.progress.track import Track
    from optbench.store.metrics import Row
    from optbench.store.result import Result


@dataclass(frozen=True)
class Leader:
    """An optimizer's best setting, by its hash: the value, and of how many finished runs.

    Before any run of the optimizer is finished, its best run in training, at an `epoch`.
    """

    optimizer: str
    setting: str
    column: str
    value: float
    runs: int
    epoch: str = ""


class Leaders:
    """Keeps the best of each problem's optimizers; only what changed is ranked again."""

    def __init__(self) -> None:
        self._ended: defaultdict[tuple[str, str], list[StoredRun]] = defaultdict(list)
        self._columns: dict[str, str] = {}
        self._best: dict[tuple[str, str], Leader | None] = {}

    def add(self, run: Run, result: Result) -> None:
        """Count a run that has ended."""
        place = run.setting.problem_hash, family(run.setting.optimizer)
        stored = _LastRow(Path(), result)
        self._ended[place].append(stored)
        self._best.pop(place, None)
        if result.status == "completed" and place[0] not in self._columns:
            self._columns[place[0]] = criterion([Setting(result.setting, (stored,))])

    def of_each_problem(self, tracks: Iterable[Track]) -> dict[str, list[Leader]]:
        """By problem hash: the best of each optimizer, those of finished runs first."""
        found: defaultdict[str, dict[str, Leader]] = defaultdict(dict)
        for problem, leader in _in_training(tracks):
            known = found[problem].get(leader.optimizer)
            if known is None or _rank(leader) < _rank(known):
                found[problem][leader.optimizer] = leader
        for problem, optimizer in self._ended:
            best = self._leader(problem, optimizer)
            if best is not None:
                found[problem][optimizer] = best
        return {problem: sorted(best.values(), key=_rank) for problem, best in found.items()}

    def _leader(self, problem: str, optimizer: str) -> Leader | None:
        place = problem, optimizer
        if place not in self._best:
            column = self._columns.get(problem, "train_loss")
            self._best[place] = _best(self._ended[place], optimizer, column)
        return self._best[place]


class _LastRow(StoredRun):
    """A run that has ended, of which the last row alone is of interest: no file is read."""

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return () if self.result.last is None else (self.result.last,)


def _best(runs: Iterable[StoredRun], optimizer: str, column: str) -> Leader | None:
    best = ranked(group_settings(runs), column)[0]
    values = [final(run, column) for run in best.completed]
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Leader(optimizer, best.key, column, fmean(known), len(known))


def _in_training(tracks: Iterable[Track]) -> Iterable[tuple[str, Leader]]:
    for track in tracks:
        setting, row = track.event.run.setting, track.row
        column = "train_loss" if row.get("val_loss") is None else "val_loss"
        value = row.get(column)
        if row.get("steps") and value is not None and math.isfinite(value):
            name = family(setting.optimizer)
            leader = Leader(name, setting.setting_hash, column, value, 0, _epoch(track))
            yield setting.problem_hash, leader


def _epoch(track: Track) -> str:
    """`3/5`, at the last row."""
    epochs = track.event.epochs
    return f"{track.measured * epochs // track.event.total}/{epochs}"


def _rank(leader: Leader) -> tuple[bool, float]:
    """Finished runs first; of those in training, the best by its last row."""
    return not leader.runs, leader.value
