from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from stored_runs import SGD, load, make_rows, write_run

from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.errors import UsageError
from optbench.report.charts.files import SCALE, save_chart

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.report.charts.specification import Kind

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


def draw(store: Path, name: str, kind: Kind = "curves") -> Path:
    path = store.parent / name
    save_chart(compare(load(store), Question()), path, kind)
    return path


def svg_texts(path: Path) -> list[str]:
    tree = ET.parse(path)  # noqa: S314
    return [text for text in tree.getroot().itertext() if text.strip()]


@pytest.mark.parametrize(
    ("suffix", "start"),
    [("png", PNG_SIGNATURE), ("svg", b"<svg "), ("pdf", b"%PDF-1."), ("html", b"<!DOCTYPE html>")],
)
@pytest.mark.parametrize("kind", ["curves", "seeds", "target"])
def test_the_ending_of_the_name_says_what_is_written(
    store: Path, kind: Kind, suffix: str, start: bytes
) -> None:
    assert draw(store, f"chart.{suffix}", kind).read_bytes().startswith(start)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf", "html"])
def test_the_same_runs_make_the_same_bytes(store: Path, suffix: str) -> None:
    first = draw(store, f"first.{suffix}").read_bytes()
    assert first == draw(store, f"second.{suffix}").read_bytes()


def test_png_is_large_enough_for_print(store: Path) -> None:
    content = draw(store, "curves.png").read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert SCALE >= 2
    assert width >= 1500
    assert height >= 700


def test_svg_has_titles_axes_and_a_legend_of_all_settings(store: Path) -> None:
    text = " ".join(svg_texts(draw(store, "curves.svg")))
    for expected in (
        "mnist · mlp 784-128-10 · cross entropy",
        "mean of 3 seeds, band: 95% t interval",
        "×: a seed diverged",
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
    # Blue, vermillion and green: Adam, SGD and momentum.
    assert {colour.upper() for colour, _ in lines} == {"#0072B2", "#D55E00", "#009E73"}
    assert len({dash for _, dash in lines}) == 3


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
    with pytest.raises(UsageError, match=r"must end in \.png, \.svg, \.pdf, \.html, got '\.bmp'"):
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
    texts = svg_texts(draw(tmp_path / "runs", "curves.svg"))
    assert "one seed; after 1 epoch" in texts
    assert "epoch" not in texts  # no such axis
    assert sum("lr=0.1" in text for text in texts) == 12  # once each, no legend
    # Ranked by train loss, 2 (1 − accuracy): the last has the least and stands highest.
    svg = draw(tmp_path / "runs", "curves.svg").read_text(encoding="utf-8")
    places = re.findall(r'translate\([^,]*,([\d.]+)\)"[^>]*>(o\d+) lr', svg)
    ranked = [name for _, name in sorted(places, key=lambda place: float(place[0]))]
    assert ranked == [f"o{index}" for index in range(11, -1, -1)]


def test_the_interval_of_a_single_epoch_is_called_a_line(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_run(tmp_path / "runs", make_rows([0.1, 0.9 + seed / 100]), seed=seed)
    text = draw(tmp_path / "runs", "curves.svg").read_text(encoding="utf-8")
    assert "mean of 2 seeds, line: 95% t interval; dots: each seed; after 1 epoch" in text


def test_an_optimizer_without_a_finished_seed_is_said_to_have_none(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", make_rows([0.1, 0.8, 0.9]))
    write_run(tmp_path / "runs", make_rows([0.1]), optimizer=SGD, status="failed")
    text = draw(tmp_path / "runs", "curves.svg").read_text(encoding="utf-8")
    assert "one seed; 1 setting has no finished seed" in text
    assert "left out" not in text


def test_a_run_that_diverged_at_once_is_still_in_the_picture(tmp_path: Path) -> None:
    rows = make_rows([0.1, 0.1], train_loss=[2.3, float("nan")])
    write_run(tmp_path / "runs", rows, status="diverged")
    text = draw(tmp_path / "runs", "curves.svg").read_text(encoding="utf-8")
    assert "adam lr=0.001 (diverged)" in text


def test_a_long_subtitle_breaks_between_its_remarks(store: Path) -> None:
    for lr in (0.02, 0.03):
        write_run(store, make_rows([0.1, 0.2, 0.3]), optimizer=SGD | {"lr": lr})
    texts = svg_texts(draw(store, "seeds.svg", "seeds"))
    assert "best setting of each optimizer, 2 other settings left out" in " ".join(texts)
    assert "dots: each seed; diamond and line: mean of 3 seeds with its 95% t interval;" in texts
