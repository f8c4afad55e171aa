from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from stored_searches import BETA, LR, Tried, searched_comparison, write_search

from optbench.analysis import importances as importances_module
from optbench.analysis.importances import Importance, importances
from optbench.analysis.question import Question
from optbench.errors import UsageError
from optbench.store.tuning import Dimension

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from optbench.analysis.search import ProblemSearch

pytest.importorskip("optuna")


def search(
    root: Path, loss_of: Callable[[float, float, random.Random], float], count: int = 40
) -> ProblemSearch:
    """Trials at random places; the loss is of log10 lr and beta."""
    chance = random.Random(5)
    trials: list[Tried] = []
    for _ in range(count):
        place, beta = chance.uniform(-5, 0), chance.uniform(0.9, 0.999)
        loss = loss_of(place, beta, chance)
        trials.append(({"lr": 10**place, "betas[1]": beta}, loss, 0.5, "completed"))
    folder = write_search(root, {"adam": trials}, {"adam": [LR, BETA]})
    (found,) = searched_comparison(folder, Question()).searches
    return found


def told(found: ProblemSearch) -> dict[str, Importance]:
    return {one.key: one for one in importances(found.searches[0], found)}


def test_what_decides_has_the_importance_and_the_rest_is_chance(tmp_path: Path) -> None:
    found = told(search(tmp_path, lambda place, *_: (place + 3) ** 2))
    assert found["lr"].share > 0.9
    assert found["lr"].certain
    assert not found["betas[1]"].certain
    assert sum(one.share for one in found.values()) == pytest.approx(1)


def test_both_are_certain_where_both_decide(tmp_path: Path) -> None:
    found = told(search(tmp_path, lambda place, beta, _: abs(place + 3) + 20 * (1 - beta), 80))
    assert found["lr"].certain
    assert found["betas[1]"].certain


def test_where_nothing_matters_nothing_is_certain(tmp_path: Path) -> None:
    found = told(search(tmp_path, lambda _p, _b, chance: chance.random()))
    assert not any(one.certain for one in found.values())


def test_only_the_order_of_the_trials_counts(tmp_path: Path) -> None:
    near = told(search(tmp_path / "near", lambda place, *_: (place + 3) ** 2))
    far = told(search(tmp_path / "far", lambda place, *_: 2 ** (10 * (place + 3) ** 2)))
    assert near == far


def test_few_trials_and_a_single_value_have_none(tmp_path: Path) -> None:
    found = search(tmp_path, lambda place, *_: place**2, 11)
    assert told(found) == {}
    alone = replace(found.searches[0], dimensions=(Dimension("lr", "loguniform", 1e-5, 1),))
    assert importances(alone, found) == ()


def test_without_optuna_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = search(tmp_path, lambda place, *_: place**2)
    monkeypatch.setattr(importances_module, "has_optuna", lambda: False)
    with pytest.raises(UsageError, match=r"need Optuna: pip install 'optbench\[tune\]'"):
        told(found)
