from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from audited import (
    ADAMW,
    BASE,
    MOMENTUM,
    findings,
    store,
    store_fair,
    store_grid,
    write_repeatable,
)
from stored_runs import ADAM, SGD, load, make_rows

from optbench.analysis.audit.audit import audit
from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.store.result import read_result
from optbench.store.scan import beside

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from optbench.analysis.audit.finding import Finding

PEAK = {0.01: 0.0, 0.1: 0.02, 1.0: 0.01}  # the best learning rate has neighbours on both sides


def command_of(finding: Finding) -> str:
    assert finding.command is not None
    return finding.command


def test_equal_grids_around_the_best_are_fair_but_for_the_seeds(tmp_path: Path) -> None:
    for optimizer in (ADAM, SGD):
        store_grid(tmp_path, optimizer, PEAK)
    assert list(findings(tmp_path)) == ["selected on reported seeds"]


def test_one_setting_of_each_is_neither_tuned(tmp_path: Path) -> None:
    store(tmp_path, ADAM, seeds=range(8))
    store(tmp_path, SGD, seeds=range(8))
    found = findings(tmp_path)["untuned"]
    assert found.message == "neither optimizer was tuned (one learning rate each)"
    # A decade beyond .001 and .01 on either side, two points a decade.
    assert "'optimizer.lr={logspace: [0.0001, 0.1, 7]}' --seeds 8" in command_of(found)


def test_one_seed_and_one_setting_each_are_a_single_finding(tmp_path: Path) -> None:
    store(tmp_path, ADAM, [0.97], seeds=[0])
    store(tmp_path, SGD, [0.91], seeds=[0])
    found = findings(tmp_path)
    assert list(found) == ["too few seeds"]
    assert found["too few seeds"].message == "one seed and one learning rate each: no verdict"
    assert "--seeds 8" in command_of(found["too few seeds"])


def test_one_tuned_side_is_told_with_a_grid_of_the_same_size(tmp_path: Path) -> None:
    store_grid(tmp_path, ADAM, PEAK)
    store_grid(tmp_path, SGD, {0.01: 0.0})
    found = findings(tmp_path)["one side tuned"]
    assert found.message == "sgd lr=0.01: not tuned, against up to 3 settings of adam"
    assert "'optimizer.lr={grid: [0.00316, 0.0316]}'" in command_of(found)


def test_grids_of_unlike_sizes_are_unequal_budgets(tmp_path: Path) -> None:
    store_grid(tmp_path, ADAM, {0.001: 0.0, **PEAK, 10.0: 0.0, 100.0: 0.0})
    store_grid(tmp_path, SGD, PEAK)
    found = findings(tmp_path)["unequal tuning budgets"]
    assert found.message == (
        "unequal tuning budgets: adam 6 settings in 48 runs, sgd 3 settings in 24 runs"
    )
    # Three more in the grid's own ratio: two below, one above.
    assert "'optimizer.lr={grid: [0.0001, 0.001, 10]}'" in command_of(found)


def test_grids_of_one_size_on_fewer_seeds_are_unequal_trials(tmp_path: Path) -> None:
    store_grid(tmp_path, ADAM, PEAK)
    for lr, gain in PEAK.items():
        few = [base + gain for base in BASE[:5]]
        store(tmp_path, SGD | {"lr": lr}, few, seeds=range(5))
    found = findings(tmp_path)["unequal tuning budgets"]
    assert "sgd 3 settings in 15 runs" in found.message
    assert command_of(found).count("config.yaml") == 3
    assert "--seeds 8" in command_of(found)


def test_a_grid_that_was_extended_at_its_edge_is_no_unequal_budget(tmp_path: Path) -> None:
    store_grid(tmp_path, ADAM, PEAK)
    store_grid(tmp_path, SGD, {**PEAK, 10.0: 0.0})
    assert "unequal tuning budgets" not in findings(tmp_path)


def test_the_best_learning_rate_at_an_edge_is_told_with_one_beyond(tmp_path: Path) -> None:
    store_grid(tmp_path, ADAM, PEAK)
    store_grid(tmp_path, SGD, {0.01: 0.0, 0.1: 0.01, 1.0: 0.02})
    found = findings(tmp_path)["learning rate at the edge"]
    assert found.message == "sgd lr=1 is the highest of 3 learning rates"
    assert "--set optimizer.lr=10 --seeds 8" in command_of(found)


def test_the_lower_edge_is_extended_downwards(tmp_path: Path) -> None:
    store_grid(tmp_path, SGD, {0.01: 0.02, 0.1: 0.01, 1.0: 0.0})
    found = findings(tmp_path)["learning rate at the edge"]
    assert found.message == "sgd lr=0.01 is the lowest of 3 learning rates"
    assert "--set optimizer.lr=0.001 " in command_of(found)


