from __future__ import annotations

import csv
import io
import json
import math

import pytest

from optbench.errors import UsageError
from optbench.report.formats import render_table, to_csv, to_json, to_markdown
from optbench.report.layout import to_text
from optbench.report.table import Cell, Column, Table, cell, safe_text

NASTY = "\x1b[2J\x1b]0;owned\x07"


def table(*rows: tuple[Cell, ...], **options: object) -> Table:
    columns = (
        Column("name", "name"),
        Column("loss", "train loss", "right", drop=2),
        Column("n", "n", "right"),
    )
    return Table(columns, (rows,), **options)  # type: ignore[arg-type]


def row(name: str, loss: float, n: int) -> tuple[Cell, ...]:
    return cell(name), Cell(f"{loss:.3f} ± 0.001", loss, short=f"{loss:.3f}"), cell(n)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mnist · mlp ± −", "mnist · mlp ± −"),
        (NASTY, "\\x1b[2J\\x1b]0;owned\\x07"),
        ("a\u202eb", "a\\u202eb"),
        ("a\x9bm", "a\\x9bm"),
        ("\udcff", "\\udcff"),
        ("two\nlines", "two\\nlines"),
    ],
)
def test_what_could_steer_a_terminal_is_shown_and_not_sent(text: str, shown: str) -> None:
    assert safe_text(text) == shown


def test_numbers_are_aligned_right_and_text_left() -> None:
    assert to_text(table(row("adam", 0.07, 8), row("sgd", 0.3, 10))) == (
        "  name     train loss   n\n  adam  0.070 ± 0.001   8\n  sgd   0.300 ± 0.001  10\n"
    )


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (24, "  name     train loss  n\n  adam  0.070 ± 0.001  8\n"),
        (18, "         train\n  name    loss  n\n  adam   0.070  8\n".replace("   0", "  0")),
        (11, "  name  n\n  adam  8\n\nLeft out for\nwant of\nwidth:\ntrain loss.\n"),
        (5, "  adam\n    train loss 0.070 ± 0.001\n    n 8\n"),
    ],
)
def test_a_narrow_terminal_gets_shorter_forms_and_never_a_cut_number(
    width: int, expected: str
) -> None:
    assert to_text(table(row("adam", 0.07, 8)), width=width).split() == expected.split()


def test_only_what_is_alarming_is_coloured_and_only_if_asked() -> None:
    made = table((cell("sgd"), Cell("diverged", alarming=True), cell(0)))
    assert to_text(made, colour=True).splitlines()[1] == "  sgd   \x1b[31m  diverged\x1b[0m  0"
    assert "\x1b" not in to_text(made)


@pytest.mark.parametrize("output_format", ["table", "markdown", "csv", "json"])
def test_no_format_lets_an_escape_sequence_through(output_format: str) -> None:
    made = table(row(NASTY + "\x9b\u202e", 0.1, 8), title=NASTY, notes=(NASTY,))
    shown = render_table(made, output_format)
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown)


def test_json_keeps_the_exact_text_and_numbers() -> None:
    document = json.loads(to_json(table(row(NASTY, 0.1 + 0.2, 8))))
    assert document == {"schema": 1, "rows": [{"name": NASTY, "loss": 0.1 + 0.2, "n": 8}]}


def test_json_is_strict() -> None:
    text = to_json(table(row("a", math.nan, 1), row("b", -math.inf, 1)))
    assert "NaN" not in text
    assert "Infinity" not in text
    assert [found["loss"] for found in json.loads(text)["rows"]] == [None, None]


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1+cmd()", "-2+3", "@SUM(A1)"])
def test_text_that_a_spreadsheet_would_run_is_defused_in_csv(text: str) -> None:
    (found,) = csv.DictReader(io.StringIO(to_csv(table(row(text, 0.1, 1)))))
    assert found["name"] == f"'{text}"


@pytest.mark.parametrize("text", ["-1.5", "+1e-3", "adam", "a=b"])
def test_numbers_and_ordinary_text_stay_as_they_are_in_csv(text: str) -> None:
    (found,) = csv.DictReader(io.StringIO(to_csv(table(row(text, -0.1, 1)))))
    assert (found["name"], found["loss"]) == (text, "-0.1")


