"""Which searched values mattered for being among the best quarter of the trials: PED-ANOVA.

Watanabe et al., "PED-ANOVA: Efficiently quantifying hyperparameter importance in arbitrary
subspaces", IJCAI 2023, as Optuna has it. It looks at the order of the trials alone, so that a few
hopeless ones don't decide, and at each value by itself. Something is always found: shuffled
orders say how much of it is chance.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.analysis.statistics.draws import named_generator
from optbench.config.spec import format_value
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optbench.analysis.search import ProblemSearch, Search, Tried
    from optbench.store.tuning import Dimension

QUARTER = 0.25
FEWEST = 12  # trials: three in the best quarter
SHUFFLES = 99
CHANCE = 0.05  # of the shuffles may give as much or more

MISSING = "parameter importances need Optuna: pip install 'optbench[tune]'"


@dataclass(frozen=True)
class Importance:
    """A searched value's share of all importance, from 0 to 1.

    `certain`: fewer than one in twenty shuffled orders of the trials give it as much.
    """

    key: str
    share: float
    certain: bool


def has_optuna() -> bool:
    """Whether importances can be told here; without importing it."""
    from importlib.util import find_spec

    return find_spec("optuna") is not None


def importances(search: Search, problem: ProblemSearch) -> tuple[Importance, ...]:
    """The searched values, the most important first; none of fewer than 12 trials or 2 values.

    Trials that were pruned stand behind those that were trained to their end, then those that
    diverged. Raises UsageError without Optuna.
    """
    told = search.told
    if len(told) < FEWEST or len(search.dimensions) < 2:
        return ()
    if not has_optuna():
        raise UsageError(MISSING)
    ranks = _ranks(told, problem)
    values = [_complete(one.values, search.dimensions) for one in told]
    if not all(values):
        return ()
    with _quiet():
        study = _study(values, search.dimensions)
        found = _evaluated(study, ranks)
        generator = named_generator(f"importances {search.label}")
        shuffled = [
            _evaluated(study, generator.permutation(ranks).tolist()) for _ in range(SHUFFLES)
        ]
    total = math.fsum(found.values())
    return tuple(
        Importance(
            key,
            found[key] / total if total else 0.0,
            (1 + sum(one[key] >= found[key] for one in shuffled)) / (SHUFFLES + 1) <= CHANCE,
        )
        for key in sorted(found, key=lambda key: -found[key])
    )


def _ranks(told: Sequence[Tried], problem: ProblemSearch) -> list[float]:
    """Places from the best, 0, to the worst; equal for equal ones."""
    sign = -1.0 if problem.higher_is_better else 1.0
    fates = ("completed", "pruned", "diverged")
    keys = [(fates.index(one.fate), sign * (one.objective or 0.0)) for one in told]
    order = sorted(set(keys))
    return [float(order.index(key)) for key in keys]


def _complete(values: Mapping[str, Any], dimensions: Sequence[Dimension]) -> dict[str, Any]:
    """The values as Optuna takes them; empty where one is missing."""
    if any(one.key not in values for one in dimensions):
        return {}
    return {
        one.key: values[one.key] if one.is_range else format_value(values[one.key])
        for one in dimensions
    }


def _study(values: Sequence[Mapping[str, Any]], dimensions: Sequence[Dimension]) -> Any:
    """A study of trials with these values; how they rank is said apart."""
    import optuna

    told = {one.key: _distribution(one, [each[one.key] for each in values]) for one in dimensions}
    study = optuna.create_study()
    study.add_trials(
        optuna.trial.create_trial(params=dict(params), distributions=told, value=0.0)
        for params in values
    )
    return study


def _evaluated(study: Any, ranks: Sequence[float]) -> dict[str, float]:
    import optuna

    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=QUARTER)
    found = optuna.importance.get_param_importances(
        study, evaluator=evaluator, target=lambda trial: ranks[trial.number], normalize=False
    )
    return {key: float(value) for key, value in found.items()}


def _distribution(dimension: Dimension, values: Sequence[Any]) -> Any:
    """The space, with what a search tried outside it before it was changed."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not dimension.is_range:
        return CategoricalDistribution(sorted(set(values)))
    low = min([*values, *([] if dimension.low is None else [dimension.low])])
    high = max([*values, *([] if dimension.high is None else [dimension.high])])
    if dimension.kind == "integer":
        return IntDistribution(int(low), int(high))
    return FloatDistribution(low, high, log=dimension.kind == "loguniform")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's words on the screen: about studies, what may change in it, what is low."""
    import warnings

    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.filterwarnings("ignore", ".* computes the importances of params to achieve")
            yield
    finally:
        optuna.logging.set_verbosity(before)
