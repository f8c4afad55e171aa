from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import altair
import pytest
from stored_runs import ADAM, SGD, load, make_rows, write_run

from optbench.analysis.comparison import Comparison, compare
from optbench.analysis.question import Question
from optbench.errors import UsageError
from optbench.report.charts.specification import KINDS, Kind, chart_specification

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OF_GRIDS = [kind for kind in KINDS if kind not in ("heatmap", "importances", "slices", "parallel")]
RATES = (0.001, 0.01, 0.1, 1.0)


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    """Two problems, two optimizers, four learning rates, three seeds; lr 1 diverges with SGD."""
    for problem in ("a", "b"):
        for optimizer in (ADAM, SGD):
            for lr in RATES:
                diverges = optimizer is SGD and lr == 1
                for seed in range(3):
                    best = 0.9 - abs(lr - 0.01) / 4 + seed / 100
                    losses = [2.3, 1e30, float("inf")] if diverges else None
                    write_run(
                        tmp_path,
                        make_rows([0.1, best - 0.1, best], train_loss=losses),
                        problem=problem,
                        experiment=problem,
                        optimizer=optimizer | {"lr": lr},
                        seed=seed,
                        status="diverged" if diverges else "completed",
                    )
    return compare(load(tmp_path), Question(target=0.7))