def test_a_header_is_defused_too() -> None:
    made = Table((Column("=cmd()", "x"),), (((cell(1),),),))
    assert to_csv(made) == "'=cmd()\n1\n"


def test_markdown_cells_cant_break_out_of_the_table() -> None:
    text = to_markdown(table(row("a|b\n# <script>", 0.1, 1), title="T", notes=("N",)))
    assert text == (
        "### T\n\n"
        "| name | train loss | n |\n"
        "| --- | ---: | ---: |\n"
        "| a\\|b\\\\n# \\<script\\> | 0.100 ± 0.001 | 1 |\n\n"
        "N\n"
    )


def test_markdown_makes_neither_formulas_nor_strikes_of_a_name() -> None:
    text = to_markdown(table(row("$y$ ~~x~~", 0.1, 1)))
    assert "| \\$y\\$ \\~\\~x\\~\\~ |" in text


def test_an_unknown_format_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="got 'markdwn'; did you mean 'markdown'"):
        render_table(table(), "markdwn")


def test_a_table_without_rows_is_empty() -> None:
    assert to_text(table()) == "\n"


def test_without_a_width_a_table_is_as_wide_as_it_is() -> None:
    made = table(row("a" * 200, 0.07, 8), title="T " * 100)
    assert max(map(len, to_text(made, width=None).splitlines())) > 200


def test_what_the_notes_say_about_a_column_goes_with_it() -> None:
    columns = (Column("name", "name"), Column("loss", "train loss", drop=1, note="; loss is low"))
    notes = ("By default a; loss is low.", "; loss is low")
    made = Table(columns, (((cell("adam"), cell(0.071234)),),), notes=notes)
    assert "By default a; loss is low." in to_text(made)
    narrow = to_text(made, width=13)
    assert "By default a." in " ".join(narrow.split())
    assert "low" not in narrow


def test_cells_are_long_again_where_a_column_that_was_dropped_leaves_room() -> None:
    made = table((Cell("adam", short="a"), Cell("0.123456789"), cell(8)))
    assert to_text(made, width=16).splitlines()[1] == "  adam  8"


def test_the_first_section_is_set_off_even_where_rows_are_stacked() -> None:
    made = Table((Column("a", "a"), Column("b", "b")), (((cell("x"), cell(1)),),) * 2)
    assert to_text(made, width=3) == "  x\n    b 1\n\n  x\n    b 1\n"


def test_a_header_without_spaces_breaks_after_an_underscore() -> None:
    made = Table((Column("a", "weight_decay"),), (((cell("0.01"),),),))
    assert to_text(made, width=10) == "  weight_\n  decay\n  0.01\n"


def narrow_table() -> Table:
    columns = (
        Column("name", "name"),
        Column("lr", "lr", below=True),
        Column("momentum", "momentum", below=True),
        Column("loss", "train loss", "right"),
        Column("n", "n", "right"),
    )
    momentum = (cell("momentum"), cell("0.01"), cell("0.9"), cell("0.071"), cell(8))
    adam = (cell("adam"), cell("0.001"), cell(""), cell("0.3"), cell(10))
    return Table(columns, ((momentum, adam), (adam,)))


def test_what_names_a_row_goes_below_it_before_a_table_is_stacked() -> None:
    assert to_text(narrow_table(), width=28) == (
        "  name      train loss   n\n"
        "  momentum       0.071   8\n"
        "    lr 0.01   momentum 0.9\n"
        "  adam             0.3  10\n"
        "    lr 0.001\n"
        "\n"
        "  adam             0.3  10\n"
        "    lr 0.001\n"
    )


@pytest.mark.parametrize("width", range(20, 80))
def test_no_line_of_a_table_is_wider_than_asked(width: int) -> None:
    assert max(map(len, to_text(narrow_table(), width=width).splitlines())) <= width


def test_what_rows_of_one_name_have_in_common_stands_below_the_last_of_them() -> None:
    columns = (Column("name", "name"), Column("seed", "seed"), Column("lr", "rate", below=True))
    rows = tuple((cell("adam"), cell(seed), cell("0.00123")) for seed in range(2))
    made = to_text(Table(columns, (rows,)), width=18)
    assert made == "  name  seed\n  adam  0\n  adam  1\n    rate 0.00123\n"
