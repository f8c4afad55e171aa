from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from scipy import stats
from stored_runs import ADAM, SGD, load, make_rows, write_run, write_seeds

from optbench.analysis.metric import Metric
from optbench.analysis.verdict import Verdict, judge_against, judge_pair
from optbench.store.stored_run import Asker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.store.stored_run import StoredRun

ACCURACY, LOSS = Metric("test_accuracy"), Metric("train_loss")
BASE = [0.1, 0.2, 0.15, 0.3, 0.25, 0.2, 0.05, 0.1]
D = [0.3, 0.1, 0.2, 0.5, 0.4, -0.1, 0.2, 0.6]  # STATISTICS: p_t .01063, p_flip 6/256
UNLIKE = {"data": "0" * 64, "initial_weights": None, "batch_order": None}


def runs_of(root: Path, name: str) -> list[StoredRun]:
    return [run for run in load(root) if run.result.experiment == name]


def store(root: Path, name: str, finals: Sequence[float | None], **description: object) -> None:
    """A run for each final test accuracy; None for a seed that diverged."""
    for seed, final in enumerate(finals):
        rows = make_rows([0.1, 0.1 if final is None else final])
        told = {"declared_seeds": len(finals), "optimizer": {"name": name}} | description
        status = "diverged" if final is None else "completed"
        write_run(root, rows, seed=seed, status=status, experiment=name, **told)


def judged(
    root: Path, a: Sequence[float | None], b: Sequence[float | None], **options: object
) -> Verdict:
    store(root, "a", a, **options)
    store(root, "b", b, **options)
    return judge_pair(runs_of(root, "a"), runs_of(root, "b"), ACCURACY)


def above(differences: Sequence[float]) -> list[float]:
    return [b + d for b, d in zip(BASE, differences, strict=False)]


def test_the_worked_example_is_better_at_its_larger_p(tmp_path: Path) -> None:
    found = judged(tmp_path, above(D), BASE)
    assert (found.decision, found.why, found.test) == ("better", "decided", "paired")
    assert (found.n, found.look, found.m, found.fewest) == (8, 1, 1, 6)
    assert (found.alpha, found.level) == (0.04, 0.04)
    assert found.p == 6 / 256  # of .01063 and 6/256 the larger
    ends = found.interval.mean, found.interval.low, found.interval.high
    assert ends == pytest.approx((0.275, 0.0746, 0.4754), abs=5e-5)
    assert found.share is not None  # Wilson 7/8
    assert (found.share.low, found.share.high) == pytest.approx((0.5291, 0.9776), abs=5e-5)


def test_what_is_better_in_accuracy_is_worse_as_a_loss_and_the_other_way_round(
    tmp_path: Path,
) -> None:
    store(tmp_path, "a", above(D))
    store(tmp_path, "b", BASE)
    a, b = runs_of(tmp_path, "a"), runs_of(tmp_path, "b")
    assert judge_pair(b, a, ACCURACY).decision == "worse"
    assert judge_pair(a, b, LOSS).decision == "better"  # made as 2 (1 − accuracy)
    assert judge_pair(a, b, LOSS).interval.mean == pytest.approx(-0.55)


@pytest.mark.parametrize(
    ("n", "decision", "why", "p"),
    [(6, "better", "decided", 0.03125), (5, "undecided", "too few pairs", 0.0625)],
)
def test_six_pairs_can_decide_and_five_cannot(
    tmp_path: Path, n: int, decision: str, why: str, p: float
) -> None:
    found = judged(tmp_path, above([0.1, 0.11, 0.12, 0.1, 0.11, 0.12][:n]), BASE[:n])
    assert (found.decision, found.why, found.p) == (decision, why, p)
    assert found.fewest == 6
    assert found.fewest_next == 8  # ⌊log₂(2/.01)⌋ + 1


def test_six_pairs_cannot_decide_one_of_two_comparisons(tmp_path: Path) -> None:
    for name in ("a", "b"):
        store(tmp_path, name, above([0.1, 0.11, 0.12, 0.1, 0.11, 0.12]))
    store(tmp_path, "sgd", BASE[:6])
    others = {name: runs_of(tmp_path, name) for name in ("a", "b")}
    found = judge_against(runs_of(tmp_path, "sgd"), others, ACCURACY)["a"]
    assert (found.why, found.fewest, found.m) == ("too few pairs", 7, 2)
    assert found.p == 0.03125


