"""Where the runs of a command stand, from the events told so far."""

from __future__ import annotations

import math
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

from optbench.report.progress.labels import short_labels
from optbench.report.progress.leaders import Leader, Leaders
from optbench.report.progress.pace import Pace
from optbench.report.progress.track import Track
from optbench.report.table import safe_text
from optbench.training.events import Advanced, Busy, Ended, Event, Started, Unbegun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optbench.config.spec import Run
    from optbench.store.result import Result


LOOK_EVERY = 1.0  # seconds between two looks at the time left and the leaders


class Watched:
    """Counts, tracks of the runs in training by their hashes, pace and leaders.

    `runs` are going to be trained, from the epochs on that `begun` has by their hashes; `finished`
    were before the command began.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        finished: Sequence[tuple[Run, Result]],
        clock: Callable[[], float],
        begun: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.runs = len(runs)
        self.runs_on = Counter(run.setting.problem_hash for run in runs)
        self.total = len(runs) + len(finished)
        self.clock = clock
        self.labels = short_labels([*(r.setting for r in runs), *(r.setting for r, _ in finished)])
        self.tracks: dict[str, Track] = {}
        self.problems: dict[str, str] = {}  # their labels, by hash
        self.earlier = len(finished)
        self.statuses = Counter(result.status for _, result in finished)
        self.pace = Pace(runs, finished, clock, begun)
        self.leaders = Leaders()
        self._cohorts = _Cohorts()
        self._whole: tuple[float, float | None] = 0.0, None
        self._best: dict[str, list[Leader]] = {}
        self._looked_at = -math.inf
        for run, result in finished:
            self.leaders.add(run, result)
            self.problems[run.setting.problem_hash] = safe_text(result.labels.problem)

    @property
    def ended(self) -> int:
        return self.statuses.total()

    @property
    def waiting(self) -> int:
        return self.total - self.ended - len(self.tracks)

    @property
    def whole(self) -> tuple[float, float | None]:
        """The share of the study that is done and the seconds left."""
        self._look()
        return self._whole

    @property
    def best(self) -> dict[str, list[Leader]]:
        """The leaders of each problem, by its hash."""
        self._look()
        return self._best

    @property
    def cohorts(self) -> list[list[Track]]:
        """The runs in training, by the cohort they train with."""
        grouped: dict[int, list[Track]] = {}
        for track in self.tracks.values():
            grouped.setdefault(track.cohort, []).append(track)
        return list(grouped.values())

    def follow(self, event: Event) -> Track | None:
        """Take an event in; returns the track that it belongs to, which an end closes."""
        if isinstance(event, Advanced):
            track = self.tracks.get(event.run.hash)
            if track is not None:
                self.pace.advance(track, event)
            return track
        before = self.tracks.pop(event.run.hash, None)
        if before is not None:
            self.pace.drop(before)
        if isinstance(event, Busy | Unbegun):  # no part of what is to be done here
            self.pace.leave(event.run)
            self.total -= 1
            return None
        return self._begin(event) if isinstance(event, Started) else self._end(event, before)

    def _look(self) -> None:
        """Work out what takes longer than to draw it, once a second."""
        now = self.clock()
        if now >= self._looked_at + LOOK_EVERY:
            self._looked_at = now
            tracks = list(self.tracks.values())
            self._whole = self.pace.look(tracks)
            self._best = self.leaders.of_each_problem(tracks)

    def _begin(self, event: Started) -> Track:
        track = Track(event, self.label(event.run), self.clock, self._cohorts.of(event))
        self.tracks[event.run.hash] = track
        self.problems.setdefault(event.run.setting.problem_hash, safe_text(event.problem))
        self.pace.begin(track)
        return track

    def _end(self, event: Ended, track: Track | None) -> Track | None:
        steps = int((event.result.last or {}).get("steps") or 0)
        self.pace.end(event.run, max(steps, track.steps if track else 0), track)
        self.statuses[event.result.status] += 1
        self.leaders.add(event.run, event.result)
        return track

    def label(self, run: Run) -> str:
        return self.labels.get(run.setting.setting_hash, run.setting.label)


class _Cohorts:
    """Numbers the cohorts: runs that begin alike belong together until theirs is complete."""

    def __init__(self) -> None:
        self._latest = 0
        self._open: dict[tuple[object, ...], tuple[int, int]] = {}  # number, runs still to come

    def of(self, event: Started) -> int:
        key = event.problem, event.step_examples, event.steps, event.total, event.cohort
        number, missing = self._open.pop(key, (0, 0))
        if not missing:
            self._latest += 1
            number, missing = self._latest, event.cohort
        if missing > 1:
            self._open[key] = number, missing - 1
        return number