@pytest.fixture
def heats(tmp_path: Path) -> Comparison:
    """Two optimizers, three learning rates, four weight decays; Adam diverges at the largest."""
    for optimizer in (ADAM, SGD):
        for lr in (0.001, 0.01, 0.1):
            for decay in (0, 0.1, 0.2, 0.3):
                diverges = optimizer is ADAM and (lr, decay) == (0.1, 0.3)
                end = 0.9 - lr - decay
                write_run(
                    tmp_path,
                    make_rows([0.1, end], train_loss=[2.3, 1 - end]),
                    optimizer=optimizer | {"lr": lr, "weight_decay": decay},
                    status="diverged" if diverges else "completed",
                )
    return compare(load(tmp_path), Question())


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every mapping of a specification."""
    if isinstance(tree, dict):
        yield tree
        for child in tree.values():
            yield from nodes(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from nodes(child)


def marks(specification: dict[str, Any]) -> set[str]:
    return {node["mark"]["type"] for node in nodes(specification) if "mark" in node}


def records(specification: dict[str, Any], field: str) -> list[dict[str, Any]]:
    """The records of the data that has this field."""
    found = [
        node["values"] for node in nodes(specification) if isinstance(node.get("values"), list)
    ]
    rows = [row for rows in found for row in rows if isinstance(row, dict)]
    return [row for row in rows if field in row]


def texts(specification: dict[str, Any]) -> str:
    return json.dumps(specification, ensure_ascii=False)


@pytest.mark.parametrize("interactive", [False, True])
@pytest.mark.parametrize("kind", OF_GRIDS)
def test_every_kind_is_valid_vega_lite(
    comparison: Comparison, kind: Kind, interactive: bool
) -> None:
    specification = chart_specification(comparison, kind, interactive=interactive)
    json.dumps(specification, allow_nan=False)
    altair.VConcatChart.from_dict(specification, validate=True)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("curves", {"area", "line", "point"}),
        ("sensitivity", {"line", "point", "rule"}),
        ("seeds", {"point", "rule"}),
        ("target", {"line", "point"}),
        ("profile", {"line", "point"}),
        ("tuning", {"line", "point"}),
    ],
)
def test_each_kind_has_its_marks(comparison: Comparison, kind: Kind, expected: set[str]) -> None:
    assert expected <= marks(chart_specification(comparison, kind, interactive=False))


@pytest.mark.parametrize("kind", OF_GRIDS)
def test_an_optimizer_has_the_same_colour_in_every_kind(comparison: Comparison, kind: Kind) -> None:
    specification = chart_specification(comparison, kind)
    scales = [
        node["color"]["scale"] for node in nodes(specification) if "scale" in node.get("color", {})
    ]
    pairs = {
        (label.split()[0], colour)
        for scale in scales
        for label, colour in zip(scale["domain"], scale["range"], strict=True)
    }
    assert pairs == {("adam", "#0072B2"), ("sgd", "#D55E00")}  # blue, vermillion


def test_the_band_is_explained(comparison: Comparison) -> None:
    text = texts(chart_specification(comparison, "curves"))
    assert "mean of 3 seeds, band: 95% t interval; faint: each seed" in text
    assert "best setting of each optimizer, 6 other settings left out" in text


def test_every_seed_of_the_leaders_has_a_faint_line_of_its_own(comparison: Comparison) -> None:
    seeds = records(chart_specification(comparison, "curves"), "seed")
    # Two problems, two optimizers, two panels, two epochs, and three seeds.
    assert len(seeds) == 2 * 2 * 2 * 2 * 3


def test_the_sensitivity_marks_what_diverged_and_the_best(comparison: Comparison) -> None:
    specification = chart_specification(comparison, "sensitivity")
    stops = records(specification, "best")
    assert {(stop["setting"], stop["lr"]) for stop in stops if stop["diverged"]} == {("sgd", 1.0)}
    assert {stop["lr"] for stop in stops if stop["best"]} == {0.01}
    assert "×: a seed diverged and counts as untrained" in texts(specification)


def test_the_learning_rate_is_on_a_log_scale(comparison: Comparison) -> None:
    found = [
        node["x"]
        for node in nodes(chart_specification(comparison, "sensitivity"))
        if node.get("x", {}).get("field") == "lr"
    ]
    assert {x["scale"]["type"] for x in found} == {"log"}


def test_lines_that_would_hide_each_other_are_drawn_apart_and_told_exactly(
    comparison: Comparison,
) -> None:
    specification = chart_specification(comparison, "target")
    last = [row for row in records(specification, "share") if row["share"] == 100]
    assert len({(row["setting"], row["y"]) for row in last}) == len({row["y"] for row in last})
    assert "lines are drawn a little apart" in texts(specification)


def test_a_tuning_curve_says_what_a_grid_is_not(comparison: Comparison) -> None:
    text = texts(chart_specification(comparison, "tuning"))
    assert "no band, since a grid is no random search" in text


def test_an_interactive_picture_has_its_parameters_and_leaves_colours_to_the_page(
    comparison: Comparison,
) -> None:
    specification = chart_specification(comparison, "curves")
    assert specification["background"] == "transparent"
    assert "labelColor" not in texts(specification["config"])
    boxes = {param["name"]: param["bind"]["input"] for param in specification["params"]}
    assert boxes == {"logScale": "checkbox", "showSeeds": "checkbox"}
    selections = {node["name"] for node in nodes(specification) if "select" in node}
    assert selections == {"hidden0", "hidden1"}  # a legend a problem


def test_a_picture_on_paper_has_no_controls(comparison: Comparison) -> None:
    specification = chart_specification(comparison, "curves", interactive=False)
    assert specification["background"] == "white"
    assert specification["params"] == [{"name": "logScale", "value": True}]
    assert not [node for node in nodes(specification) if "select" in node or "bind" in node]


def test_linear_losses_are_called_so_by_saying_nothing(comparison: Comparison) -> None:
    paper = chart_specification(comparison, "curves", interactive=False)
    linear = chart_specification(comparison, "curves", interactive=False, log=False)
    assert "train loss (log scale)" in texts(paper)
    assert "log scale" not in texts(linear)
    assert linear["params"] == [{"name": "logScale", "value": False}]


@pytest.mark.parametrize("kind", ["sensitivity", "seeds", "tuning"])
def test_a_kind_without_time_refuses_a_unit(comparison: Comparison, kind: Kind) -> None:
    with pytest.raises(UsageError, match=f"a picture of kind {kind} has no axis of steps"):
        chart_specification(comparison, kind, unit="steps")


def test_the_unit_stands_on_the_axis(comparison: Comparison) -> None:
    specification = chart_specification(comparison, "curves", unit="steps")
    titles = {
        node["x"].get("title") for node in nodes(specification) if "title" in node.get("x", {})
    }
    assert titles == {"step"}


@pytest.mark.parametrize("interactive", [False, True])
def test_a_heat_map_is_valid_vega_lite(heats: Comparison, interactive: bool) -> None:
    specification = chart_specification(heats, "heatmap", interactive=interactive)
    json.dumps(specification, allow_nan=False)
    altair.VConcatChart.from_dict(specification, validate=True)


def test_a_heat_map_has_a_panel_an_optimizer_and_marks_the_best_and_the_diverged(
    heats: Comparison,
) -> None:
    specification = chart_specification(heats, "heatmap")
    cells = records(specification, "best")
    assert len(cells) == 2 * 3 * 4
    assert [cell["setting"] for cell in cells if cell["best"]] == [
        "adam lr=0.001 weight_decay=0",
        "sgd lr=0.001 weight_decay=0",
    ]
    assert [cell["setting"] for cell in cells if cell["diverged"]] == [
        "adam lr=0.1 weight_decay=0.3"
    ]
    assert "×: a seed diverged" in texts(specification)
    titles = [node["title"]["text"] for node in nodes(specification) if "height" in node]
    assert titles == ["adam", "sgd"]


@pytest.mark.parametrize(
    ("metric", "ends", "reverse"),
    # Of 23 steady cells, from worst to best, the sixth on; what is best has the lightest colour.
    [("test_accuracy", (60.0, 89.9), False), ("train_loss", (0.101, 0.4), True)],
)
def test_colours_tell_what_matters_apart_and_light_is_good(
    heats: Comparison, metric: str, ends: tuple[float, float], reverse: bool, tmp_path: Path
) -> None:
    asked = compare(load(tmp_path), Question(metric=metric))
    specification = chart_specification(asked, "heatmap")
    scales = [
        node["color"]["scale"] for node in nodes(specification) if "scale" in node.get("color", {})
    ]
    assert len(scales) == 2
    for scale in scales:
        assert scale["domain"] == pytest.approx(list(ends))
        assert (scale["scheme"], scale["reverse"], scale["clamp"]) == ("viridis", reverse, True)
    assert "the worst quarter has one colour" in texts(specification)


def test_settings_that_are_all_alike_have_one_colour(tmp_path: Path) -> None:
    for lr in (0.1, 1):
        for decay in (0, 1):
            told = SGD | {"lr": lr, "weight_decay": decay}
            write_run(tmp_path, make_rows([0.1, 0.5]), optimizer=told)
    specification = chart_specification(compare(load(tmp_path), Question()), "heatmap")
    altair.VConcatChart.from_dict(specification, validate=True)
    (scale,) = (
        node["color"]["scale"] for node in nodes(specification) if "scale" in node.get("color", {})
    )
    assert scale["domain"] == [49.0, 50.0]
