"""Whole pages at 80 columns, one for each kind of verdict; each was read by a person."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import verdict_runs as runs
from stored_runs import ADAM, SGD, load

from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.report.comparison import render

if TYPE_CHECKING:
    from collections.abc import Callable

BETTER_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 8 paired seeds

                       train         test   steps
  optimizer  lr     n   loss     accuracy  to 90%  verdict  vs sgd
  adam       0.001  8  0.170  91.5% ± 0.2   1,876  better   +0.28 [0.07, 0.48]
  sgd        0.01   8  0.175  91.2% ± 0.1   4,221           reference

± 95% t interval of the mean over seeds; [ ] 96% interval of the paired
difference, in points.

adam's test accuracy is better than sgd's: +0.28 points (0.07 to 0.48, p = .023;
better in 7 of 8 seeds, P(better) .53 to .98).
adam reached 90% test accuracy in 1/2.5 of sgd's steps (1/2 to 1/4, 8 paired
seeds).

Verdicts are about these settings and seeds on this test set, not about new data
or all that an optimizer can do.
"""
WORSE_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 8 paired seeds

                       train         test   steps
  optimizer  lr     n   loss     accuracy  to 90%  verdict  vs adam
  adam       0.001  8  0.170  91.5% ± 0.2   1,876           reference
  sgd        0.01   8  0.175  91.2% ± 0.1   4,221  worse    −0.28 [−0.48, −0.07]

± 95% t interval of the mean over seeds; [ ] 96% interval of the paired
difference, in points.

sgd's test accuracy is worse than adam's: −0.28 points (−0.48 to −0.07, p =
.023; better in 1 of 8 seeds, P(better) .02 to .47). The two are equivalent
within 1.0 points: their 90% interval lies inside.
sgd reached 90% test accuracy in 2.5 times adam's steps (2 to 4 times, 8 paired
seeds).

Verdicts are about these settings and seeds on this test set, not about new data
or all that an optimizer can do.
"""
UNDECIDED_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 8 paired seeds

                       train         test
  optimizer  lr     n   loss     accuracy  verdict     vs sgd
  adam       0.001  8  0.175  91.2% ± 0.2  equivalent  0.00 [−0.12, 0.13]
  sgd        0.01   8  0.175  91.2% ± 0.1              reference

± 95% t interval of the mean over seeds; [ ] 96% interval of the paired
difference, in points.
By default --reference sgd.
Left out for want of width: steps to 90%.

adam against sgd, test accuracy: undecided, 0.00 points (−0.12 to +0.13). These
8 seeds could have shown 0.19 points. One extension is allowed: 18 seeds would
show the interval's far end, 16,589 the difference seen. The two are equivalent
within 0.20 points: their 90% interval lies inside.
adam reached 90% test accuracy in as many steps as sgd (8 paired seeds).

Verdicts are about these settings and seeds on this test set, not about new data
or all that an optimizer can do.
"""
FIVE_PAIRS_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 5 paired seeds

                       train         test   steps
  optimizer  lr     n   loss     accuracy  to 91%  verdict    vs sgd
  adam       0.001  5  0.169  91.5% ± 0.3   5,628  undecided  +0.30 [0.09, 0.51]
  sgd        0.01   5  0.175  91.2% ± 0.3   5,628             reference

± 95% t interval of the mean over seeds; [ ] 96% interval of the paired
difference, in points.
By default --reference sgd; --target 0.91, its worst final test accuracy.

adam against sgd, test accuracy: undecided, +0.30 points (0.09 to 0.51); 5 pairs
cannot reach a verdict; the one extension can, to 8 or more. 8 seeds would show
the interval's far end, 8 the difference seen.
adam reached 91% test accuracy in as many steps as sgd (5 paired seeds).

Verdicts are about these settings and seeds on this test set, not about new data
or all that an optimizer can do.
"""
INTERIM_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 5 and 8 seeds, 5 in common

                         train         test   steps
  optimizer  lr       n   loss     accuracy  to 91%  verdict  vs sgd
  adam       0.001  5/8  0.169  91.5% ± 0.3   5,628  interim  +0.30 [0.09, 0.51]
  sgd        0.01     8  0.175  91.2% ± 0.1   5,628           reference

± 95% t interval of the mean over seeds; [ ] 96% interval of the paired
difference, in points.
By default --reference sgd; --target 0.91, its worst final test accuracy.

adam against sgd, test accuracy: interim, 5 of 8 pairs are finished, so no
verdict yet.
adam reached 91% test accuracy in as many steps as sgd (5 paired seeds).
"""
SECOND_LOOK_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 8 paired seeds

                       train         test
  optimizer  lr     n   loss     accuracy  verdict    vs sgd
  adam       0.001  8  0.170  91.5% ± 0.2  undecided  +0.275 [−0.004, 0.554]
  sgd        0.01   8  0.175  91.2% ± 0.1             reference

