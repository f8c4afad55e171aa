"""The audit: every unfairness that stored runs can show, what can overturn a verdict first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.audit import data, decay, environment, looks, seeds, training, tuning
from optbench.analysis.audit.contest import Contest, Flaw
from optbench.analysis.audit.finding import Finding
from optbench.analysis.comparison import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from optbench.analysis.comparison import Comparison
    from optbench.store.stored_run import StoredRun


@dataclass(frozen=True)
class Unfairness:
    """A kind of finding, why it matters, and the check that finds it in one problem."""

    kind: str
    why: str
    find: Callable[[Contest], Iterable[Flaw]]


# In order of severity. docs/comparing.md has a section for each.
UNFAIRNESSES = (
    Unfairness(
        "stand-in data",
        "what holds on the data that stood in need not hold on those asked for",
        data.stand_in,
    ),
    Unfairness(
        "other data",
        "optimizers that never met on one data set can't be ranked",
        data.other_data,
    ),
    Unfairness(
        "batch size or epochs",
        "more steps, or less noisy ones, win whatever the optimizer",
        training.unlike_budget,
    ),
    Unfairness(
        "training options",
        "what helps training helps whoever has it",
        training.unlike_options,
    ),
    Unfairness(
        "missing seeds",
        "the seeds that are left may be the lucky ones",
        seeds.missing,
    ),
    Unfairness(
        "duplicate seeds",
        "runs that start alike are one replicate, and make an interval too narrow",
        seeds.doubled,
    ),
    Unfairness(
        "unpaired seeds",
        "what the seed does to both sides no longer cancels",
        seeds.unpaired,
    ),
    Unfairness(
        "diverged seeds",
        "the mean of the survivors flatters what diverges",
        seeds.diverged,
    ),
    Unfairness(
        "one side tuned",
        "the best of several beats a single guess by luck alone",
        tuning.one_side_tuned,
    ),
    Unfairness(
        "unequal tuning budgets",
        "the best of more is better, whatever the optimizer",
        tuning.unequal,
    ),
    Unfairness(
        "special case wins",
        "an optimizer is never worse than what it contains, unless it was tuned too little",
        tuning.loses_to_special_case,
    ),
    Unfairness(
        "learning rate at the edge",
        "a better one may lie where nobody looked",
        tuning.at_edge,
    ),
    Unfairness(
        "schedule horizon",
        "a learning rate that ends too high or too early costs accuracy",
        training.unlike_horizon,
    ),
    Unfairness(
        "weight decay on one side",
        "the difference may be the decay's, not the optimizer's",
        decay.one_sided,
    ),
    Unfairness(
        "L2 against decoupled decay",
        "one number means unlike strengths, so each needs its own",
        decay.of_two_kinds,
    ),
    Unfairness(
        "environment",
        "other software or hardware gives other bits, and may give other results",
        environment.unlike_environment,
    ),
    Unfairness(
        "selected on reported seeds",
        "the luck that selected a setting stays in its result, and makes wrong verdicts likelier",
        looks.selected_on_reported,
    ),
    Unfairness(
        "second look",
        "each look is another chance to be wrong",
        looks.looked_again,
    ),
    Unfairness(
        "too few seeds",
        "no difference, however large, could decide",
        looks.too_few,
    ),
    Unfairness(
        "untuned",
        "these settings are compared, not the optimizers at their best",
        tuning.untuned,
    ),
)


def audit(comparison: Comparison, beside: Iterable[StoredRun] = ()) -> tuple[Finding, ...]:
    """What makes a comparison unfair, the worst first; what mends it stands in each finding.

    Learning rates that were tried in runs `beside` those compared count as tried.
    """
    known = {problem.key for problem in comparison.problems}
    others = tuple(readable(run for run in beside if run.result.problem in known)[0])
    contests = [Contest(comparison, problem, others) for problem in comparison.problems]
    return tuple(
        _finding(unfairness, flaw, contest)
        for unfairness in UNFAIRNESSES
        for contest in contests
        for flaw in unfairness.find(contest)
    )


def _finding(unfairness: Unfairness, flaw: Flaw, contest: Contest) -> Finding:
    runs = flaw.runs or tuple(run for entrant in flaw.entrants for run in entrant.runs)
    return Finding(
        kind=unfairness.kind,
        message=flaw.message,
        problem=contest.problem.label,
        settings=tuple(entrant.label for entrant in flaw.entrants),
        runs=tuple(run.path for run in runs),
        command=flaw.command,
        why=unfairness.why,
    )