def test_differences_of_zero_are_undecided_with_p_one(tmp_path: Path) -> None:
    found = judged(tmp_path, BASE, BASE)
    assert (found.decision, found.p) == ("undecided", 1.0)
    assert (found.interval.low, found.interval.high) == (0, 0)
    assert found.seeds_far is None
    assert found.seeds_seen is None


def test_undecided_says_what_was_shown_and_what_would_decide(tmp_path: Path) -> None:
    differences = [0.01, -0.02, 0.03, 0.0, 0.02, -0.01, 0.015, -0.005]
    found = judged(tmp_path, above(differences), BASE)
    assert (found.decision, found.why) == ("undecided", "difference")
    mean = sum(differences) / 8
    spread = stats.tstd(differences)
    far = abs(mean) + stats.t.ppf(0.98, 7) * spread / math.sqrt(8)

    def needed(effect: float) -> int:
        """The definition of N at .01 on the statistics page, with scipy.stats in full."""
        d, n = effect / spread, 2
        while stats.nct.sf(stats.t.ppf(1 - 0.005, n - 1), n - 1, d * math.sqrt(n)) < 0.8:
            n += 1
        return max(8, n + (n < 12))

    assert (found.seeds_far, found.seeds_seen) == (needed(far), needed(abs(mean)))
    assert found.shown is not None
    d = found.shown / spread  # 8 pairs: n_t = 7 and one more for the sign flips
    assert stats.nct.sf(stats.t.ppf(0.98, 6), 6, d * math.sqrt(7)) == pytest.approx(0.8, abs=1e-6)


def test_the_intervals_of_decided_comparisons_exclude_zero_at_holms_level(tmp_path: Path) -> None:
    store(tmp_path, "ref", BASE)
    store(tmp_path, "clear", above([0.1, 0.11, 0.12, 0.1, 0.11, 0.12, 0.1, 0.11]))
    store(tmp_path, "example", above(D))
    store(tmp_path, "same", BASE)
    names = ("clear", "example", "same")
    others = {name: runs_of(tmp_path, name) for name in names}
    found = judge_against(runs_of(tmp_path, "ref"), others, ACCURACY)
    # p: 2/256 within .04/3; 6/256 above .04/2, where Holm stops, so the third has that level too.
    assert [found[name].decision for name in names] == ["better", "undecided", "undecided"]
    assert [found[name].level for name in names] == pytest.approx([0.04 / 3, 0.02, 0.02])
    assert (found["clear"].interval.low or 0) > 0
    low, high = stats.ttest_1samp(D, 0).confidence_interval(0.98)
    assert (found["example"].interval.low, found["example"].interval.high) == pytest.approx(
        (low, high)
    )


def test_fewer_pairs_than_declared_are_interim(tmp_path: Path) -> None:
    found = judged(tmp_path, above(D)[:7], BASE[:7], declared_seeds=8)
    assert (found.decision, found.why, found.p) == (None, "interim", None)
    assert (found.n, found.declared) == (7, 8)


def test_a_failed_run_is_missing_and_not_a_loss(tmp_path: Path) -> None:
    store(tmp_path, "a", above(D))
    store(tmp_path, "b", BASE[:7], declared_seeds=8)
    rows = make_rows([0.1, 0.1])
    write_run(tmp_path, rows, optimizer=SGD, experiment="b", seed=7, status="failed")
    found = judge_pair(runs_of(tmp_path, "a"), runs_of(tmp_path, "b"), ACCURACY)
    assert (found.why, found.n) == ("interim", 7)


def test_one_seed_each_has_no_verdict_and_no_p(tmp_path: Path) -> None:
    found = judged(tmp_path, [0.9], [0.8])
    assert (found.decision, found.why, found.p) == (None, "one seed", None)


def extended(root: Path, *counts: int) -> Verdict:
    """The worked example, its seeds declared by experiments of so many each."""
    for name, finals in (("a", above(D)), ("b", BASE)):
        for seed, final in enumerate(finals):
            declared = next(count for count in counts if seed < count)
            rows = make_rows([0.1, final])
            optimizer = {"name": name}
            told = {"optimizer": optimizer, "experiment": name, "declared_seeds": declared}
            write_run(root, rows, seed=seed, **told)
    return judge_pair(runs_of(root, "a"), runs_of(root, "b"), ACCURACY)


