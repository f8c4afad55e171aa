from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_runs import make_rows

from optbench.store.metrics import COLUMNS, MetricsError, Row, format_rows, parse_rows

HEADER = (
    "epoch,steps,examples,lr,train_loss,train_accuracy,val_loss,val_accuracy,test_loss,"
    "test_accuracy,grad_norm,update_norm,param_norm"
)


def row_text(**cells: str) -> str:
    values = {"epoch": "1", "steps": "938", "examples": "60000"} | cells
    return ",".join(values.get(name, "") for name in COLUMNS)


def test_the_columns_are_those_of_the_format() -> None:
    assert ",".join(COLUMNS) == HEADER


def test_a_row_is_written_as_the_shortest_text_that_reads_back() -> None:
    row: Row = {"epoch": 0.106, "steps": 100, "examples": 6400, "lr": 0.1, "train_loss": math.nan}
    text = format_rows([row | {"test_loss": -math.inf}])
    assert text == f"{HEADER}\n0.106,100,6400,0.1,nan,,,,-inf,,,,\n"


@given(st.lists(st.one_of(st.none(), st.floats(), st.integers(-(10**18), 10**18)), min_size=1))
def test_any_numbers_come_back_byte_for_byte(values: list[float | int | None]) -> None:
    rows: list[Row] = [
        {"epoch": index, "steps": index, "examples": index, "param_norm": value}
        for index, value in enumerate(values)
    ]
    text = format_rows(rows)
    assert format_rows(parse_rows(text)) == text


CELLS = st.sampled_from(
    ["", "0", "1", "-1", "01", "+1", "1.0", "-0.0", "1e5", "1_0", " 1", "\u0661", "nan", "NaN",
     "inf", "1e-61", "1e+61", "0.1", "0.10", "9" * 19, "9" * 20, str(2**63), str(2**63 - 1)]
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(COLUMNS), CELLS), min_size=1, max_size=4))
def test_a_line_means_among_others_what_it_means_alone(changes: list[tuple[str, str]]) -> None:
    lines = [row_text(), *(row_text(**{name: cell}) for name, cell in changes), row_text()]
    try:
        alone = [parse_rows(f"{HEADER}\n{line}\n")[0] for line in lines]
    except MetricsError as error:
        with pytest.raises(MetricsError) as caught:
            parse_rows("\n".join([HEADER, *lines, ""]))
        where, _, rule = str(error).partition(", ")
        assert where == "line 2"
        assert str(caught.value).endswith(rule)
    else:
        assert repr(parse_rows("\n".join([HEADER, *lines, ""]))) == repr(alone)


def test_the_first_of_several_mistakes_is_named() -> None:
    lines = [row_text(), row_text(test_loss="x"), row_text(lr="y"), "1,2"]
    with pytest.raises(MetricsError, match="line 3, column test_loss: must be a number, got 'x'"):
        parse_rows("\n".join([HEADER, *lines, ""]))


def test_further_columns_follow_the_common_ones() -> None:
    row: Row = make_rows([0.1])[0] | {"lr.fc.*": 0.5, "lr.[a,b]*": 0.25}
    text = format_rows([row])
    assert text.splitlines()[0] == f'{HEADER},lr.fc.*,"lr.[a,b]*"'
    assert parse_rows(text)[0]["lr.[a,b]*"] == 0.25


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "0", "-0.0", "3.4028234663852886e+38"])
def test_a_loss_may_be_what_float32_can_hold_and_not_finite(cell: str) -> None:
    (row,) = parse_rows(f"{HEADER}\n{row_text(train_loss=cell)}\n")
    assert repr(row["train_loss"]) == cell


def test_a_torn_last_line_is_refused_by_its_number() -> None:
    with pytest.raises(MetricsError, match="line 3: torn"):
        parse_rows(f"{HEADER}\n{row_text()}\n1,93")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header is missing"),
        (HEADER.replace("steps", "step") + "\n", "line 1, column 2: must be 'steps', got 'step'"),
        ("epoch,steps\n", "line 1: column 'examples' is missing"),
        (f"{HEADER},\x1b[2J\n", "can't be the name"),
        (f"{HEADER},a,a\n", "can't be the name"),
        (f"{HEADER}\n1,2\n", "line 2: must have 13 cells, got 2"),
        (f"{HEADER}\n{row_text(steps='1.5')}\n", "line 2, column steps: must be a whole number"),
        (f"{HEADER}\n{row_text(steps='-1')}\n", "column steps: must be from 0 to 2^63, got '-1'"),
        (f"{HEADER}\n{row_text(examples='9' * 19)}\n", "column examples: must be from 0 to 2^63"),
        (f"{HEADER}\n{row_text(epoch='-1')}\n", "column epoch: must be from 0 to 2^63"),
        (f"{HEADER}\n{row_text(epoch='nan')}\n", "column epoch: must be from 0 to 2^63"),
        (f"{HEADER}\n{row_text(epoch='inf')}\n", "column epoch: must be from 0 to 2^63"),
        (f"{HEADER}\n{row_text(epoch='-inf')}\n", "column epoch: must be from 0 to 2^63"),
        (f"{HEADER}\n{row_text(epoch='1e+308')}\n", "column epoch: must be from 0 to 2^63"),
        (f"{HEADER}\n{row_text(val_loss='1e+61')}\n", "must be 0, 1e-60 to 1e+60 in size, or"),
        (f"{HEADER}\n{row_text(test_loss='-1e+308')}\n", "must be 0, 1e-60 to 1e+60 in size"),
        (f"{HEADER}\n{row_text(train_loss='5e-324')}\n", "must be 0, 1e-60 to 1e+60 in size"),
        (f"{HEADER}\n{row_text(test_accuracy='1e+200')}\n", "must be 0, 1e-60 to 1e+60 in size"),
        (f"{HEADER}\n{row_text(epoch='')}\n", "line 2, column epoch: must be a number, got ''"),
        (f"{HEADER}\n{row_text(lr='=cmd()')}\n", "line 2, column lr: must be a number"),
        (f"{HEADER}\n{row_text(lr='1_0.5')}\n", "column lr: must be a number as optbench writes"),
        (f"{HEADER}\n{row_text(lr=' 0.5')}\n", "column lr: must be a number as optbench writes"),
        (f"{HEADER}\n{row_text(lr='9' * 5000)}\n", "column lr: must be a number as optbench"),
    ],
)
def test_damage_is_named_by_line_and_column(text: str, message: str) -> None:
    with pytest.raises(MetricsError) as caught:
        parse_rows(text)
    assert message in str(caught.value)
