from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from experiments import write_experiment

from optbench.analysis.edges import find_edges, widened
from optbench.catalog.search import Searched, load_search

if TYPE_CHECKING:
    from pathlib import Path

MANY = [10 ** (-4 + n / 10) for n in range(31)]  # of 1e-4 to 0.1


def searched(folder: Path, **space: Any) -> Searched:
    optimizer = {"name": "sgd", **space}
    (found,) = load_search(write_experiment(folder, optimizer=optimizer)).contenders
    return found


def ends(one: Searched, key: str, value: Any, tried: list[Any]) -> list[str]:
    found = find_edges(one, {key: value}, [{key: other} for other in tried])
    return [f"{edge.dimension.key} {edge.end}" for edge in found]


def test_only_the_outermost_of_the_trials_near_an_end_is_at_it(tmp_path: Path) -> None:
    sgd = searched(tmp_path, lr={"loguniform": [1e-4, 0.1]})
    assert ends(sgd, "lr", MANY[-1], MANY) == ["lr upper"]
    assert ends(sgd, "lr", MANY[0], MANY) == ["lr lower"]
    assert ends(sgd, "lr", MANY[15], MANY) == []
    assert ends(sgd, "lr", MANY[-2], MANY) == []  # a larger one was tried and is worse
    assert ends(sgd, "lr", 0.01, [1e-4, 0.01]) == []  # the largest, and far from the end


def test_with_few_trials_an_end_is_nearer(tmp_path: Path) -> None:
    sgd = searched(tmp_path, lr={"loguniform": [1e-4, 0.1]})
    assert ends(sgd, "lr", 0.05, [0.001, 0.01, 0.05]) == ["lr upper"]
    assert ends(sgd, "lr", 0.05, [*MANY[:-4], 0.05]) == []


def test_an_end_beyond_which_nothing_is_legal_is_no_edge(tmp_path: Path) -> None:
    sgd = searched(tmp_path, lr=0.1, momentum={"uniform": [0, 0.9]})
    assert ends(sgd, "momentum", 0.0, [0.0, 0.4, 0.9]) == []
    assert ends(sgd, "momentum", 0.9, [0.0, 0.4, 0.9]) == ["momentum upper"]


@pytest.mark.parametrize(
    "space",
    [{"uniform": [0.1, 0.10000000000000002]}, {"loguniform": [1e300, 1.0000000000000002e300]}],
)
def test_ends_that_are_the_same_in_six_digits_do_not_move(
    tmp_path: Path, space: dict[str, Any]
) -> None:
    sgd = searched(tmp_path, lr=space)
    (dimension,) = sgd.dimensions
    assert ends(sgd, "lr", dimension.high, [dimension.high]) == []


def test_the_ends_of_numbers_on_a_grid_are_edges_that_do_not_move(tmp_path: Path) -> None:
    sgd = searched(tmp_path, lr={"grid": [0.1, 0.01, 0.001]})
    assert ends(sgd, "lr", 0.1, [0.1, 0.01, 0.001]) == ["lr upper"]
    assert ends(sgd, "lr", 0.01, [0.1, 0.01, 0.001]) == []
    edges = find_edges(sgd, {"lr": 0.1}, [{"lr": 0.1}])
    assert edges[0].wider is None
    assert widened(sgd, edges) == sgd
    two = searched(tmp_path, lr=0.1, momentum={"grid": [0, 0.9]})
    assert ends(two, "momentum", 0.9, [0, 0.9]) == []  # of two values each is an end


@pytest.mark.parametrize(
    ("space", "value", "expected"),
    [
        ({"lr": {"loguniform": [1e-4, 1e-2]}}, 1e-2, (1e-4, 1e-1)),  # half of two decades
        ({"lr": {"loguniform": [1e-4, 1e-2]}}, 1e-4, (1e-5, 1e-2)),
        ({"lr": 0.1, "weight_decay": {"uniform": [0.0, 0.1]}}, 0.1, (0.0, 0.15)),
        # 1.35 and 1.125 are no momentum; a smaller step is one.
        ({"lr": 0.1, "momentum": {"uniform": [0.0, 0.8]}}, 0.8, (0.0, 1.0)),
    ],
)
def test_an_end_moves_by_half_of_the_range_or_less_where_that_is_not_legal(
    tmp_path: Path, space: dict[str, Any], value: float, expected: tuple[float, float]
) -> None:
    sgd = searched(tmp_path, **space)
    (dimension,) = sgd.dimensions
    wider = widened(sgd, find_edges(sgd, {dimension.key: value}, [{dimension.key: value}]))
    (found,) = wider.dimensions
    assert (found.low, found.high) == pytest.approx(expected)
    ends = {dimension.key: found.high}
    assert wider.setting(ends).optimizer[dimension.key] == found.high