def test_edges_that_grow_alike_are_one_command(tmp_path: Path) -> None:
    store_grid(tmp_path, ADAM, {0.01: 0.0, 0.1: 0.01, 1.0: 0.02})
    store_grid(tmp_path, SGD, {0.01: 0.0, 0.1: 0.01, 1.0: 0.02})
    store_grid(tmp_path, ADAMW, {0.01: 0.02, 0.1: 0.01, 1.0: 0.0})
    found = findings(tmp_path)["learning rate at the edge"]
    assert found.message == (
        "adam lr=1 is the highest of 3 learning rates, adamw lr=0.01 is the lowest of 3 learning "
        "rates, sgd lr=1 is the highest of 3 learning rates"
    )
    upwards, downwards = command_of(found).split(" && ")
    assert (downwards.count("config.yaml"), upwards.count("config.yaml")) == (1, 2)
    assert "--set optimizer.lr=0.001 " in downwards
    assert "--set optimizer.lr=10 " in upwards


def test_what_was_tried_beside_the_compared_runs_is_no_edge(tmp_path: Path) -> None:
    gains = {0.001: 0.0, 0.01: 0.02, 0.1: 0.01, 1.0: 0.0}
    store_grid(tmp_path, SGD, gains)
    store_grid(tmp_path, SGD, {1e-5: 0.0}, training={"epochs": 9})  # is another question
    everything = load(tmp_path)
    higher = [run for run in everything if run.result.config["optimizer"]["lr"] in (0.1, 1.0)]
    compared = compare(higher, Question())
    assert audit(compared)[0].kind == "learning rate at the edge"
    (found,) = audit(compared, beside(higher))
    assert found.message == (
        "selected on the seeds that are reported: sgd lr=0.1 (of 2); other learning rates of it "
        "are not in this table"
    )
    assert found.command == f"optbench compare {tmp_path}/adam_mnist"
    lower = [run for run in everything if run.result.config["optimizer"]["lr"] in (0.01, 0.1)]
    assert audit(compare(lower, Question()), beside(lower))[0].kind == found.kind


def test_of_all_that_was_tried_the_end_is_an_edge(tmp_path: Path) -> None:
    store_grid(tmp_path, SGD, {0.001: 0.0, 0.01: 0.0, 0.1: 0.01, 1.0: 0.02})
    higher = [run for run in load(tmp_path) if run.result.config["optimizer"]["lr"] in (0.1, 1.0)]
    found = audit(compare(higher, Question()), beside(higher))[0]
    assert found.message == "sgd lr=1 is the highest of 4 learning rates"
    assert "--set optimizer.lr=10 " in command_of(found)


def test_one_that_is_worse_than_what_was_tried_beside_it_is_no_edge(tmp_path: Path) -> None:
    store_grid(tmp_path, SGD, {0.01: 0.0, 0.1: 0.02, 1.0: 0.01})
    (tmp_path / "adam_mnist" / "damaged-s0-01234567").mkdir()
    (tmp_path / "adam_mnist" / "damaged-s0-01234567" / "result.json").write_text("{")
    widest = [run for run in load(tmp_path) if run.result.config["optimizer"]["lr"] == 1.0]
    assert audit(compare(widest, Question()), beside(widest)) == ()


def test_a_general_optimizer_that_loses_to_what_it_contains_was_not_tuned(tmp_path: Path) -> None:
    store(tmp_path, MOMENTUM, [base - 0.01 for base in BASE])
    store(tmp_path, SGD)
    found = findings(tmp_path)["special case wins"]
    assert found.message == (
        "sgd lr=0.01 momentum=0.9 is worse than sgd lr=0.01 momentum=0, which it contains "
        "(momentum 0)"
    )
    assert "'optimizer.momentum={grid: [0.1, 0.5]}'" in command_of(found)


def test_adamw_contains_adam(tmp_path: Path) -> None:
    store(tmp_path, ADAMW, [base - 0.01 for base in BASE])
    store(tmp_path, ADAM)
    assert "special case wins" in findings(tmp_path)


def test_adamw_does_not_contain_adam_with_l2_regularization(tmp_path: Path) -> None:
    store(tmp_path, ADAMW, [base - 0.01 for base in BASE])
    store(tmp_path, ADAM | {"weight_decay": 0.01})
    assert "special case wins" not in findings(tmp_path)


@pytest.mark.parametrize("gain", [0.01, 0.0])
def test_a_general_optimizer_that_wins_or_is_undecided_is_no_finding(
    tmp_path: Path, gain: float
) -> None:
    store(tmp_path, MOMENTUM, [base + gain for base in BASE])
    store(tmp_path, SGD)
    store(tmp_path, ADAM, [base - 0.01 for base in BASE])
    assert findings(tmp_path) == {}


