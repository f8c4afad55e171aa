from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_runs import digest, make_rows

from optbench.errors import StoreError
from optbench.store.timing import train_seconds

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "steps,train_seconds,evaluation_seconds"


def test_seconds_of_training_add_up_row_by_row(tmp_path: Path) -> None:
    lines = [HEADER, "0,0.000000,0.5", "938,1.500000,0.5", "1876,2.250000,0.5"]
    (tmp_path / "timing.csv").write_text("\n".join(lines) + "\n")
    assert train_seconds(tmp_path, make_rows([0.1, 0.8, 0.9])) == [0, 1.5, 3.75]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [HEADER],
        [HEADER, "0,0,0", "938,1,0"],  # a row is missing
        [HEADER, "0,0,0", "938,1,0", "1877,1,0"],  # of other steps
        [HEADER, "0,0,0", "938,nan,0", "1876,1,0"],
        [HEADER, "0,0,0", "938,-1,0", "1876,1,0"],
        [HEADER, "0,0,0", "938,1,0", "1876"],
        ["steps,seconds", "0,0", "938,1", "1876,1"],
        [HEADER, "0,0,0", "938,\x00,0", "1876,1,0"],
    ],
)
def test_a_damaged_record_is_refused(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "timing.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(StoreError, match=r"timing\.csv: damaged"):
        train_seconds(tmp_path, make_rows([0.1, 0.8, 0.9]))


def test_other_seconds_than_those_that_were_stored_are_refused(tmp_path: Path) -> None:
    text = "\n".join([HEADER, "0,0.000000,0.5", "938,1.500000,0.5"]) + "\n"
    (tmp_path / "timing.csv").write_text(text.replace("1.5", "1.6"))
    with pytest.raises(StoreError, match="its SHA-256 is not the one in"):
        train_seconds(tmp_path, make_rows([0.1, 0.8]), digest(text))
    (tmp_path / "timing.csv").write_text(text)
    assert train_seconds(tmp_path, make_rows([0.1, 0.8]), digest(text)) == [0, 1.5]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "timing.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(StoreError, match="damaged"):
        train_seconds(tmp_path, make_rows([0.1, 0.8]))


def test_a_missing_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"timing\.csv"):
        train_seconds(tmp_path, make_rows([0.1, 0.8]))
