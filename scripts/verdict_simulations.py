"""Simulated comparisons whose truth is known, judged by the code that `compare` judges with.

Each study has a generator of its own name, so its numbers depend on no other study. All count
how often something happened in so many trials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optbench.analysis.looks import FIRST_ALPHA, SECOND_ALPHA
from optbench.analysis.metric import Metric
from optbench.analysis.samples import Sample
from optbench.analysis.statistics.draws import named_generator
from optbench.analysis.statistics.equivalence import equivalent
from optbench.analysis.statistics.holm import holm_rejected
from optbench.analysis.statistics.order import sign_test_p
from optbench.analysis.statistics.paired import paired_t_ps, sign_flip_ps
from optbench.analysis.statistics.power import seeds_needed
from optbench.analysis.statistics.wilson import Share, wilson

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Floats = NDArray[Any]
    Draw = Callable[[Generator, tuple[int, ...]], Floats]
    Study = Callable[[int], list["Count"]]  # of so many trials

MEMORY = 2**22  # sums held at once
FLIPS = 10_000  # random patterns above 20 pairs: enough to tell .04 from its neighbours
DECLARED = 8
LOSS = Metric("val_loss")

SYMMETRIC: dict[str, Draw] = {
    "normal": lambda random, shape: random.normal(size=shape),
    "uniform": lambda random, shape: random.uniform(-1, 1, size=shape),
    "heavy tails (t, 3 degrees)": lambda random, shape: random.standard_t(3, size=shape),
}
SKEWED: dict[str, Draw] = {
    "exponential": lambda random, shape: random.exponential(size=shape) - 1,
    "lognormal": lambda random, shape: random.lognormal(size=shape) - math.exp(0.5),
}


@dataclass(frozen=True)
class Count:
    """In `hits` of `trials` comparisons of `n` seeds it happened."""

    study: str
    case: str
    n: int
    effect: float
    hits: int
    trials: int

    @property
    def share(self) -> Share:
        return wilson(self.hits, self.trials)


def decided(differences: Floats, alpha: float) -> Floats:
    """Where [trials, pairs] get a verdict: both tests' p is at most alpha.

    Sign flips, which cost the time, are made only where the t test leaves it to them.
    """
    found = paired_t_ps(differences) <= alpha
    rows = np.flatnonzero(found)
    block = max(1, MEMORY // 2 ** min(differences.shape[1] - 1, 20))
    for start in range(0, len(rows), block):
        part = rows[start : start + block]
        found[part] = sign_flip_ps(differences[part], draws=FLIPS) <= alpha
    return found


def nothing_differs(trials: int) -> list[Count]:
    """Verdicts at the declared number of seeds where two settings are the same."""
    random = named_generator("simulation: nothing differs")
    return [
        Count("nothing differs", case, n, 0.0, int(decided(found, FIRST_ALPHA).sum()), trials)
        for case, draw in SYMMETRIC.items()
        for n in (6, 7, 8, 9, 10, 12, 14)
        for found in [draw(random, (trials, n))]
    ]


def skewed(trials: int) -> list[Count]:
    """The same with differences whose mean is zero but whose distribution leans."""
    random = named_generator("simulation: skewed")
    return [
        Count("skewed", case, n, 0.0, int(decided(found, FIRST_ALPHA).sum()), trials)
        for case, draw in SKEWED.items()
        for n in (6, 8, 10, 12, 14)
        for found in [draw(random, (trials, n))]
    ]


def log_loss(trials: int) -> list[Count]:
    """Losses of two settings whose medians are equal, compared as they are and as compare does.

    Lognormal, with so much spread of A's logarithm; B's spreads alike or a fifth as much.
    """
    random, n = named_generator("simulation: log loss"), DECLARED
    counts = []
    for spread in (0.5, 1.0, 1.5):
        for case, share in (("B alike", 1.0), ("B a fifth", 0.2)):
            a, b = np.exp(random.normal(size=(2, trials, n)) * [[[spread]], [[share * spread]]])
            told = np.array([_compared(*pair) for pair in zip(a.tolist(), b.tolist(), strict=True)])
            for name, found in (("as they are", a - b), ("as compare does", told)):
                hits = int(decided(found, FIRST_ALPHA).sum())
                counts.append(Count("log loss", f"{case}, {name}", n, spread, hits, trials))
    return counts


def _compared(a: list[float], b: list[float]) -> tuple[float, ...]:
    """The differences that a verdict on these losses is about."""
    found = Sample(tuple(a), tuple(b), paired=True, metric=LOSS)
    return (found.logarithms() if found.looks_lognormal else found).differences


def two_looks(trials: int) -> list[Count]:
    """A verdict at .04 after the declared seeds or, failing that, at .01 after an extension."""
    random = named_generator("simulation: two looks")
    counts = []
    for extended in (10, 14, 20, 40):
        found = random.normal(size=(trials, extended))
        first = decided(found[:, :DECLARED], FIRST_ALPHA)
        second = decided(found[~first], SECOND_ALPHA)
        hits = int(first.sum() + second.sum())
        counts.append(
            Count("two looks", f"{DECLARED}, then {extended}", extended, 0.0, hits, trials)
        )
    return counts


def until_it_fits(trials: int) -> list[Count]:
    """What the two looks replace: a t test at .05 after each further seed, from the fifth on."""
    found = named_generator("simulation: until it fits").normal(size=(trials, 40))
    ever, counts = np.zeros(trials, dtype=bool), []
    for n in range(5, found.shape[1] + 1):
        ever |= paired_t_ps(found[:, :n]) <= 0.05
        counts.append(Count("until it fits", "after each seed", n, 0.0, int(ever.sum()), trials))
    return counts


def power(trials: int) -> list[Count]:
    """Verdicts of the right sign, by the true difference in standard deviations."""
    random = named_generator("simulation: power")
    return [
        Count("power", "normal", n, effect, _found(random, n, effect, FIRST_ALPHA, trials), trials)
        for n in (6, 8, 10, 12)
        for effect in (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
    ]


def power_promised(trials: int) -> list[Count]:
    """The same with the seeds that `seeds_needed` asks for 80% power."""
    random = named_generator("simulation: power promised")
    return [
        Count("power promised", f"{alpha:g}", n, effect, hits, trials)
        for alpha in (FIRST_ALPHA, SECOND_ALPHA)
        for effect in (0.5, 0.8, 1.0, 1.5, 2.0)
        for n in [seeds_needed(effect, alpha) or 0]
        for hits in [_found(random, n, effect, alpha, trials)]
    ]


def _found(random: Generator, n: int, effect: float, alpha: float, trials: int) -> int:
    found = random.normal(effect, 1, size=(trials, n))
    return int((decided(found, alpha) & (found.mean(axis=1) > 0)).sum())


def several(trials: int) -> list[Count]:
    """Any verdict at all on six settings that equal their reference, with Holm and without."""
    random, m = named_generator("simulation: several"), 6
    counts = []
    for n in (9, 10, 12):
        runs = random.normal(size=(m + 1, trials, n))  # all are compared with the same runs
        ps = [_paired_ps(setting - runs[0], FIRST_ALPHA) for setting in runs[1:]]
        alone = np.min(ps, axis=0) <= FIRST_ALPHA
        told = [any(holm_rejected(row, FIRST_ALPHA)) for row in np.transpose(ps)[alone].tolist()]
        counts.append(Count("several", "uncorrected", n, 0.0, int(alone.sum()), trials))
        counts.append(Count("several", "Holm", n, 0.0, sum(told), trials))
    return counts


def _paired_ps(differences: Floats, alpha: float) -> Floats:
    """The rule's p where the t test's is at most alpha; 1, for more than alpha, elsewhere."""
    found = np.ones(len(differences))
    near = np.flatnonzero(paired_t_ps(differences) <= alpha)
    found[near] = np.maximum(paired_t_ps(differences[near]), sign_flip_ps(differences[near]))
    return found


def selection(trials: int) -> list[Count]:
    """The best of seven equal settings by validation, against a fixed equal reference.

    Test values correlate with validation at each seed; they are of the very seeds that it was
    chosen on, or of fresh ones.
    """
    random, n, settings = named_generator("simulation: selection"), 10, 7
    counts = []
    for correlation in (0.0, 0.25, 0.5, 0.75, 1.0):
        validation, noise = random.normal(size=(2, settings, trials, n))
        test = correlation * validation + math.sqrt(1 - correlation**2) * noise
        best = validation.mean(axis=2).argmax(axis=0)
        reference, fresh = random.normal(size=(2, trials, n))
        for case, values in (
            ("the same seeds", test[best, np.arange(trials)]),
            ("fresh seeds", fresh),
        ):
            hits = int(decided(values - reference, FIRST_ALPHA).sum())
            counts.append(Count("selection", case, n, correlation, hits, trials))
    return counts


def diverging(trials: int) -> list[Count]:
    """Sign tests where runs of both settings diverge equally often, and else are equal."""
    random = named_generator("simulation: diverging")
    counts = []
    for n in (8, 12, 20):
        for rate in (0.1, 0.3):
            values = np.where(
                random.random((2, trials, n)) < rate, -np.inf, random.normal(size=(2, trials, n))
            )
            wins, losses = (values[0] > values[1]).sum(axis=1), (values[0] < values[1]).sum(axis=1)
            ps = [[sign_test_p(i, j) for j in range(n + 1)] for i in range(n + 1)]
            hits = int((np.array(ps)[wins, losses] <= FIRST_ALPHA).sum())
            counts.append(Count("diverging", "sign test", n, rate, hits, trials))
    return counts


def at_odds(trials: int) -> list[Count]:
    """Undecided by the sign flips though the t interval excludes zero."""
    random = named_generator("simulation: at odds")
    counts = []
    for n in (6, 7, 8, 10, 12):
        for effect in (0.0, 1.0):
            found = random.normal(effect, 1, size=(trials, n))
            hits = (paired_t_ps(found) <= FIRST_ALPHA) & ~decided(found, FIRST_ALPHA)
            counts.append(Count("at odds", "normal", n, effect, int(hits.sum()), trials))
    return counts


def equivalence(trials: int) -> list[Count]:
    """Equivalent by the 90% interval though the true difference is the margin itself."""
    random, margin = named_generator("simulation: equivalence"), 1.5
    counts = []
    for n in (6, 8, 12):
        found = random.normal(margin, 1, size=(trials, n)).tolist()
        hits = sum(equivalent(row, margin).equivalent for row in found)
        counts.append(Count("equivalence", "normal", n, margin, hits, trials))
    return counts
