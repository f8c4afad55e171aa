from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from stored_runs import ADAM, SGD, load, make_rows, write_run, write_seeds

from optbench.analysis.baseline import BaselineComparison, Change, compare_with_baseline
from optbench.analysis.question import Question
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BEFORE = [0.970, 0.972, 0.968, 0.971, 0.969, 0.973, 0.967, 0.970]
# The differences of STATISTICS' worked example in points, and their negatives: with n = 8 and one
# sign change p_flip is 6/256 = .0234, within the first look's .04.
STEPS = [0.3, 0.1, 0.2, 0.5, 0.4, -0.1, 0.2, 0.6]


def moved(sign: float) -> list[float]:
    return [value + sign * step / 100 for value, step in zip(BEFORE, STEPS, strict=True)]


class Stores:
    """Two stores, `old` and `new`."""

    def __init__(self, folder: Path) -> None:
        self.old, self.new = folder / "old", folder / "new"

    def write(
        self, before: Sequence[float] | None, after: Sequence[float] | None, **description: Any
    ) -> None:
        for root, finals in ((self.old, before), (self.new, after)):
            if finals is not None:
                write_seeds(root, finals, **description)

    def compared(self, **question: Any) -> BaselineComparison:
        asked = Question(**question)
        return compare_with_baseline(load(self.new), load(self.old), asked)

    def change(self, **question: Any) -> Change:
        (change,) = self.compared(**question).changes
        return change


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(tmp_path)


def test_equal_bytes_are_identical_and_need_no_statistics(stores: Stores) -> None:
    stores.write(BEFORE[:1], BEFORE[:1])
    change = stores.change()
    assert (change.outcome, change.verdict) == ("identical", None)
    assert change.same == change.seeds == (0,)
    assert not stores.compared().is_worse


@pytest.mark.parametrize(("sign", "outcome"), [(1.0, "better"), (-1.0, "worse")])
def test_eight_seeds_that_moved_alike_are_judged(stores: Stores, sign: float, outcome: str) -> None:
    stores.write(BEFORE, moved(sign))
    change = stores.change()
    assert change.outcome == outcome
    assert change.verdict is not None
    assert change.verdict.p == pytest.approx(6 / 256)  # the worked example: larger than p_t
    assert change.verdict.interval.mean == pytest.approx(sign * 0.00275)
    assert stores.compared().is_worse == (outcome == "worse")


def test_a_loss_that_rises_is_worse(stores: Stores) -> None:
    stores.write(BEFORE, moved(-1.0))  # the test loss is twice the error
    assert stores.change(metric="test_loss").outcome == "worse"


def test_a_drop_within_the_margin_passes_and_one_beyond_it_does_not(stores: Stores) -> None:
    stores.write(BEFORE, moved(-1.0))
    # 90% t interval of the example: .275 ± 1.8946 · .2252 / √8 = [.124, .426] points
    assert stores.change(margin=0.005).outcome == "equivalent"
    assert stores.change(margin=0.004).outcome == "worse"


def test_a_gain_within_the_margin_is_still_better(stores: Stores) -> None:
    stores.write(BEFORE, moved(1.0))
    assert stores.change(margin=0.005).outcome == "better"


def test_other_numbers_too_few_to_judge_are_undecided_and_named(stores: Stores) -> None:
    stores.write(BEFORE[:3], [BEFORE[0], *moved(-1.0)[1:3]])
    change = stores.change()
    assert change.outcome == "undecided"
    assert (change.seeds, change.same) == ((0, 1, 2), (0,))
    assert change.verdict is not None
    assert change.verdict.why == "too few pairs"


def test_the_correction_is_for_the_settings_that_changed(stores: Stores) -> None:
    # p = .0234 holds alone (.04) and as the smaller of two needs .02: it does not.
    stores.write(BEFORE, moved(-1.0))
    stores.write(BEFORE, BEFORE, optimizer=SGD)
    assert [change.outcome for change in stores.compared().changes] == ["worse", "identical"]
    stores.write(BEFORE, moved(-1.0), optimizer=ADAM | {"lr": 0.01})
    outcomes = [change.outcome for change in stores.compared().changes]
    assert outcomes == ["undecided", "undecided", "identical"]


def test_settings_of_one_side_only_are_missing_or_new(stores: Stores) -> None:
    stores.write(BEFORE[:1], BEFORE[:1])
    stores.write(BEFORE[:1], None, optimizer=SGD)
    stores.write(None, BEFORE[:1], optimizer=SGD | {"lr": 0.1})
    changes = {change.label: change for change in stores.compared().changes}
    told = {label: change.outcome for label, change in changes.items()}
    assert told == {"adam lr=0.001": "identical", "sgd lr=0.01": "missing", "sgd lr=0.1": "new"}
    assert changes["sgd lr=0.01"].before is not None
    assert changes["sgd lr=0.01"].after is None


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_a_seed_that_completed_before_and_does_not_now_is_worse(
    stores: Stores, status: str
) -> None:
    stores.write(BEFORE[:2], BEFORE[:1], declared_seeds=2)
    write_run(stores.new, make_rows([0.1, 0.2]), seed=1, status=status, declared_seeds=2)
    change = stores.change()
    assert (change.outcome, change.broken) == ("worse", (1,))


