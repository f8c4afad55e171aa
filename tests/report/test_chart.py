from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from stored_runs import SGD, load, make_rows, write_run

from optbench.analysis.comparison import compare
from optbench.analysis.curves import Point
from optbench.analysis.question import Question
from optbench.errors import UsageError
from optbench.report.axes import epoch_ticks, limits, log_ticks
from optbench.report.chart import SCALE, save_chart

if TYPE_CHECKING:
    from pathlib import Path

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two optimizers with three seeds, and one setting of SGD that explodes."""
    root = tmp_path / "runs"
    for seed in range(3):
        finals = [0.1, 0.8, 0.9 + seed / 100]
        write_run(root, make_rows(finals), seed=seed)
        write_run(root, make_rows(finals), optimizer=SGD, seed=seed)
        rows = make_rows([0.1, 0.1, 0.1], train_loss=[2.3, 1e30, float("inf")])
        momentum = SGD | {"momentum": 0.9, "lr": 10}
        write_run(root, rows, optimizer=momentum, seed=seed, status="diverged")
    return root


def draw(store: Path, name: str) -> Path:
    path = store.parent / name
    save_chart(compare(load(store), Question()), path)
    return path


def test_png_is_large_enough_for_print(store: Path) -> None:
    content = draw(store, "curves.png").read_bytes()
    assert content.startswith(PNG_SIGNATURE)
    width, height = struct.unpack(">II", content[16:24])
    assert SCALE >= 2
    assert width >= 1500
    assert height >= 700


def test_svg_has_titles_axes_and_a_legend_of_all_settings(store: Path) -> None:
    text = " ".join(ET.parse(draw(store, "curves.svg")).getroot().itertext())  # noqa: S314
    for expected in (
        "mnist · mlp 784-128-10 · cross entropy",
        "mean of 3 seeds, band: 95% t interval",
        "train loss (log scale)",
        "test accuracy (%)",
        "epoch",
        "adam lr=0.001",
        "sgd lr=0.01 momentum=0",
        "sgd lr=10 momentum=0.9 (3 of 3 diverged)",
    ):
        assert expected in text


def test_lines_differ_in_colour_and_in_dashes(store: Path) -> None:
    svg = draw(store, "curves.svg").read_text(encoding="utf-8")
    lines = re.findall(r'<path [^>]*stroke="(#[0-9a-fA-F]{6})"[^>]*stroke-dasharray="([^"]*)"', svg)
    assert len({colour.upper() for colour, _ in lines} & {"#0072B2", "#D55E00", "#009E73"}) == 3
    assert len({dash for _, dash in lines}) == 3


def test_series_differ_in_their_markers_too_which_the_legend_shows(store: Path) -> None:
    svg = draw(store, "curves.svg").read_text(encoding="utf-8")
    marker = r'setting: ([^"]*)" role="[^"]*" aria-roledescription="point"[^>]* d="([^"]*)"'
    found = re.findall(marker, svg)
    assert len(set(found)) == 3  # a setting has the same one in the panels and in the legend
    assert len({outline for _, outline in found}) == 3
    # Two points in each of two panels, and one in the legend.
    assert [label for label, _ in found].count("adam lr=0.001") == 5


def test_html_carries_its_scripts_and_needs_no_network(store: Path) -> None:
    text = draw(store, "curves.html").read_text(encoding="utf-8")
    assert "adam lr=0.001" in text
    markup = re.sub(r"(<script[^>]*>).*?</script>", r"\1", text, flags=re.DOTALL)
    assert "<script" in markup
    assert "src=" not in markup
    assert "href=" not in markup
    assert not re.search(r"\bimport\s*\(?\s*[\"']https?:", text)


def test_a_label_cant_bring_a_script_into_the_page(tmp_path: Path) -> None:
    name = "</script><script>alert(1)</script>"
    write_run(tmp_path / "runs", make_rows([0.1, 0.9]), problem=name, optimizer={"name": name})
    text = draw(tmp_path / "runs", "curves.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in text


def test_another_suffix_is_refused_before_anything_is_written(store: Path) -> None:
    with pytest.raises(UsageError, match=r"must end in \.png, \.svg, \.html, got '\.bmp'"):
        draw(store, "curves.bmp")
    assert [path.name for path in store.parent.iterdir()] == ["runs"]


def test_an_older_picture_is_replaced_and_nothing_is_left_beside_it(store: Path) -> None:
    (store.parent / "curves.svg").write_text("old", encoding="utf-8")
    assert draw(store, "curves.svg").stat().st_size > 1000
    assert sorted(path.name for path in store.parent.iterdir()) == ["curves.svg", "runs"]


def test_one_epoch_is_drawn_as_dots_with_the_settings_on_the_axis(tmp_path: Path) -> None:
    for index in range(12):
        optimizer = {"name": f"o{index}", "lr": 0.1}
        write_run(tmp_path / "runs", make_rows([0.1, 0.5 + index / 100]), optimizer=optimizer)
    tree = ET.parse(draw(tmp_path / "runs", "curves.svg"))  # noqa: S314
    texts = [text for text in tree.getroot().itertext() if text.strip()]
    assert "one seed; after 1 epoch" in texts
    assert "epoch" not in texts  # no such axis
    labels = [text for text in texts if text.startswith("o")]
    # Ranked by train loss, 2 (1 − accuracy): the last has the least. Once each, no legend.
    assert labels[:12] == [f"o{index} lr=0.1" for index in range(11, -1, -1)]
    assert labels[12:] == ["one seed; after 1 epoch"]


def test_the_interval_of_a_single_epoch_is_called_a_line(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_run(tmp_path / "runs", make_rows([0.1, 0.9 + seed / 100]), seed=seed)
    text = draw(tmp_path / "runs", "curves.svg").read_text(encoding="utf-8")
    assert "mean of 2 seeds, line: 95% t interval; after 1 epoch" in text


def test_an_optimizer_without_a_finished_seed_is_said_to_have_none(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", make_rows([0.1, 0.8, 0.9]))
    write_run(tmp_path / "runs", make_rows([0.1]), optimizer=SGD, status="failed")
    text = draw(tmp_path / "runs", "curves.svg").read_text(encoding="utf-8")
    assert "one seed; 1 setting has no finished seed" in text
    assert "left out" not in text


def test_a_run_that_diverged_at_once_is_still_in_the_legend(tmp_path: Path) -> None:
    rows = make_rows([0.1, 0.1], train_loss=[2.3, float("nan")])
    write_run(tmp_path / "runs", rows, status="diverged")
    text = draw(tmp_path / "runs", "curves.svg").read_text(encoding="utf-8")
    assert "adam lr=0.001 (diverged)" in text


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.04, 1.1, [0.05, 0.1, 0.2, 0.5, 1.0]),
        (0.09, 0.31, [0.1, 0.2, 0.3]),
        (0.79, 1.01, [0.8, 0.85, 0.9, 0.95, 1.0]),
    ],
)
def test_log_ticks_are_round_and_at_least_three(
    low: float, high: float, ticks: list[float]
) -> None:
    assert log_ticks(low, high) == ticks


@pytest.mark.parametrize(
    ("epochs", "ticks"),
    [
        ([1, 2], [1, 2]),
        ([1, 5], [1, 2, 3, 4, 5]),
        ([1, 30], [5, 10, 15, 20, 25, 30]),
        ([0.1, 0.9], None),
        ([], None),
    ],
)
def test_epoch_ticks_are_whole(epochs: list[float], ticks: list[float] | None) -> None:
    assert epoch_ticks(epochs) == ticks


def test_a_band_wider_than_the_curves_leaves_the_panel() -> None:
    points = [Point(1, 0.5, -3.0, 9.0, 2), Point(2, 0.9, 0.8, 1.0, 2)]
    # Means span 0.4: a quarter and the margin of 0.016 beyond them on both sides.
    assert limits(points) == pytest.approx((0.5 - 0.116, 0.9 + 0.116))


def test_limits_of_a_log_axis_are_positive() -> None:
    low, high = limits([Point(1, 0.5, -3.0, 9.0, 2), Point(2, 0.1, 0.05, 0.2, 2)], log=True)
    assert 0 < low < 0.1
    assert high > 0.5


def test_a_long_curve_has_few_markers_and_one_at_its_end(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", make_rows([0.1, *(0.5 + n / 200 for n in range(45))]))
    svg = draw(tmp_path / "runs", "curves.svg").read_text(encoding="utf-8")
    marked = re.findall(r'aria-label="epoch: (\d+); test[^"]*" role="[^"]*" [^>]*"point"', svg)
    assert marked == [str(epoch) for epoch in range(3, 46, 3)]  # 45 epochs in 20: every third


def test_a_long_label_takes_no_room_from_the_other_columns_of_the_legend(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d", "e", "an_optimizer_with_quite_a_long_name_of_its_own"):
        rows = make_rows([0.1, 0.8, 0.9])
        write_run(tmp_path / "runs", rows, optimizer={"name": name, "lr": 0.1})
    svg = draw(tmp_path / "runs", "curves.svg").read_text(encoding="utf-8")
    found = re.findall(
        r'aria-label="[^"]*row: (\d); setting: (\w+) [^"]*" role="[^"]*" [^>]*"point"', svg
    )
    assert len(found) == 6
    assert {row for row, _ in found} == {"0", "1"}