± 95% t interval of the mean over seeds; [ ] 99% interval of the paired
difference, in points.
Seeds were added to those first declared: this second look decides at .01, not
.04.
By default --reference sgd; --target 0.91, its worst final test accuracy.
Left out for want of width: steps to 91%.

adam against sgd, test accuracy: undecided, +0.275 points (−0.004 to +0.554).
These 8 seeds could have shown 0.41 points. A new experiment with fresh seeds is
needed: 6 seeds would show the interval's far end, 9 the difference seen.
adam reached 91% test accuracy in as many steps as sgd (8 paired seeds).

Verdicts are about these settings and seeds on this test set, not about new data
or all that an optimizer can do.
"""
THIRD_LOOK_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 8 paired seeds

                       train         test
  optimizer  lr     n   loss     accuracy  verdict     vs sgd
  adam       0.001  8  0.170  91.5% ± 0.2  third look  +0.275 [−0.004, 0.554]
  sgd        0.01   8  0.175  91.2% ± 0.1              reference

± 95% t interval of the mean over seeds; [ ] 99% interval of the paired
difference, in points.
By default --reference sgd; --target 0.91, its worst final test accuracy.
Left out for want of width: steps to 91%.

adam against sgd, test accuracy: no verdict, for its seeds were added to more
than once. A new experiment with fresh seeds gives one.
adam reached 91% test accuracy in as many steps as sgd (8 paired seeds).
"""
DIVERGED_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 8 paired seeds, 1 run diverged

                            train         test
  optimizer  lr          n   loss     accuracy  verdict    vs sgd
  sgd        0.01        8  0.175  91.2% ± 0.1             reference
  adam       0.001  7 of 8  0.169  91.5% ± 0.3  undecided  +0.20 [−∞, 0.60] ‡

± 95% t interval of the mean over seeds.
‡ a seed diverged: the median difference of the pairs, of which a diverged seed
loses by ∞, with its 96% interval; exact sign test.
By default --reference sgd; --target 0.91, its worst final test accuracy.
Diverged: adam lr=0.001 (1 of 8); means are over the seeds that did not, and no
verdict rests on them.
Left out for want of width: steps to 91%.

adam against sgd, test accuracy: undecided, median +0.20 points (−∞ to +0.60).
adam reached 91% test accuracy in as many steps as sgd (1 to ∞ times, 8 paired
seeds, adam in 7 of 8).

Verdicts are about these settings and seeds on this test set, not about new data
or all that an optimizer can do.
"""
REFERENCE_DIVERGED_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 8 paired seeds, 8 runs diverged

  optimizer  lr          n     train loss  test accuracy  verdict  vs sgd
  adam       0.001       8  0.170 ± 0.004    91.5% ± 0.2  better   +∞ ‡
  sgd        0.01   0 of 8              —       diverged           reference

± 95% t interval of the mean over seeds.
‡ a seed diverged: the median difference of the pairs, of which a diverged seed
loses by ∞, with its 96% interval; exact sign test.
By default --reference sgd.
Diverged: sgd lr=0.01 (8 of 8).

adam's test accuracy is better than sgd's: sgd diverged in most pairs (p = .008;
better in 8 of 8 seeds, P(better) .68 to 1).

Verdicts are about these settings and seeds on this test set, not about new data
or all that an optimizer can do.
"""
UNPAIRED_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 8 seeds

                       train         test   steps
  optimizer  lr     n   loss     accuracy  to 91%  verdict  vs sgd
  adam       0.001  8  0.170  91.5% ± 0.2   5,628  better   +0.28 [0.02, 0.53] †
  sgd        0.01   8  0.175  91.2% ± 0.1   5,628           reference

± 95% t interval of the mean over seeds.
† pairing was not possible, for no seed that both have starts alike: the
difference of two means with Welch's 96% interval.
By default --reference sgd; --target 0.91, its worst final test accuracy.