def test_a_seed_that_diverged_before_and_now_is_no_news(stores: Stores) -> None:
    for root in (stores.old, stores.new):
        write_run(root, make_rows([0.1, 0.2]), status="diverged")
    assert stores.change().outcome == "identical"


def test_seeds_that_are_not_done_yet_say_nothing(stores: Stores) -> None:
    stores.write(BEFORE, BEFORE[:3], declared_seeds=8)
    write_run(stores.new, make_rows([0.1, 0.2]), seed=3, status="interrupted", declared_seeds=8)
    change = stores.change()
    assert (change.outcome, change.seeds) == ("identical", (0, 1, 2))
    assert change.unfinished == (3, 4, 5, 6, 7)


def test_a_seed_that_had_not_finished_before_is_not_compared(stores: Stores) -> None:
    stores.write(BEFORE[:1], BEFORE[:2], declared_seeds=2)
    write_run(stores.old, make_rows([0.1, 0.2]), seed=1, status="interrupted", declared_seeds=2)
    change = stores.change()
    assert (change.outcome, change.seeds) == ("identical", (0,))


def test_only_the_seeds_of_both_sides_are_compared(stores: Stores) -> None:
    stores.write(BEFORE[:2], None, declared_seeds=2)
    for seed in (1, 2):
        rows = make_rows([0.1, 0.5, 0.96])
        write_run(stores.new, rows, seed=seed, declared_seeds=2)
    change = stores.change()
    assert (change.seeds, change.same) == ((1,), ())
    assert change.before is not None
    assert change.before.mean == BEFORE[1]


def test_what_the_environment_changed_is_named(stores: Stores) -> None:
    for root, torch, threads in ((stores.old, "2.14.0", 1), (stores.new, "2.15.0", 2)):
        environment = {"optbench": "0.1.0", "torch": torch, "device": "cpu", "threads": threads}
        write_seeds(root, BEFORE[:2], environment=environment | {"host": root.name})
    told = [(found.name, found.before, found.after) for found in stores.compared().environment]
    assert told == [("torch", ("2.14.0",), ("2.15.0",)), ("threads", ("1",), ("2",))]


def test_a_condition_may_hold_for_one_side_alone(stores: Stores) -> None:
    stores.write(BEFORE[:1], BEFORE[:1])
    stores.write(None, BEFORE[:1], optimizer=SGD)
    changes = stores.compared(where=("optimizer=adam,sgd",)).changes
    assert [change.outcome for change in changes] == ["identical", "new"]


def test_stores_without_a_common_setting_and_seed_are_refused(stores: Stores) -> None:
    stores.write(BEFORE[:1], None, problem="digits · mlp 64-128-10 · cross entropy")
    stores.write(None, BEFORE[:1])
    with pytest.raises(UsageError) as caught:
        stores.compared()
    assert str(caught.value) == (
        "--baseline: no setting and seed has finished both before and now (before: digits · mlp "
        "64-128-10 · cross entropy; now: mnist · mlp 784-128-10 · cross entropy); train the "
        "same configurations before and after the change, with `optbench run CONFIG.yaml`"
    )


def test_a_damaged_run_is_a_note_on_either_side(stores: Stores) -> None:
    stores.write(BEFORE[:2], BEFORE[:2])
    for root in (stores.old, stores.new):
        path = next(root.glob("*/*-s1-*/metrics.csv"))
        path.write_text(path.read_text().replace("0.972", "0.999"))
    comparison = stores.compared()
    assert [note.kind for note in comparison.notes] == ["damaged", "damaged"]
    assert comparison.changes[0].seeds == (0,)


def test_runs_whose_bytes_nobody_recorded_are_not_called_identical(stores: Stores) -> None:
    stores.write(BEFORE, BEFORE, files={})
    assert stores.change().outcome == "undecided"


def test_a_change_of_ones_own_class_is_compared_and_named(stores: Stores) -> None:
    """The hash of a setting holds the content of its plug-in file; the class is still the same."""
    own = {"name": "/home/me/lion.py:Lion", "lr": 0.1}
    for root, content in ((stores.old, "1" * 64), (stores.new, "2" * 64)):
        for seed in range(2):
            rows = make_rows([0.1, 0.9])
            write_run(root, rows, optimizer=own, seed=seed, declared_seeds=2, setting=content)
    found = stores.compared()
    (change,) = found.changes
    assert (change.outcome, change.seeds) == ("identical", (0, 1))
    code = next(one for one in found.environment if one.name == "code of Lion")
    assert (code.before, code.after) == (("1" * 8,), ("2" * 8,))


def test_runs_that_cannot_be_read_any_more_do_not_pass(stores: Stores) -> None:
    stores.write(BEFORE[:2], BEFORE[:2])
    assert not stores.compared().is_worse
    for metrics in stores.new.rglob("metrics.csv"):
        metrics.write_text("damaged")
        break
    assert stores.compared().is_worse
