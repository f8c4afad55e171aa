"""Which values to try next: Optuna's samplers, asked in batches and told in the order asked.

A batch depends on the trials before it alone, so that the same results give the same proposals,
however many processes trained them and however often the command was stopped in between.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any, Protocol

from optbench.analysis.trials import higher_is_better
from optbench.config.canonical import digest
from optbench.errors import UsageError
from optbench.tuning.extra import load_optuna, quietly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.analysis.trials import Outcome
    from optbench.config.tuning import Tuning
    from optbench.store.tuning import Dimension

DIGITS = 6  # significant ones of a proposed number: enough for any, and short enough to read
STARTUP = 10  # trials that TPE and the Gaussian process draw at random before they have a model
BATCH = 5  # trials of each optimizer that are asked of a sampler with a model at a time


class Proposer(Protocol):
    """Where one optimizer's trials come from."""

    def ask(self, count: int) -> list[dict[str, Any]]:
        """Values of so many trials by the dimensions' keys; fewer where there are no more."""

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """What became of the trials that were asked last, in their order."""


def make_proposer(tuning: Tuning, label: str, dimensions: Sequence[Dimension]) -> Proposer:
    """What proposes the trials of one optimizer; UsageError for a sampler that can't."""
    seed = stream_seed(tuning.sampler_seed, label)
    if tuning.sampler == "grid":
        return Grid(label, dimensions, seed)
    return Sampled(tuning, dimensions, seed)


def batch_size(tuning: Tuning, asked: int) -> int | None:
    """How many trials to ask next after `asked` ones; None for all that the budget allows."""
    size = tuning.batch
    if size is None:
        if tuning.sampler in ("random", "grid") and tuning.pruner != "median":
            return None
        size = BATCH
    return max(size, STARTUP) if not asked and tuning.sampler in ("tpe", "gp") else size


def stream_seed(seed: int, label: str) -> int:
    """The seed of an optimizer's own stream, 32 bits of SHA-256: none depends on another's."""
    return int(digest({"tuning": label, "seed": seed})[:8], 16)


def native_distribution(dimension: Dimension) -> Any:
    """A dimension as Optuna knows it."""
    known = load_optuna().distributions
    low, high = dimension.low, dimension.high
    match dimension.kind:
        case "uniform":
            return known.FloatDistribution(low, high)
        case "loguniform":
            return known.FloatDistribution(low, high, log=True)
        case "integer":
            return known.IntDistribution(low, high)
    choices = dimension.choices or ()
    return known.CategoricalDistribution([native_value(dimension, one) for one in choices])


def native_value(dimension: Dimension, value: Any) -> Any:
    """A value as Optuna knows it: what is no scalar goes by its JSON."""
    scalar = value is None or isinstance(value, str | int | float | bool)
    return value if dimension.is_range or scalar else json.dumps(value)


def _value(dimension: Dimension, proposed: Any) -> Any:
    """What stands in a trial's file: a choice as written, a number in six digits."""
    if not dimension.is_range:
        choices = dimension.choices or ()
        return next(one for one in choices if native_value(dimension, one) == proposed)
    if dimension.kind == "integer":
        return int(proposed)
    low, high = float(dimension.low or 0), float(dimension.high or 0)
    return min(max(float(f"{proposed:.{DIGITS}g}"), low), high)


class Sampled:
    """Trials from one of Optuna's samplers, over a study in memory."""

    def __init__(self, tuning: Tuning, dimensions: Sequence[Dimension], seed: int) -> None:
        optuna = load_optuna()
        self.objective = tuning.objective
        self.dimensions = dimensions
        with quietly():
            self.study = optuna.create_study(
                sampler=make_sampler(tuning, seed), direction=direction(tuning.objective)
            )
        self.asked: list[Any] = []

    def ask(self, count: int) -> list[dict[str, Any]]:
        native = {one.key: native_distribution(one) for one in self.dimensions}
        with quietly():
            self.asked = [self.study.ask(native) for _ in range(count)]
        return [
            {one.key: _value(one, trial.params[one.key]) for one in self.dimensions}
            for trial in self.asked
        ]

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        from optuna.trial import TrialState

        with quietly():
            for trial, outcome in zip(self.asked, outcomes, strict=True):
                if outcome.value is None:
                    self.study.tell(trial, state=TrialState.FAIL)
                elif outcome.status == "pruned":
                    trial.report(outcome.value, round(outcome.epochs))
                    self.study.tell(trial, state=TrialState.PRUNED)
                else:
                    self.study.tell(trial, outcome.value)
        self.asked = []


class Grid:
    """All points of finite spaces, in an order drawn once: the first of them are a fair part."""

    def __init__(self, label: str, dimensions: Sequence[Dimension], seed: int) -> None:
        from numpy.random import RandomState  # whose numbers are frozen for good (NEP 19)

        for dimension in dimensions:
            if dimension.is_range:
                raise UsageError(
                    f"the grid sampler takes points, and {label} {dimension.key} is a range; "
                    "write {grid: […]} or {logspace: [a, b, n]}, or take another sampler"
                )
        keys = [one.key for one in dimensions]
        points = list(itertools.product(*(one.choices or () for one in dimensions)))
        order = RandomState(seed).permutation(len(points))
        self.points = [dict(zip(keys, points[index], strict=True)) for index in order]
        self.asked = 0

    def ask(self, count: int) -> list[dict[str, Any]]:
        found = self.points[self.asked : self.asked + count]
        self.asked += len(found)
        return found

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """A grid learns nothing."""


def direction(objective: str) -> str:
    return "maximize" if higher_is_better(objective) else "minimize"


def make_sampler(tuning: Tuning, seed: int) -> Any:
    """Optuna's sampler of that name; UsageError where it needs a package that is missing."""
    samplers = load_optuna().samplers
    match tuning.sampler:
        case "random":
            return samplers.RandomSampler(seed=seed)
        case "gp":
            return samplers.GPSampler(seed=seed, n_startup_trials=STARTUP)
        case "cmaes":
            _check_installed("cmaes")
            return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    return samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, constant_liar=True)


def _check_installed(package: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise UsageError(f"this sampler needs the package {package}: pip install {package}")