adam's test accuracy is better than sgd's: +0.28 points (0.02 to 0.53, p = .035,
not paired; P(better) .80).
adam reached 91% in every seed at step 5,628, sgd in every seed at step 5,628.

Verdicts are about these settings and seeds on this test set, not about new data
or all that an optimizer can do.
"""
UNPAIRED_AND_DIVERGED_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 8 seeds, 1 run diverged

                         train         test
  optimizer  lr       n   loss     accuracy  verdict    vs sgd
  sgd        0.01     8  0.175  91.2% ± 0.1             reference
  adam       0.001  7/8  0.169  91.5% ± 0.3  undecided  +0.30 pts (survivors) †

± 95% t interval of the mean over seeds.
† pairing was not possible, for no seed that both have starts alike: the
difference of two means.
By default --reference sgd; --target 0.91, its worst final test accuracy.
Diverged: adam lr=0.001 (1 of 8); means are over the seeds that did not, and no
verdict rests on them.
Left out for want of width: steps to 91%.

adam against sgd, test accuracy: undecided, for seeds diverged and no two of
them could be paired.
adam reached 91% in 7 of 8 seeds at step 5,628, sgd in every seed at step 5,628.

Verdicts are about these settings and seeds on this test set, not about new data
or all that an optimizer can do.
"""
THREE_COMPARISONS_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 8 paired seeds

                train         test   steps
  optimizer  n   loss     accuracy  to 91%  verdict    vs sgd
  adam       8  0.154  92.3% ± 0.2   5,628  better     +1.09 [0.99, 1.18]
    lr 0.001
  momentum   8  0.175  91.2% ± 0.2   5,628  undecided  0.00 [−0.15, 0.15]
    lr 0.01   momentum 0.9
  sgd        8  0.175  91.2% ± 0.1   5,628             reference
    lr 0.01   momentum 0
  nadam      8  0.181  91.0% ± 0.3  4 of 8  undecided  −0.28 [−0.51, −0.04]
    lr 0.002

± 95% t interval of the mean over seeds; [ ] 98% to 98.7% interval of the paired
difference, in points, corrected for 3 comparisons (Holm).
By default --reference sgd; --target 0.91, its worst final test accuracy.

adam's test accuracy is better than sgd's: +1.1 points (1.0 to 1.2, p = .008;
better in 8 of 8 seeds, P(better) .68 to 1).
adam reached 91% test accuracy in as many steps as sgd (8 paired seeds).
momentum against sgd, test accuracy: undecided, 0.00 points (−0.15 to +0.15).
These 8 seeds could have shown 0.24 points. One extension is allowed: 17 seeds
would show the interval's far end, 20,261 the difference seen.
momentum reached 91% test accuracy in as many steps as sgd (8 paired seeds).
nadam against sgd, test accuracy: undecided, −0.28 points (−0.51 to −0.04); the
interval excludes 0, but by permutation p = .023, where .020 is needed. These 8
seeds could have shown 0.38 points. One extension is allowed: 10 seeds would
show the interval's far end, 14 the difference seen.
nadam reached 91% test accuracy in 2 times sgd's steps (1 to ∞ times, 8 paired
seeds, nadam in 4 of 8).
The one extension, to 17 seeds of each:
  optbench run 'runs/adam None/adam-s0-2cd12a13/config.yaml' \\
    'runs/sgd 0.9/sgd-s0-67f537ff/config.yaml' \\
    'runs/sgd 0/sgd-s0-96f83fb6/config.yaml' \\
    'runs/nadam None/nadam-s0-92a23629/config.yaml' --seeds 17