def test_what_was_selected_on_seeds_that_are_not_reported_is_fair(tmp_path: Path) -> None:
    store(tmp_path, ADAM | {"lr": 0.1}, [base + 0.02 for base in BASE])
    store(tmp_path, ADAM | {"lr": 0.01}, seeds=range(8))
    assert "selected on reported seeds" not in findings(tmp_path)


def test_of_one_seed_each_no_selection_is_told(tmp_path: Path) -> None:
    for lr, gain in PEAK.items():
        for optimizer in (ADAM, SGD):
            store(tmp_path, optimizer | {"lr": lr}, [BASE[0] + gain], seeds=[0])
    assert list(findings(tmp_path)) == ["too few seeds"]


def test_where_every_setting_is_judged_nothing_was_selected(tmp_path: Path) -> None:
    store_grid(tmp_path, ADAM, {0.01: 0.02, 0.1: 0.01, 1.0: 0.0})
    store_grid(tmp_path, SGD, {0.01: 0.0, 0.1: 0.01})
    assert findings(tmp_path, Question(by="setting")) == {}


def test_selection_is_told_with_the_selected_settings_on_fresh_seeds(tmp_path: Path) -> None:
    for optimizer in (ADAM, SGD):
        store_grid(tmp_path, optimizer, PEAK)
    found = findings(tmp_path)["selected on reported seeds"]
    assert found.settings == ("adam lr=0.1", "sgd lr=0.1")
    trained = command_of(found)  # and compared by that
    assert trained.endswith(f"--set name=adam_mnist_fresh8 --seeds 8-15 --runs-dir {tmp_path}")
    by_loss = findings(tmp_path, Question("test_loss"))["selected on reported seeds"]
    assert command_of(by_loss) == (
        f"{trained} && optbench compare {tmp_path}/adam_mnist_fresh8 --metric test_loss"
    )


def gone_on(root: Path, optimizer: Mapping[str, object], gain: float, seeds: int = 8) -> None:
    """Eight runs of 2 epochs, and so many of them again, gone on to 4 with so much gained."""
    for seed, base in enumerate(BASE):
        rows, told = make_rows([0.1, base]), {"optimizer": optimizer, "declared_seeds": 8}
        short = write_repeatable(root, rows, seed=seed, training={"epochs": 2}, **told)
        extended = {"run": read_result(short / "result.json").run, "epochs": 2}
        told["extended"] = extended if seed < seeds else None
        rows = make_rows([0.1, base, base + gain])
        write_repeatable(root, rows, seed=seed, training={"epochs": 4}, **told)


def test_a_setting_that_went_on_to_more_epochs_was_not_selected(tmp_path: Path) -> None:
    gone_on(tmp_path, SGD, 0.01)
    store(tmp_path, ADAM, seeds=range(8), training={"epochs": 4})
    assert list(findings(tmp_path)) == ["untuned"]  # and no side was tuned alone


def test_one_that_is_better_before_it_went_on_was_selected(tmp_path: Path) -> None:
    for optimizer in (ADAM, SGD):
        gone_on(tmp_path, optimizer, -0.01)
    found = findings(tmp_path)["selected on reported seeds"]
    assert "sgd lr=0.01 epochs=2 (of 2)" in found.message


def test_a_shorter_setting_of_which_a_seed_did_not_go_on_was_tried(tmp_path: Path) -> None:
    for optimizer in (ADAM, SGD):
        gone_on(tmp_path, optimizer, 0.01, seeds=7)
    assert "sgd lr=0.01 epochs=4 (of 2)" in findings(tmp_path)["selected on reported seeds"].message


def test_sides_that_went_on_had_the_same_epochs(tmp_path: Path) -> None:
    gone_on(tmp_path, ADAM, 0.01)
    gone_on(tmp_path, SGD, -0.01)
    assert "batch size or epochs" not in findings(tmp_path)


def test_fresh_seeds_come_after_wider_grids(tmp_path: Path) -> None:
    store_grid(tmp_path, ADAM, PEAK)
    store_grid(tmp_path, SGD, {0.01: 0.0, 0.1: 0.01, 1.0: 0.02})
    found = findings(tmp_path)
    assert "sgd lr=1" in found["learning rate at the edge"].message
    assert found["selected on reported seeds"].command is None
    assert found["selected on reported seeds"].message.endswith("come after wider grids")


def test_settings_on_fresh_seeds_are_not_called_untuned(tmp_path: Path) -> None:
    store_fair(tmp_path)
    assert "untuned" not in findings(tmp_path)
