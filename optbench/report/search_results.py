"""A search in words: its budget, what it found, and how much search each optimizer takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.analysis.importances import MISSING, has_optuna, importances
from optbench.analysis.metric import Metric
from optbench.analysis.pictures.tuning import problem_tuning
from optbench.analysis.search import is_number
from optbench.analysis.statistics.best_of_k import TRUSTED
from optbench.analysis.verdict import judge_pairs
from optbench.config.spec import format_value, short_value
from optbench.report import words
from optbench.report.verdicts import SILENT, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.analysis.comparison import ProblemComparison
    from optbench.analysis.pictures.tuning import Budget, Duel, ProblemTuning
    from optbench.analysis.search import ProblemSearch, Search, Tried

MOST_CURVES = 4  # more optimizers than these are left to the picture

_SAMPLERS = {"tpe": "TPE", "gp": "Gaussian-process", "cmaes": "CMA-ES"}


def search_sentences(found: ProblemSearch, problem: ProblemComparison) -> Iterator[str]:
    """What was searched, the best trials and whether they beat the defaults among the compared
    settings, what a smaller budget is worth, and what mattered."""
    yield f"Searched: {searched(found)}, for the best {words.quantity(found.objective)}."
    for search in found.searches:
        yield _best(search, found)
    yield from _against_defaults(found, problem)
    tuning = problem_tuning(found)
    if 0 < len(tuning.curves) <= MOST_CURVES:
        yield from _curves(tuning)
        yield from map(_duel, tuning.duels)
    yield from _importances(found)


def searched(found: ProblemSearch) -> str:
    """`30 TPE trials each, 5 epochs a trial`; with a pruner the epochs are the budget."""
    kind = _SAMPLERS.get(str(found.sampler), str(found.sampler))
    seeds = f" on {found.seeds} seeds" if found.seeds > 1 else ""
    each = " each" if len(found.searches) > 1 else ""
    if found.pruner != "none":
        epochs = found.trials * found.epochs * found.seeds
        return f"{kind} trials{seeds} with the {found.pruner} pruner, {epochs:,} epochs{each}"
    epochs_a_trial = "1 epoch" if found.epochs == 1 else f"{found.epochs:,} epochs"
    return f"{found.trials:,} {kind} trials{each}, {epochs_a_trial} a trial{seeds}"


def fates(search: Search) -> str:
    """`2 of 30 diverged, 12 pruned`; empty where all were trained to their end."""
    counts = [(search.count(fate), fate) for fate in ("diverged", "pruned", "failed", "missing")]
    told = [(number, fate) for number, fate in counts if number]
    if not told:
        return ""
    first, fate = told[0]
    rest = [f"{number} {fate}" for number, fate in told[1:]]
    return ", ".join([f"{first} of {len(search.tried)} {fate}", *rest])


def labelled(search: Search) -> str:
    """The optimizer, and how many of its trials ended early."""
    told = fates(search)
    return f"{search.label} ({told})" if told else search.label


def written(value: Any) -> str:
    """A searched value as people read it: 0.00131, 3.1e-5, cosine."""
    if not is_number(value):
        return format_value(value)
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e")
    return short_value(float(f"{value:.3g}"))


def values_of(one: Tried) -> str:
    """`lr=0.00131, betas[1]=0.971`."""
    return ", ".join(f"{key}={written(value)}" for key, value in one.values.items())


def _best(search: Search, found: ProblemSearch) -> str:
    """`adam's best is trial 18 of 40: lr=0.00131, validation loss 0.107; 3 of 40 diverged.`"""
    chosen, told = search.chosen, fates(search)
    if chosen is None or chosen.objective is None:
        return f"{search.label}: no trial is chosen{told and f'; {told}'}."
    objective = words.value(Metric(found.objective), chosen.objective)
    return (
        f"{search.label}'s best is trial {chosen.position} of {len(search.tried):,}: "
        f"{values_of(chosen)}, with a {words.quantity(found.objective)} of {objective}"
        f"{told and f'; {told}'}."
    )


def _against_defaults(found: ProblemSearch, problem: ProblemComparison) -> Iterator[str]:
    """Of each optimizer the chosen setting against its default, with Holm's correction for all."""
    runs = {row.key: row.runs for row in problem.rows}
    pairs = {
        one.label: (runs[one.selected], runs[one.default])
        for one in found.searches
        if one.selected in runs and one.default in runs and one.selected != one.default
    }
    for label, verdict in judge_pairs(pairs, problem.metric, margin=problem.margin).items():
        if verdict.why not in SILENT:
            told = sentences(f"tuned {label}", f"default {label}", verdict, problem.metric)
            yield " ".join(told)