Verdicts are about these settings and seeds on this test set, not about new data
or all that an optimizer can do.
"""
LOG_LOSSES_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 8 paired seeds

                                          test
  optimizer  lr     n     train loss  accuracy  verdict  vs sgd
  adam       0.001  8  0.001 ± 0.001     98.0%  better   ×0.368 [0.308, 0.440]
  sgd        0.01   8  0.003 ± 0.003     98.0%           reference

± 95% t interval of the mean over seeds.
× ratio of geometric means with its 96% interval: the losses of a setting differ
tenfold from seed to seed, so they are compared as log loss.
By default --reference sgd; --target 0.008, its worst final train loss.
Left out for want of width: steps to 0.008.

adam's train loss is better than sgd's: 0.368 times (0.308 to 0.440, p = .008;
better in 8 of 8 seeds, P(better) .68 to 1).
adam reached a train loss of 0.008 in as many steps as sgd (8 paired seeds).

Verdicts are about these settings and seeds on this test set, not about new data
or all that an optimizer can do.
"""
ONE_SEED_PAGE = """\
mnist · mlp 784-128-10 · cross entropy · one seed

  optimizer  lr     n  train loss  test accuracy  steps to 91.5%  vs sgd
  adam       0.001  1       0.048          97.6%           5,628  +6.1 points
  sgd        0.01   1       0.170          91.5%           5,628  reference

By default --reference sgd; --target 0.915, its final test accuracy.

adam's test accuracy is 6.1 points above sgd's.
adam reached 91.5% at step 5,628, sgd at step 5,628.
One seed each, so no verdict.
For a verdict, 8 seeds of each:
  optbench run 'runs/adam None/adam-s0-2cd12a13/config.yaml' \\
    'runs/sgd 0/sgd-s0-96f83fb6/config.yaml' --seeds 8
"""


@pytest.mark.parametrize(
    ("write", "question", "page"),
    [
        (runs.better, Question(target=0.9, reference="sgd"), BETTER_PAGE),
        (runs.better, Question(target=0.9, reference="adam", margin=0.01), WORSE_PAGE),
        (runs.undecided, Question(target=0.9, margin=0.002), UNDECIDED_PAGE),
        (runs.five_pairs, Question(), FIVE_PAIRS_PAGE),
        (runs.interim, Question(), INTERIM_PAGE),
        (runs.second_look, Question(), SECOND_LOOK_PAGE),
        (runs.third_look, Question(), THIRD_LOOK_PAGE),
        (runs.diverged, Question(), DIVERGED_PAGE),
        (runs.reference_diverged, Question(), REFERENCE_DIVERGED_PAGE),
        (runs.unpaired, Question(), UNPAIRED_PAGE),
        (runs.unpaired_and_diverged, Question(), UNPAIRED_AND_DIVERGED_PAGE),
        (runs.three_comparisons, Question(), THREE_COMPARISONS_PAGE),
        (runs.log_losses, Question(metric="train_loss"), LOG_LOSSES_PAGE),
        (runs.one_seed, Question(), ONE_SEED_PAGE),
    ],
)
def test_each_kind_of_verdict_makes_its_page(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[Path], None],
    question: Question,
    page: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("runs"))
    assert render(compare(load(Path("runs")), question)) == page
    assert max(map(len, page.splitlines())) <= 80


def coloured(root: Path) -> str:
    return render(compare(load(root), Question()), colour=True)


def test_only_decided_results_are_coloured(tmp_path: Path) -> None:
    runs.three_comparisons(tmp_path)
    # nadam is .275 points below at p = .023, for which Holm asks .02.
    found = re.findall(r"\x1b\[3(\d)m([\w ]+)", coloured(tmp_path))
    assert found == [("2", "better   ")]


def test_worse_is_red(tmp_path: Path) -> None:
    runs.store(tmp_path, ADAM, runs.above([-d for d in runs.D]))
    runs.store(tmp_path, SGD, runs.BASE)
    assert re.findall(r"\x1b\[3(\d)m(\w+)", coloured(tmp_path)) == [("1", "worse")]


def test_what_is_undecided_or_not_judged_is_plain(tmp_path: Path) -> None:
    runs.undecided(tmp_path)
    assert "\x1b" not in coloured(tmp_path)


@pytest.mark.parametrize("others", [2, 6])
def test_that_no_seeds_can_decide_is_said_once_for_all_settings(
    tmp_path: Path, others: int
) -> None:
    for name in ("adam", "nadam", "radam", "rmsprop", "adagrad", "adamax")[:others]:
        runs.store(tmp_path, ADAM | {"name": name}, runs.above(runs.D)[:4])
    runs.store(tmp_path, SGD, runs.BASE[:4])
    told = " ".join(render(compare(load(tmp_path), Question())).split())
    # 2/2^n is at most .01 over the number of comparisons from 9 pairs on for 2, from 11 for 6.
    needed = {2: 9, 6: 11}[others]
    sentence = f"4 seeds cannot reach a verdict; the one extension can, to {needed} or more."
    assert told.count("cannot reach") == told.count(sentence) == 1
    assert "by permutation" not in told
