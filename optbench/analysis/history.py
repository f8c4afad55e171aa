"""Runs of the same settings from two stores, before and after."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.analysis.interval import Estimate, t_interval
from optbench.analysis.setting import Setting, group_settings, labels
from optbench.analysis.target import final
from optbench.config.canonical import digest
from optbench.config.spec import UNHASHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optbench.analysis.metric import Metric
    from optbench.store.stored_run import StoredRun


@dataclass(frozen=True)
class History:
    """The runs of one setting, each side in the order of its seeds."""

    setting: Setting  # of both sides
    label: str
    before: Mapping[int, StoredRun]
    after: Mapping[int, StoredRun]

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """Those that finished on both sides."""
        finished = {seed for seed, run in self.after.items() if run.finished}
        return tuple(s for s, run in self.before.items() if run.finished and s in finished)

    @cached_property
    def same(self) -> tuple[int, ...]:
        return tuple(seed for seed in self.seeds if self._is_same(seed))

    @cached_property
    def broken(self) -> tuple[int, ...]:
        return tuple(
            seed
            for seed, run in self.before.items()
            if run.status == "completed"
            and seed in self.after
            and self.after[seed].status in ("diverged", "failed")
        )

    @cached_property
    def unfinished(self) -> tuple[int, ...]:
        """Finished before; now missing or not at their end, where the setting is there at all."""
        known = {*self.seeds, *self.broken}
        finished = (seed for seed, run in self.before.items() if run.finished)
        return tuple(seed for seed in finished if self.after and seed not in known)

    @property
    def is_to_judge(self) -> bool:
        """Whether numbers differ, and no seed that broke has settled what that means."""
        return len(self.same) < len(self.seeds) and not self.broken

    def pair(self) -> tuple[list[StoredRun], list[StoredRun]]:
        """The runs now and before at the seeds that finished in both."""
        return [self.after[seed] for seed in self.seeds], [self.before[s] for s in self.seeds]

    def estimates(self, metric: Metric) -> tuple[Estimate | None, Estimate | None]:
        """Of the metric before and now, over the seeds that completed on every side there is."""
        sides = [_finals(side.values(), metric) for side in (self.before, self.after)]
        if self.before and self.after:
            shared = sides[0].keys() & sides[1].keys()
            sides = [{seed: side[seed] for seed in sorted(shared)} for side in sides]
        then, now = (t_interval([*side.values()]) if side else None for side in sides)
        return then, now

    def _is_same(self, seed: int) -> bool:
        """Whether the seed left the same metrics.csv; both were read and match their digests."""
        digests = [side[seed].result.files.get("metrics.csv") for side in (self.before, self.after)]
        return digests[0] is not None and digests[0] == digests[1]


def setting_key(run: StoredRun) -> str:
    """The setting's hash; of somebody's own optimizer or schedule without the content of its file.

    A change of that file is what is asked about: the hash would make it another setting.
    """
    config = run.result.config
    names = [str(config[part]["name"]) for part in ("optimizer", "schedule")]
    if not any(".py:" in name for name in names):
        return run.result.setting
    parts = [
        dict(config[part]) | {"name": Path(name).name}
        for part, name in zip(("optimizer", "schedule"), names, strict=True)
    ]
    training = {key: value for key, value in config["training"].items() if key not in UNHASHED}
    return digest({"parts": parts, "training": training, "of": run.result.problem})


def _finals(runs: Iterable[StoredRun], metric: Metric) -> dict[int, float]:
    """Seed → final value of the completed runs that measured it."""
    completed = (run for run in runs if run.status == "completed")
    values = {run.result.seed: final(run, metric.name) for run in completed}
    return {seed: value for seed, value in values.items() if value is not None}


def histories(before: Iterable[StoredRun], after: Iterable[StoredRun]) -> list[list[History]]:
    """The settings of each problem, both in stable order."""
    sides = _by_setting(before), _by_setting(after)
    grouped: dict[str, list[StoredRun]] = defaultdict(list)
    for run in (run for side in sides for seeds in side.values() for run in seeds.values()):
        grouped[run.result.problem].append(run)
    ordered = sorted(grouped.items(), key=lambda item: (item[1][0].result.labels.problem, item[0]))
    return [_of_problem(group_settings(members, setting_key), *sides) for _, members in ordered]


def _of_problem(
    settings: Sequence[Setting],
    before: Mapping[str, Mapping[int, StoredRun]],
    after: Mapping[str, Mapping[int, StoredRun]],
) -> list[History]:
    return [
        History(setting, label, before.get(setting.key, {}), after.get(setting.key, {}))
        for setting, label in zip(settings, labels(settings), strict=True)
    ]


def _by_setting(runs: Iterable[StoredRun]) -> dict[str, dict[int, StoredRun]]:
    found: dict[str, dict[int, StoredRun]] = defaultdict(dict)
    for run in sorted(runs, key=lambda run: run.result.seed):
        found[setting_key(run)][run.result.seed] = run
    return found
