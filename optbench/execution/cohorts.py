"""Which runs train together: sized by memory, by cache, and so that no worker waits. No torch."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.execution.data import training_size

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from optbench.config.spec import Setting
    from optbench.execution.plan import Planned

MOST_RUNS = 64  # beyond, a step of a cohort costs as much a run as in a smaller one
# What a core's caches hold of parameters, gradients and optimizer state: with more, every step
# waits for memory. Five runs of the tutorials' MNIST network with Adam were the fastest.
CACHE = 8 << 20
STEP_OVERHEAD = 0.5  # what a step costs beside its runs, in runs: alone 650 µs, one of eight 400

FULL = 1 << 60  # what a run's load is counted in: so fine that rounding is less than a byte

Cohort = tuple[int, ...]

_ALIKE = (
    "batch_size",
    "evaluate_every",
    "checkpoint_every",
    "accumulate",
    "epochs",
    "compile",
    "freeze",
    "label_smoothing",
    "dtype",
)  # keys under `training`


@dataclass(frozen=True)
class Footprint:
    """What a run of one setting takes while it trains, in bytes.

    `stacked` says whether it trains together with others, `reason` why or why not. `state_bytes`
    are its parameters, their gradients and the optimizer's state, which every step goes through;
    `run_bytes` all that it takes, and `shared_bytes` what a process needs once, however many train.
    """

    stacked: bool
    reason: str
    device: str  # its type: cpu, cuda, mps
    parameter_bytes: int
    state_bytes: int
    run_bytes: int
    shared_bytes: int = 0

    @property
    def alone(self) -> int:
        """Bytes that a process needs to train one run and no more."""
        return self.shared_bytes + self.run_bytes


def make_cohorts(
    to_train: Sequence[Planned], footprints: Mapping[str, Footprint], workers: int, memory: int
) -> tuple[Cohort, ...]:
    """Deal runs into cohorts, as indices into `to_train`, in the order in which to begin them.

    Every run is in one cohort; those of a cohort keep their order and agree in problem, device
    and what `training` says of batches, epochs and rows. None takes more than `memory` bytes, but
    a run that does so by itself, which is alone. `footprints` are by setting hash. Of some ways
    to cut, finer and finer, the first is taken after which all `workers` would be done soonest.
    """
    loads = [_load(footprints[planned.run.setting.setting_hash], memory) for planned in to_train]
    groups = [
        _Group(tuple(indices), loads, _work(to_train[indices[0]], footprints))
        for indices in _together(to_train, footprints)
    ]
    coarse = sum(len(group.cut(1)) for group in groups)
    rounds = math.ceil(coarse / workers)
    total = sum(group.work * len(group.indices) for group in groups)
    ways = (
        _cut(groups, total / (workers * turns))
        for turns in sorted({*range(1, 5), *range(rounds, rounds + 4)})
    )
    best = min(ways, key=lambda way: end([cost for _, cost in way], workers))
    return tuple(cohort for cohort, _ in best)


def cohort_bytes(
    cohort: Iterable[int], to_train: Sequence[Planned], footprints: Mapping[str, Footprint]
) -> int:
    """What a process needs to train a cohort, beside itself."""
    found = [footprints[to_train[index].run.setting.setting_hash] for index in cohort]
    return max(f.shared_bytes for f in found) + sum(f.run_bytes for f in found)


def end(costs: Iterable[float], workers: int) -> float:
    """When the last of some workers is done, if each takes the next cohort once it is free."""
    free = [0.0] * workers
    for cost in costs:
        heapq.heapreplace(free, free[0] + cost)
    return max(free)


@dataclass(frozen=True)
class _Group:
    """Runs that may train together; `work` is what one costs, in any unit.

    `loads` has of every run of the plan how many of a cohort's `FULL` parts it fills.
    """

    indices: Cohort
    loads: Sequence[int]
    work: int

    def cut(self, parts: int) -> list[Cohort]:
        """So many even cohorts, the larger ones first; more where some would be too full."""
        size, larger = divmod(len(self.indices), parts)
        cohorts: list[list[int]] = [[]]
        load = 0
        for index in self.indices:
            load += self.loads[index]
            most = size + (len(cohorts) <= larger)
            if cohorts[-1] and (load > FULL or len(cohorts[-1]) == most):
                cohorts.append([])
                load = self.loads[index]
            cohorts[-1].append(index)
        return [tuple(cohort) for cohort in cohorts]


def _together(
    to_train: Sequence[Planned], footprints: Mapping[str, Footprint]
) -> Iterable[list[int]]:
    """Indices of runs that may train together, the groups by their first runs."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for index, planned in enumerate(to_train):
        setting = planned.run.setting
        footprint = footprints[setting.setting_hash]
        key = (_kind(setting), footprint.device, planned.run.device, planned.until, planned.begun)
        groups[key if footprint.stacked else index].append(index)
    return groups.values()


def _kind(setting: Setting) -> Hashable:
    """What the runs of a cohort have to agree in."""
    training = setting.training
    alike = [str(training.get(name)) for name in _ALIKE]
    return setting.problem_hash, *alike


def _load(footprint: Footprint, memory: int) -> int:
    """How much of a cohort a run fills: of the memory, the cache, or the most runs.

    At least two share a cohort however large they are, if they fit in memory: what they train
    on is then read once.
    """
    room = max(memory - footprint.shared_bytes, 1)
    cached = FULL * footprint.state_bytes // CACHE if footprint.device == "cpu" else 0
    return max(FULL // MOST_RUNS, FULL * footprint.run_bytes // room, min(cached, FULL // 2))


def _work(planned: Planned, footprints: Mapping[str, Footprint]) -> int:
    """What a run costs in comparison with others, guessed: numbers trained times examples."""
    setting = planned.run.setting
    examples = planned.epochs * training_size(setting)
    return examples * footprints[setting.setting_hash].parameter_bytes


def _cut(groups: Sequence[_Group], work: float) -> list[tuple[Cohort, float]]:
    """All groups in even cohorts of about that much work, each cohort with what it costs."""
    cohorts = []
    for group in groups:
        runs = len(group.indices)
        parts = min(math.ceil(group.work * runs / work), runs)
        cohorts += [
            (cohort, group.work * (len(cohort) + STEP_OVERHEAD)) for cohort in group.cut(parts)
        ]
    return sorted(cohorts)
