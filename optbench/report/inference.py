"""How the verdicts of a comparison were reached, in sentences for a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.report import words
from optbench.report.protocol import cited
from optbench.report.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.analysis.comparison import ProblemComparison
    from optbench.analysis.verdict import Verdict

EXACT_UP_TO = 20  # pairs; beyond, sign flips are drawn

_TESTS = {
    "paired": f"the larger p value of a paired t test{cited('student1908')} and a sign-flip "
    f"permutation test of the mean{cited('fisher1935')}",
    "sign": f"an exact sign test{cited('dixon1946')}, in which a diverged seed loses",
    "welch": f"the larger p value of Welch's t test{cited('welch1947')} and a permutation test of "
    f"its statistic{cited('janssen1997')}",
}
_SCOPES = {
    "paired": "",
    "sign": " where a seed diverged",
    "welch": " where seeds could not be paired",
}


def inference(problem: ProblemComparison) -> Iterator[str]:
    """What the intervals are, which tests gave the verdicts, at which level, and what they lack."""
    if any(est.margin for row in problem.rows for est in row.estimates.values()):
        yield "Means over seeds are given with 95% t intervals."
    verdicts = [row.verdict for row in problem.rows if row.verdict]
    judged = [verdict for verdict in verdicts if verdict.p is not None]
    if judged and problem.reference is not None:
        yield _tests(judged, problem)
        yield _levels(judged)
        yield from _further(judged, problem)
    if len(judged) < len(verdicts):
        reasons = sorted({verdict.why for verdict in verdicts if verdict.p is None})
        yield f"{_number(len(verdicts) - len(judged))} without a verdict ({', '.join(reasons)})."
    yield from _target(problem)


def _tests(judged: Sequence[Verdict], problem: ProblemComparison) -> str:
    reference = problem.reference.label if problem.reference else ""
    used = dict.fromkeys(verdict.test for verdict in judged)
    told = listed([_TESTS[test] + _SCOPES[test] for test in used], "or")
    measured = words.quantity(problem.metric.name)
    contrasts = "The difference" if len(judged) == 1 else "Differences"
    verb = "was" if len(judged) == 1 else "were"
    return f"{contrasts} in final {measured} from {reference} {verb} judged by {told}."


def _levels(judged: Sequence[Verdict]) -> str:
    m = max(verdict.m for verdict in judged)
    alphas = sorted({verdict.alpha for verdict in judged}, reverse=True)
    told = f"The level was {listed([f'{alpha:g}' for alpha in alphas], 'or')}"
    if any(verdict.look > 1 for verdict in judged):
        told += " (.04 at the seeds planned at first, .01 after the one extension)"
    if m == 1:
        return f"{told}."
    return (
        f"{told}, with Holm's correction{cited('holm1979')} for {m} comparisons; the interval of "
        "each difference is at the level of its test."
    )


def _further(judged: Sequence[Verdict], problem: ProblemComparison) -> Iterator[str]:
    if any(verdict.test == "paired" and verdict.n > EXACT_UP_TO for verdict in judged):
        yield f"Above {EXACT_UP_TO} pairs sign flips were drawn at random{cited('phipson2010')}."
    if any(verdict.ratio is not None for verdict in judged):
        yield "Losses that spread tenfold over seeds were compared as logarithms."
    if any(v.decision in ("better", "worse") and v.test != "welch" for v in judged):
        yield f"Shares of seeds won have Wilson's 95% interval{cited('wilson1927')}."
    if problem.margin is not None:
        margin = words.distance(problem.metric, problem.margin)
        yield (
            f"Settings count as equivalent within {margin} by two one-sided tests at "
            f"5%{cited('schuirmann1987')}."
        )


def _target(problem: ProblemComparison) -> Iterator[str]:
    if problem.target is None or not any(row.speedup for row in problem.rows):
        return
    target = words.value(problem.metric, problem.target)
    yield (
        f"Time to target is the number of {problem.unit} until an evaluation first reached a "
        f"{words.quantity(problem.metric.name)} of {target}; two settings are compared by the "
        "median ratio of their pairs, with its order-statistic interval."
    )


def _number(count: int) -> str:
    return "One comparison is" if count == 1 else f"{count} comparisons are"
