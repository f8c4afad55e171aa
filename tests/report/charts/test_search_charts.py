"""Pictures of a search: what every trial was, and what became of it."""

from __future__ import annotations

import json
import math
import random
from typing import TYPE_CHECKING, Any

import altair
import pytest
from stored_runs import ADAM, load, make_rows, write_run
from stored_searches import BETA, LR, MOMENTUM, Tried, searched_comparison, write_search
from test_specification import nodes, records, texts

from optbench.analysis.comparison import Comparison, compare
from optbench.analysis.question import Question
from optbench.errors import UsageError
from optbench.report.charts.scales import value_scale
from optbench.report.charts.specification import SearchKind, chart_specification
from optbench.store.tuning import Dimension

if TYPE_CHECKING:
    from pathlib import Path

KINDS: list[SearchKind] = ["tuning", "importances", "slices", "parallel"]


def trials(name: str) -> list[Tried]:
    """Sixteen: the first diverged, the second pruned, the loss falling from trial to trial."""
    chance = random.Random(name)
    second = (lambda: {"betas[1]": chance.uniform(0.9, 0.999)}) if name == "adam" else None
    found: list[Tried] = []
    for number in range(16):
        more = second() if second else {"momentum": chance.choice([0, 0.9])}
        fate = {0: "diverged", 1: "pruned"}.get(number, "completed")
        values = {"lr": 10 ** -(1 + number / 4)} | more
        found.append((values, 0.5 - number / 40, 0.6 + number / 50, fate))
    return found


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    """A random search of two optimizers that share the learning rate."""
    spaces = {"adam": [LR, BETA], "sgd": [LR, MOMENTUM]}
    tried = {name: trials(name) for name in spaces}
    return searched_comparison(write_search(tmp_path, tried, spaces), Question())


def drawn(specification: dict[str, Any], field: str) -> list[dict[str, Any]]:
    return records(specification, field)


@pytest.mark.parametrize("interactive", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_valid_vega_lite(
    comparison: Comparison, kind: SearchKind, interactive: bool
) -> None:
    specification = chart_specification(comparison, kind, interactive=interactive)
    json.dumps(specification, allow_nan=False)
    altair.VConcatChart.from_dict(specification, validate=True)
    assert "16 random trials each, 2 epochs a trial" in texts(specification)


def test_slices_have_a_panel_a_value_and_mark_what_ended_early(comparison: Comparison) -> None:
    specification = chart_specification(comparison, "slices", interactive=False)
    titles = [node["x"]["title"] for node in nodes(specification) if "title" in node.get("x", {})]
    assert titles == ["learning rate (log scale)", "betas[1]", "momentum"]
    points = drawn(specification, "fate")
    # Both optimizers are on the first panel, one of them on each of the others.
    assert len(points) == 16 * 2 + 16 + 16
    crosses = [point for point in points if point["fate"] == "diverged"]
    assert {point["objective"] for point in crosses} == {2.3}  # the untrained loss
    assert {point["trial"] for point in points if point["best"]} == {16}
    told = texts(specification)
    assert "×: diverged" in told
    assert "hollow: pruned, at its last value" in told
    assert "adam (1 of 16 diverged, 1 pruned)" in told


def test_a_log_uniform_value_stands_at_its_logarithm(comparison: Comparison) -> None:
    points = drawn(chart_specification(comparison, "slices"), "fate")
    placed = {point["at"] for point in points[:16]}
    assert sorted(placed) == pytest.approx(sorted(-(1 + number / 4) for number in range(16)))


def test_parallel_coordinates_have_a_line_a_trial_through_every_axis(
    comparison: Comparison,
) -> None:
    points = drawn(chart_specification(comparison, "parallel"), "rank")
    assert len(points) == 2 * 16 * 3
    ranks = {point["trial"]: point["rank"] for point in points}
    assert (ranks[1], ranks[2], ranks[16]) == ("diverged", "pruned", "best")
    # The best quarter of sixteen: trials 12 to 16, the last of them being the best.
    assert {trial for trial, rank in ranks.items() if rank == "good"} == {12, 13, 14, 15}
    assert all(0 <= point["at"] <= 1 for point in points)


def test_importances_name_the_value_that_decides(comparison: Comparison) -> None:
    bars = drawn(chart_specification(comparison, "importances"), "share")
    assert [(bar["name"], bar["certain"]) for bar in bars] == [
        ("adam · learning rate", True),
        ("adam · betas[1]", False),
        ("sgd · learning rate", True),
        ("sgd · momentum", False),
    ]
    for setting in ("adam", "sgd"):
        assert sum(b["share"] for b in bars if b["setting"] == setting) == pytest.approx(100)


def test_a_search_that_learns_shows_its_trials_and_no_band(tmp_path: Path) -> None:
    folder = write_search(tmp_path, {"adam": trials("adam")}, {"adam": [LR, BETA]}, sampler="tpe")
    specification = chart_specification(searched_comparison(folder, Question()), "tuning")
    assert "no band: one search, whose trials follow from each other" in texts(specification)
    assert {record["low"] for record in drawn(specification, "low")} == {None}
    assert len(drawn(specification, "value")) == 14  # neither the diverged nor the pruned one


def test_the_settings_of_a_grid_stand_for_trials(tmp_path: Path) -> None:
    for lr in (1e-3, 1e-2):
        for beta in (0.9, 0.99):
            rows = make_rows([0.1, 0.9 - lr])
            write_run(tmp_path, rows, optimizer=ADAM | {"lr": lr, "betas": [0.9, beta]})
    specification = chart_specification(compare(load(tmp_path), Question()), "slices")
    titles = [node["x"]["title"] for node in nodes(specification) if "title" in node.get("x", {})]
    assert titles == ["learning rate (log scale)", "betas[1]"]
    assert "the settings of the grid" in texts(specification)


def test_a_picture_of_values_needs_trials_that_differ_in_them(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]))
    with pytest.raises(UsageError, match="needs 4 trials of one optimizer that differ in 2 values"):
        chart_specification(compare(load(tmp_path), Question()), "parallel")


def test_choices_that_are_no_numbers_stand_side_by_side() -> None:
    scale = value_scale([Dimension("schedule", "grid", choices=("constant", "cosine"))], ["cosine"])
    assert scale.place("cosine") == 1
    assert scale.ticks(5) == [(0, "constant"), (1, "cosine")]
    assert scale.place("linear") is None


def test_a_few_numbers_are_written_at_their_places() -> None:
    scale = value_scale([MOMENTUM], [0, 0.9])
    assert scale.ticks(5) == [(0, "0"), (0.9, "0.9")]


def test_a_log_axis_has_a_tick_a_decade() -> None:
    scale = value_scale([Dimension("lr", "loguniform", 1e-5, 1.0)], [1e-4])
    assert scale.ticks(9) == [
        (-5, "1e-5"),
        (-4, "0.0001"),
        (-3, "0.001"),
        (-2, "0.01"),
        (-1, "0.1"),
        (0, "1"),
    ]
    assert scale.place(1e-3) == math.log10(1e-3)
    assert scale.place(0) is None