def _curves(tuning: ProblemTuning) -> Iterator[str]:
    """What a quarter of the trials is worth, and all of them."""
    found = tuning.found
    most = min(len(curve.budgets) for curve in tuning.curves)
    quarter = min(curve.budgets[-1].k for curve in tuning.curves) // TRUSTED
    told = [k for k in (quarter, most) if k and all(curve.at(k) for curve in tuning.curves)]
    colon = ":" if found.is_sample else ""
    parts = [
        f"{words.count(k, 'trial')}{colon} {words.listed(_worth(tuning, k))}"
        for k in dict.fromkeys(told)
    ]
    what = words.quantity(found.metric.name)
    if parts and found.is_sample:
        yield f"Expected {what} of the best of {'; of '.join(parts)}."
    elif parts:
        yield f"{what[0].upper()}{what[1:]} of the best after {'; after '.join(parts)}."


def _worth(tuning: ProblemTuning, k: int) -> list[str]:
    """`96.6% with adam (96.2 to 96.9)` of each optimizer."""
    metric = tuning.found.metric
    return [
        f"{words.value(metric, budget.value)} with {curve.series.label}{_band(budget, tuning)}"
        for curve in tuning.curves
        if (budget := curve.at(k)) is not None
    ]


def _band(budget: Budget, tuning: ProblemTuning) -> str:
    if budget.low is None or budget.high is None:
        return ""
    low, high = (words.value(tuning.found.metric, end) for end in (budget.low, budget.high))
    return f" ({low.removesuffix('%')} to {high.removesuffix('%')})"


def _duel(duel: Duel) -> str:
    """From which budget on which of two is the better."""
    if duel.certain is not None:
        first, then = duel.first, duel.second
        if not duel.certain.a_first:
            first, then = then, first
        return (
            f"{first} is the better with up to {words.count(duel.certain.before, 'trial')}, "
            f"{then} from {duel.certain.after} on (95% band of the difference, on both sides)."
        )
    course = f"do not cross: {duel.ahead} is ahead"
    if duel.crossed is not None:
        course = f"cross: from {words.count(duel.crossed, 'trial')} on {duel.ahead} is ahead"
    if duel.told_apart is not None:
        few, many = duel.told_apart
        budget = f"{few} to " * (few < many) + words.count(many, "trial")
        certain = f"{duel.better} is the better for certain with {budget} (95% band)"
    else:
        budget = words.count(duel.trusted, "trial")
        certain = f"up to {budget}, as far as a band holds, that is not certain"
    return f"The curves of {duel.first} and {duel.second} {course}; {certain}."


def _importances(found: ProblemSearch) -> Iterator[str]:
    if all(len(search.dimensions) < 2 for search in found.searches):
        return
    if not has_optuna():
        yield f"{MISSING[0].upper()}{MISSING[1:]}."
        return
    told = [
        f"{search.label} {', '.join(parts)}"
        for search in found.searches
        if (
            parts := [
                f"{one.key} {100 * one.share:.0f}%{'' if one.certain else ' (chance)'}"
                for one in importances(search, found)
            ]
        )
    ]
    if told:
        yield (
            "Share of importance for being in the best quarter: "
            f"{'; '.join(told)}. Chance: shuffled trials give as much."
        )
