from __future__ import annotations

import pytest

from optbench.config.indentation import note_lost_indentation
from optbench.config.node import Problems, from_plain
from optbench.config.yaml_source import parse
from optbench.errors import ConfigError, Mark

PARTS = ("model", "optimizer", "training")
KNOWN = ("name", *PARTS, "seeds")


def note(text: str) -> tuple[list[str], list[str]]:
    """The keys that are left, and what is told."""
    problems = Problems()
    left = note_lost_indentation(parse(text, "a.yaml"), PARTS, KNOWN, problems)
    try:
        problems.raise_if_any()
    except ConfigError as error:
        return list(left.mapping), [f"{p.mark.line} {p.key} {p.width}" for p in error.problems]
    return list(left.mapping), []


def test_an_empty_part_and_the_lines_below_it_are_one_mistake() -> None:
    text = "optimizer:  # mine\nname: adam\nlr: 1\nseeds: 3\ntraining:\nepochs: 1\n"
    assert note(text) == (["seeds"], ["1 optimizer 9", "5 training 8"])


def test_the_remedy_is_to_indent() -> None:
    problems = Problems()
    note_lost_indentation(parse("optimizer:\nlr: 1", "a.yaml"), PARTS, KNOWN, problems)
    with pytest.raises(ConfigError, match=r"has nothing under it\n.*\n.*indent the lines below it"):
        problems.raise_if_any()


@pytest.mark.parametrize(
    "text",
    [
        "optimizer: adam\nlr: 1",  # not empty
        "optimizer: null\nlr: 1",  # null is written
        "optimizer:\nseeds: 1\nlr: 1",  # a key of the top comes between
        "optimizer:\nsedes: 1",  # a misspelled key of the top
        "name: a\nlr: 1\noptimizer:",  # not below
        "optimizer:\nseeds: 1\nname: a",
        "{optimizer: , lr: 1}",  # no indentation to lose
    ],
)
def test_other_mistakes_are_left_to_others(text: str) -> None:
    assert note(text) == (list(parse(text, "a.yaml").mapping), [])


@pytest.mark.parametrize(
    "mark",
    [
        Mark("base.yaml", 9, 1),
        Mark("--set lr=1"),
        Mark("a.yaml", 1, 1),  # keys that a base has too stand in the base's order
    ],
)
def test_a_key_from_elsewhere_or_above_is_not_below(mark: Mark) -> None:
    root = parse("seeds: 1\noptimizer:", "a.yaml")
    root = root.with_key("lr", from_plain(1, mark), (mark, 0))
    problems = Problems()
    assert note_lost_indentation(root, PARTS, KNOWN, problems).mapping == root.mapping
    assert not problems
