"""How much of a study is done and how long the rest takes, from the runs told of so far."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from optbench.training.records import Evaluation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optbench.config.spec import Run, Setting
    from optbench.report.progress.track import Track
    from optbench.store.result import Result
    from optbench.training.events import Advanced

SETTLED = 2.0  # seconds before which a first guess would jump about


@dataclass
class _Kind:
    """Settings whose steps cost about the same: of one problem, optimizer and size of batches.

    Steps `before` this command, `done` by it and `left` to runs in training.
    """

    before: int = 0
    done: int = 0
    left: int = 0
    timed: int = 0  # steps that took `seconds`
    seconds: float = 0.0

    def step_seconds(self, otherwise: float) -> float:
        return self.seconds / self.timed if self.timed and self.seconds else otherwise


@dataclass
class _Forecast:
    """What runs of one setting are going to take: those `waiting`, by those that `ended`.

    Of one that goes on from a shorter run only the part waits that is left.
    """

    setting: Setting
    kind: _Kind
    waiting: float = 0.0
    ended: int = 0
    ended_steps: int = 0


class Pace:
    """Counts steps, each weighed by what a step of its kind costs.

    What a step costs comes from the seconds in the runs' evaluations, their share of a cohort's;
    a kind not yet met costs as much as the mean. A run that has not begun is taken to end where
    its setting's other seeds did, so diverging settings are not waited for to their last epoch.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        finished: Sequence[tuple[Run, Result]],
        clock: Callable[[], float],
        begun: Mapping[str, int],
    ) -> None:
        self.clock = clock
        self.began: float | None = None
        self._kinds: defaultdict[tuple[str, str, str], _Kind] = defaultdict(_Kind)
        self._forecasts: dict[str, _Forecast] = {}
        self._examples: dict[str, int] = {}  # an epoch has, by problem
        self._waiting = {run.hash: 1 - begun.get(run.hash, 0) / run.setting.epochs for run in runs}
        for run in runs:
            self._forecast(run.setting).waiting += self._waiting[run.hash]
        for run, result in finished:
            self._finished(run, result)

    def begin(self, track: Track) -> None:
        event = track.event
        self.began = self.clock() if self.began is None else self.began
        setting = event.run.setting
        self._examples[setting.problem_hash] = event.total // event.epochs * event.step_examples
        forecast = self._no_longer_waiting(event.run)
        forecast.kind.before += event.steps
        forecast.kind.left += event.total - event.steps

    def advance(self, track: Track, event: Advanced) -> None:
        """Take what a run in training has done, which moves its track on."""
        kind = self._forecast(track.event.run.setting).kind
        steps, measured = track.steps, track.measured
        track.advance(event)
        kind.done += track.steps - steps
        kind.left -= track.steps - steps
        if isinstance(event.record, Evaluation):
            kind.timed += track.measured - measured
            kind.seconds += event.record.train_seconds + event.record.evaluation_seconds

    def drop(self, track: Track) -> None:
        """The run goes on no longer: it ended, or begins again."""
        self._forecast(track.event.run.setting).kind.left -= track.event.total - track.steps

    def leave(self, run: Run) -> None:
        """A run is not to be trained here after all."""
        self._no_longer_waiting(run)

    def end(self, run: Run, steps: int, track: Track | None) -> None:
        """A run has ended after so many steps; without a track it was trained by others."""
        forecast = self._no_longer_waiting(run)
        forecast.ended += 1
        forecast.ended_steps += steps
        if track is None:
            forecast.kind.before += steps
        else:
            forecast.kind.done += steps - track.steps

    @property
    def elapsed(self) -> float | None:
        """Seconds since the first run began."""
        return None if self.began is None else self.clock() - self.began

    def look(self, tracks: Sequence[Track]) -> tuple[float, float | None]:
        """The share of the whole that is done, and the seconds left; None before one can tell.

        No less than the slowest run in training needs: at the end workers stand idle.
        """
        mean = self._mean_step_seconds()
        before = done = left = 0.0
        for kind in self._kinds.values():
            cost = kind.step_seconds(mean)
            before, done = before + kind.before * cost, done + kind.done * cost
            left += kind.left * cost
        for forecast in self._forecasts.values():
            if forecast.waiting:
                steps = forecast.waiting * self._expected(forecast)
                left += steps * forecast.kind.step_seconds(mean)
        whole = before + done + left
        share = (before + done) / whole if whole else 0.0
        elapsed = self.elapsed
        if not done or elapsed is None or elapsed < SETTLED:
            return share, None
        longest = max((track.seconds_left or 0.0 for track in tracks), default=0.0)
        return share, max(left * elapsed / done, longest)

    def _forecast(self, setting: Setting) -> _Forecast:
        known = self._forecasts.get(setting.setting_hash)
        if known is None:
            batches = setting.training["batch_size"], setting.training.get("accumulate")
            key = setting.problem_hash, str(setting.optimizer["name"]), str(batches)
            known = self._forecasts[setting.setting_hash] = _Forecast(setting, self._kinds[key])
        return known

    def _finished(self, run: Run, result: Result) -> None:
        steps = int((result.last or {}).get("steps") or 0)
        forecast = self._forecast(run.setting)
        forecast.kind.before += steps
        forecast.ended += 1
        forecast.ended_steps += steps
        self._examples[run.setting.problem_hash] = result.sizes.train

    def _no_longer_waiting(self, run: Run) -> _Forecast:
        forecast = self._forecast(run.setting)
        forecast.waiting -= self._waiting.pop(run.hash, 0)
        return forecast

    def _expected(self, forecast: _Forecast) -> float:
        """Steps of a run that has not begun."""
        if forecast.ended:
            return forecast.ended_steps / forecast.ended
        setting = forecast.setting
        examples = self._examples.get(setting.problem_hash) or fmean(self._examples.values() or [0])
        return setting.epochs * setting.epoch_steps(round(examples)) if examples else 0

    def _mean_step_seconds(self) -> float:
        timed = sum(kind.timed for kind in self._kinds.values())
        seconds = sum(kind.seconds for kind in self._kinds.values())
        return seconds / timed if timed and seconds else 1.0
