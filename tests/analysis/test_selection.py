from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from stored_runs import SGD, make_rows, result_document

from optbench.analysis.selection import criterion, leaders, ranked
from optbench.analysis.setting import Setting
from optbench.store.result import Status, parse_result
from optbench.store.stored_run import StoredRun

if TYPE_CHECKING:
    from optbench.store.metrics import Row


def stored(rows: list[Row], lr: float, seed: int, status: Status) -> StoredRun:
    """A run whose rows are in memory: ranking asks for nothing else."""
    document = result_document(optimizer=SGD | {"lr": lr}, seed=seed, status=status)
    run = StoredRun(Path(f"sgd-{lr}-{seed}"), parse_result(json.dumps(document).encode(), "r"))
    vars(run)["rows"] = tuple(rows)
    return run


def setting(lr: float, *losses: float, diverged: int = 0) -> Setting:
    """Completed seeds with these final train losses, then diverged ones that looked perfect."""
    runs = [
        stored(make_rows([0.1, 0.9], train_loss=[2.3, loss]), lr, seed, "completed")
        for seed, loss in enumerate(losses)
    ]
    runs += [
        stored(make_rows([0.1, 0.9], train_loss=[2.3, 0.0]), lr, len(losses) + seed, "diverged")
        for seed in range(diverged)
    ]
    return Setting(f"{lr}", tuple(runs))


def order(settings: list[Setting]) -> list[str]:
    return [found.key for found in ranked(settings, "train_loss")]


GOOD, WORSE = setting(0.1, 0.2, 0.4), setting(0.2, 0.35, 0.35)
BAD = [
    setting(1.0, 0.1, math.nan),
    setting(2.0, math.inf, 0.1),
    setting(3.0, -math.inf),
    setting(4.0, 0.01, diverged=1),
    setting(5.0, diverged=2),
    setting(6.0),
]


@given(st.permutations([GOOD, WORSE, *BAD]))
def test_nan_infinity_and_divergence_are_never_best_in_any_order(settings: list[Setting]) -> None:
    assert order(settings)[:2] == ["0.1", "0.2"]


@given(st.permutations([WORSE, BAD[0], BAD[3]]))
def test_a_setting_that_diverged_at_one_seed_stands_behind_all_that_did_not(
    settings: list[Setting],
) -> None:
    assert order(settings) == ["0.2", "1.0", "4.0"]


def test_the_first_of_each_family_leads() -> None:
    assert [found.key for found in leaders(ranked([WORSE, GOOD], "train_loss"))] == ["0.1"]


def test_validation_loss_selects_where_there_is_one() -> None:
    rows = make_rows([0.1, 0.9], val_loss=[2.3, 0.5])
    held_out = Setting("held out", (stored(rows, 0.1, 0, "completed"),))
    assert criterion([held_out]) == "val_loss"
    assert criterion([GOOD]) == "train_loss"
