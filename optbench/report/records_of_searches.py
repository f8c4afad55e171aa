"""Searches for programs: budgets, trials and tuning curves, at full precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.analysis.pictures.tuning import problem_tuning

if TYPE_CHECKING:
    from optbench.analysis.pictures.tuning import Duel, TuningCurve
    from optbench.analysis.search import ProblemSearch, Search, Tried


def search_record(found: ProblemSearch) -> dict[str, Any]:
    """One search as plain nested data; docs/formats.md describes it."""
    tuning = problem_tuning(found)
    curves = {curve.search.label: _curve(curve) for curve in tuning.curves}
    return {
        "problem": found.problem,
        "experiment": found.experiment,
        "metric": found.metric.name,
        "objective": found.objective,
        "sampler": found.sampler,
        "pruner": found.pruner,
        "trials": found.trials,
        "epochs": found.epochs,
        "seeds": found.seeds,
        "contenders": [_contender(one, curves.get(one.label, [])) for one in found.searches],
        "duels": [_duel(duel) for duel in tuning.duels],
    }


def _contender(search: Search, curve: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "label": search.label,
        "best": search.best,
        "trials": [_trial(one) for one in search.tried],
        "curve": curve,
    }


def _trial(one: Tried) -> dict[str, Any]:
    """A value that is infinite, of a trial that diverged, is null in strict JSON."""
    return {
        "number": one.number,
        "values": dict(one.values),
        "status": one.fate,
        "objective": one.objective,
        "metric": one.metric,
        "epochs": one.epochs,
    }


def _curve(curve: TuningCurve) -> list[dict[str, Any]]:
    return [
        {"k": one.k, "value": one.value, "low": one.low, "high": one.high} for one in curve.budgets
    ]


def _duel(duel: Duel) -> dict[str, Any]:
    crossing = duel.certain
    return {
        "first": duel.first,
        "second": duel.second,
        "ahead": duel.ahead,
        "ahead_from": duel.crossed or 1,
        "crossing": None if crossing is None else [crossing.before, crossing.after],
        "better": duel.better,
        "better_with": None if duel.told_apart is None else list(duel.told_apart),
        "trusted": duel.trusted,
    }