def test_an_extension_is_the_second_look_at_one_in_a_hundred(tmp_path: Path) -> None:
    found = extended(tmp_path, 5, 8)
    assert (found.look, found.alpha, found.declared) == (2, 0.01, 8)
    assert found.decision == "undecided"  # 6/256 is above .01
    assert found.fewest == 8


def test_after_two_looks_fresh_seeds_are_needed(tmp_path: Path) -> None:
    found = extended(tmp_path, 4, 6, 8)
    assert (found.decision, found.why, found.p) == (None, "third look", None)


def test_one_seed_is_no_look(tmp_path: Path) -> None:
    assert extended(tmp_path, 1, 8).look == 1


def test_more_seeds_than_were_declared_count_as_a_look(tmp_path: Path) -> None:
    found = judged(tmp_path, above(D), BASE, declared_seeds=6)
    assert (found.look, found.alpha) == (2, 0.01)


def test_a_pair_has_the_seeds_that_both_sides_declared(tmp_path: Path) -> None:
    store(tmp_path, "a", above([0.1] * 8))
    store(tmp_path, "b", BASE[:6])
    found = judge_pair(runs_of(tmp_path, "a"), runs_of(tmp_path, "b"), ACCURACY)
    # STATISTICS: six positive, equal differences have p .03125, better at .04.
    assert (found.n, found.declared, found.look, found.alpha) == (6, 6, 1, 0.04)
    assert found.decision == "better"
    assert found.p == pytest.approx(0.03125)


def test_each_count_of_either_side_is_a_look(tmp_path: Path) -> None:
    store(tmp_path, "a", above(D)[:6])
    for seed, final in ((6, above(D)[6]), (7, above(D)[7])):
        rows, told = make_rows([0.1, final]), {"optimizer": {"name": "a"}, "declared_seeds": 8}
        write_run(tmp_path, rows, seed=seed, experiment="a", **told)
    store(tmp_path, "b", BASE)  # of another experiment, and never extended
    found = judge_pair(runs_of(tmp_path, "a"), runs_of(tmp_path, "b"), ACCURACY)
    assert (found.n, found.look, found.alpha) == (8, 2, 0.01)


def test_what_other_experiments_took_of_one_side_is_no_look_at_the_pair(tmp_path: Path) -> None:
    store(tmp_path, "a", above([0.1] * 8))
    counts = {"c": (2, range(2)), "d": (6, range(2, 6)), "a": (8, range(6, 8))}
    for experiment, (declared, seeds) in counts.items():
        for seed in seeds:
            told = {"optimizer": {"name": "b"}, "declared_seeds": declared}
            write_run(
                tmp_path, make_rows([0.1, BASE[seed]]), seed=seed, experiment=experiment, **told
            )
    sides: dict[str, list[StoredRun]] = {"a": [], "b": []}
    for run in load(tmp_path):
        sides[run.result.config["optimizer"]["name"]].append(run)
    found = judge_pair(sides["a"], sides["b"], ACCURACY)
    assert (found.n, found.look, found.decision) == (8, 1, "better")


def test_an_extension_of_one_side_alone_is_no_look_at_the_pair(tmp_path: Path) -> None:
    store(tmp_path, "a", above(D)[:6])
    for seed, final in enumerate(BASE):
        rows, told = make_rows([0.1, final]), {"optimizer": {"name": "b"}}
        declared = 6 if seed < 6 else 8
        write_run(tmp_path, rows, seed=seed, experiment="b", declared_seeds=declared, **told)
    found = judge_pair(runs_of(tmp_path, "a"), runs_of(tmp_path, "b"), ACCURACY)
    assert (found.n, found.declared, found.look) == (6, 6, 1)


def test_some_seeds_of_a_pair_that_was_trained_with_more_are_another_look(tmp_path: Path) -> None:
    store(tmp_path, "a", above([0.1] * 8))
    store(tmp_path, "b", BASE)
    a, b = (
        [
            replace(run, asker=Asker("c", 6))
            for run in runs_of(tmp_path, name)
            if run.result.seed < 6
        ]
        for name in ("a", "b")
    )
    found = judge_pair(a, b, ACCURACY)
    assert (found.n, found.declared, found.look, found.alpha) == (6, 6, 2, 0.01)


def test_a_diverged_seed_loses_and_its_pair_decides_by_sign(tmp_path: Path) -> None:
    found = judged(tmp_path, above([0.1] * 8), [*BASE[:7], None])
    assert (found.test, found.decision, found.p) == ("sign", "better", 2 / 256)
    assert found.interval.mean == pytest.approx(0.1)
    # scipy.stats: binomtest(0, 8) gives 2/256; at 96% the ranks of 8 are 1 and 8.
    assert found.interval.high == math.inf
    assert found.share is not None
    assert found.share.share == 1


