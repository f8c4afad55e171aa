from __future__ import annotations

import pytest

from optbench.config.node import Problems
from optbench.config.seeds import parse_seeds, read_seeds
from optbench.config.yaml_source import parse
from optbench.errors import ConfigError, UsageError

COUNT_RULE = "must be a count from 1 to 10,000 or a list of seeds"
SEED_RULE = "must be a whole number from 0 to 2,147,483,647"


def read(text: str) -> tuple[tuple[int, ...], list[str]]:
    problems = Problems()
    seeds = read_seeds(parse(text, "a.yaml"), problems)
    try:
        problems.raise_if_any()
    except ConfigError as error:
        return seeds, [f"{p.key}: {p.message}" for p in error.problems]
    return seeds, []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", (0,)), ("8", tuple(range(8))), ("[3, 0, 7]", (3, 0, 7)), ("[2147483647]", (2**31 - 1,))],
)
def test_a_count_or_a_list_is_taken(text: str, expected: tuple[int, ...]) -> None:
    assert read(text) == (expected, [])


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("0", [f"seeds: {COUNT_RULE}, got 0"]),
        ("-1", [f"seeds: {COUNT_RULE}, got -1"]),
        ("10001", [f"seeds: {COUNT_RULE}, got 10001"]),
        ("true", [f"seeds: {COUNT_RULE}, got true"]),
        ("2.5", [f"seeds: {COUNT_RULE}, got 2.5"]),
        ("eight", [f"seeds: {COUNT_RULE}, got 'eight'"]),
        ("null", [f"seeds: {COUNT_RULE}, got nothing"]),
        ("{a: 1}", [f"seeds: {COUNT_RULE}, got a mapping"]),
        ("[]", ["seeds: must hold at least one seed"]),
        ("[1, 1]", ["seeds[1]: seed 1 is listed twice"]),
        ("[0, -1, a]", [f"seeds[1]: {SEED_RULE}, got -1", f"seeds[2]: {SEED_RULE}, got 'a'"]),
        ("[true]", [f"seeds[0]: {SEED_RULE}, got true"]),
        ("[2147483648]", [f"seeds[0]: {SEED_RULE}, got 2147483648"]),
    ],
)
def test_each_mistake_is_noted(text: str, mistakes: list[str]) -> None:
    assert read(text)[1] == mistakes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", (0, 1, 2, 3, 4)),
        ("0,3,7", (0, 3, 7)),
        ("0-4", (0, 1, 2, 3, 4)),
        ("7,1-3", (7, 1, 2, 3)),
        (" 3, 1 ", (3, 1)),
        ("4,", None),
        ("+2", (2, 9, 10, 11)),
    ],
)
def test_the_command_line_takes_counts_lists_ranges_and_more(
    text: str, expected: tuple[int, ...] | None
) -> None:
    if expected is None:
        with pytest.raises(UsageError):
            parse_seeds(text, (2, 9))
    else:
        assert parse_seeds(text, (2, 9)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "+0x2", "1.5", "a", "1,1", "0-4,2", "5-3", "0-99999", "10001", "+10000", "1--2",
     "٣", "2147483648,0", "1;2", "+", ","],
)  # fmt: skip
def test_anything_else_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--seeds: "):
        parse_seeds(text, (0,))
