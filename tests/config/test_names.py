from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.config.names import MAX_NAME, is_name, slug

EVIL = ["", ".", "..", ".hidden", "../x", "/etc", "con/..", "a/b", "a\\b", "-x", "_x", "a b", "a\n",
        "a\0", "é", "١", "x" * (MAX_NAME + 1), "x" * 300, "~", "$HOME", "a:b", "*"]  # fmt: skip


@pytest.mark.parametrize("text", EVIL)
def test_what_could_leave_its_folder_or_be_no_folder_is_no_name(text: str) -> None:
    assert not is_name(text)


@pytest.mark.parametrize("text", ["a", "9", "adam_vs-sgd.v2", "A", "x" * MAX_NAME])
def test_letters_digits_dots_and_dashes_make_a_name(text: str) -> None:
    assert is_name(text)


@given(st.text())
def test_a_name_is_one_part_of_a_path_that_every_file_system_takes(text: str) -> None:
    if is_name(text):
        assert PurePosixPath(text).parts == (text,)
        assert len(text.encode("ascii")) <= 255


@given(st.text(), st.integers(1, 100))
def test_a_slug_is_a_name_in_lower_case_of_at_most_the_limit(text: str, limit: int) -> None:
    made = slug(text, limit)
    assert made == "run" or len(made) <= limit
    assert made == made.lower()
    assert "--" not in made
    assert is_name(made) or made.startswith("_")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("adam-lr0.001", "adam-lr0.001"),
        ("Lion-betas[0.9, 0.99]", "lion-betas-0.9-0.99"),
        ("../../etc", "etc"),
        ("", "run"),
        ("///", "run"),
    ],
)
def test_a_slug_keeps_what_a_folder_may_be_called(text: str, expected: str) -> None:
    assert slug(text) == expected