def test_a_diverged_seed_of_a_is_lost_whatever_the_survivors_show(tmp_path: Path) -> None:
    found = judged(tmp_path, [*above([0.1] * 7), None], BASE)
    # binomtest(1, 8): 2 · (1 + 8)/256.
    assert found.decision == "undecided"
    assert found.p == pytest.approx(18 / 256)
    assert found.interval.low == -math.inf


def test_pairs_where_both_diverged_say_nothing(tmp_path: Path) -> None:
    found = judged(tmp_path, [*above([0.1] * 7), None], [*BASE[:7], None])
    assert (found.test, found.n, found.p) == ("sign", 7, 2 / 128)


def test_where_all_diverged_there_is_no_value_to_compare(tmp_path: Path) -> None:
    found = judged(tmp_path, [None] * 8, [None] * 8)
    assert (found.decision, found.why, found.p) == (None, "no value", None)


def test_unpaired_seeds_are_compared_by_welch(tmp_path: Path) -> None:
    a, b = [0.95, 0.96, 0.955, 0.952, 0.958, 0.953], [0.90, 0.91, 0.92, 0.905, 0.915, 0.908]
    found = judged(tmp_path, a, b, hashes=UNLIKE)
    assert (found.test, found.decision) == ("welch", "better")
    # Separated samples: of the C(12, 6) = 924 splits only the two extreme ones are as far.
    assert found.p == pytest.approx(2 / 924)
    low, high = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.96)
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high))
    assert found.share is not None
    assert (found.share.share, found.share.low) == (1.0, None)
    assert found.fewest == 4  # 2/C(8, 4) = .029, 2/C(6, 3) = .1


def test_unpaired_seeds_of_which_one_diverged_are_not_tested(tmp_path: Path) -> None:
    found = judged(tmp_path, [0.95] * 6, [0.9] * 5 + [None], hashes=UNLIKE)
    assert (found.decision, found.why, found.p) == ("undecided", "diverged", None)


@pytest.mark.parametrize(("margin", "equivalent"), [(0.5, True), (0.4, False)])
def test_equivalence_asks_for_the_90_percent_interval_within_the_margin(
    tmp_path: Path, margin: float, equivalent: bool
) -> None:
    # .275 ± t(.95, 7) · .2252/√8: .1241 to .4259.
    store(tmp_path, "a", above(D))
    store(tmp_path, "b", BASE)
    found = judge_pair(runs_of(tmp_path, "a"), runs_of(tmp_path, "b"), ACCURACY, margin=margin)
    assert found.decision == "better"
    assert found.equivalent is equivalent


def test_losses_that_spread_tenfold_over_seeds_are_compared_as_log_loss(tmp_path: Path) -> None:
    logs = [-9.0, -8.0, -7.0, -6.0, -8.5, -7.5, -6.5, -5.5]
    gaps = [1.0, 1.2, 0.8, 1.1, 0.9, 1.0, 1.3, 0.7]
    for seed, (log, gap) in enumerate(zip(logs, gaps, strict=True)):
        for optimizer, loss in ((ADAM, math.exp(log)), (SGD, math.exp(log + gap))):
            rows = make_rows([0.1, 0.9], train_loss=[2.3, loss])
            name = str(optimizer["name"])
            told = {"optimizer": optimizer, "experiment": name, "declared_seeds": 8}
            write_run(tmp_path, rows, seed=seed, **told)
    found = judge_pair(runs_of(tmp_path, "adam"), runs_of(tmp_path, "sgd"), LOSS)
    assert found.decision == "better"
    assert found.ratio is not None
    low, high = stats.ttest_1samp([-gap for gap in gaps], 0).confidence_interval(0.96)
    ends = found.ratio.mean, found.ratio.low, found.ratio.high
    assert ends == pytest.approx((math.exp(-1), math.exp(low), math.exp(high)))


def test_losses_that_spread_less_are_compared_as_they_are(tmp_path: Path) -> None:
    write_seeds(tmp_path, above(D), experiment="a")  # losses of 2 (1 − accuracy)
    write_seeds(tmp_path, BASE, optimizer=SGD, experiment="b")
    assert judge_pair(runs_of(tmp_path, "a"), runs_of(tmp_path, "b"), LOSS).ratio is None
