from __future__ import annotations

import math

import numpy as np
import pytest

from optbench.config.node import (
    MAX_DEPTH,
    MAX_NODES,
    Node,
    Problems,
    child_key,
    from_plain,
    printable,
    refuse,
    shown_text,
)
from optbench.errors import ConfigError, Mark

MARK = Mark("a.yaml", 3, 5, "lr: 1")


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (None, "nothing", "nothing"),
        (True, "true/false", "true"),
        (-3, "a number", "-3"),
        (0.1, "a number", "0.1"),
        ("adam", "text", "'adam'"),
        ([1], "a list", "a list"),
        ({"a": 1}, "a mapping", "a mapping"),
    ],
)
def test_a_value_says_what_it_is(value: object, kind: str, shown: str) -> None:
    node = from_plain(value, MARK)
    assert (node.kind(), node.shown()) == (kind, shown)


def test_plain_data_comes_back_from_its_node() -> None:
    value = {"a": [1, 2.5, None, {"b": True}], "c": "text", "d": {}, "e": []}
    assert from_plain(value, MARK).plain() == value


def test_every_node_of_plain_data_stands_at_the_given_mark() -> None:
    node = from_plain({"a": [1]}, MARK)
    assert node.mapping["a"].sequence[0].mark is MARK
    assert node.key_marks == {"a": (MARK, 0)}


def test_tuples_and_numpy_numbers_are_plain_data() -> None:
    node = from_plain((np.int64(3), np.float64(0.5)), MARK)
    assert node.plain() == [3, 0.5]
    assert [type(item.value) for item in node.sequence] == [int, float]


def test_data_that_holds_itself_is_refused() -> None:
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(ConfigError, match=f"nested deeper than {MAX_DEPTH}, or in itself"):
        from_plain(circle, MARK)


def test_data_that_multiplies_is_refused() -> None:
    value: list[object] = [0] * 10
    for _ in range(5):
        value = [value] * 10
    with pytest.raises(ConfigError, match=f"at most {MAX_NODES:,} values"):
        from_plain(value, MARK)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": object()}, "a: must be a number, text, true/false, a list or a mapping, got object"),
        ({"a": {1: 2}}, "a: a key must be text, got 1"),
        ({"a": [2**63]}, r"a\[0\]: an integer must fit into 64 bits"),
        ({"a": math.inf, "b": {1}}, "b: must be a number, .* got set"),
    ],
)
def test_data_that_yaml_has_no_form_for_is_refused(value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_plain(value, MARK)


def test_asking_a_scalar_for_children_is_a_programming_error() -> None:
    node = from_plain(1, MARK)
    with pytest.raises(TypeError, match="a number is not a mapping"):
        _ = node.mapping
    with pytest.raises(TypeError, match="a number is not a list"):
        _ = node.sequence


def test_children_come_with_their_paths() -> None:
    node = from_plain({"a": [10, 20]}, MARK)
    assert [path for path, _ in node.children()] == ["a"]
    paths = [(path, child.value) for path, child in node.mapping["a"].children("a")]
    assert paths == [("a[0]", 10), ("a[1]", 20)]
    assert list(from_plain(1, MARK).children("a")) == []


def test_setting_a_key_leaves_the_node_as_it_was() -> None:
    node = from_plain({"a": 1, "b": 2}, MARK)
    changed = node.with_key("a", from_plain(5, MARK), (MARK, 1))
    assert node.plain() == {"a": 1, "b": 2}
    assert changed.plain() == {"a": 5, "b": 2}
    assert changed.key_marks["a"] == (MARK, 1)


@pytest.mark.parametrize(
    ("key", "child", "path"),
    [("", "a", "a"), ("a", "b", "a.b"), ("a", 0, "a[0]"), ("", 2, "[2]"), ("a", "\n", "a.\\n")],
)
def test_paths_are_dotted(key: str, child: str | int, path: str) -> None:
    assert child_key(key, child) == path


def test_a_long_key_is_shortened_in_a_path() -> None:
    assert len(child_key("", "k" * 10_000)) == 60


def test_text_is_shown_short_and_without_control_characters() -> None:
    assert shown_text("a" * 1000) == "'" + "a" * 59 + "…'"
    assert shown_text("\x1b[31m") == r"'\x1b[31m'"
    assert printable("é\u202e\ud800\n") == r"é\u202e\ud800\n"


def test_problems_come_by_file_and_line_each_once() -> None:
    problems = Problems()
    problems.add(Node(1, Mark("b.yaml", 1)), "x", "third")
    problems.add(Node(1, Mark("a.yaml", 10)), "x", "second")
    problems.add(Node(1, Mark("a.yaml", 2)), "x", "first")
    problems.add(Node(1, Mark("a.yaml", 2)), "x", "first")
    assert len(problems) == 3
    with pytest.raises(ConfigError) as caught:
        problems.raise_if_any()
    assert [problem.message for problem in caught.value.problems] == ["first", "second", "third"]


def test_no_problems_raise_nothing() -> None:
    Problems().raise_if_any()


def test_a_problem_in_a_key_underlines_the_key() -> None:
    key_mark = Mark("a.yaml", 4, 3, "  learning_rate: 1")
    node = Node({}, MARK, 9, {"learning_rate": (key_mark, 13)})
    problems = Problems()
    problems.add_at_key(node, "learning_rate", "optimizer.learning_rate", "unknown key")
    problems.add_at_key(node, "absent", "optimizer.absent", "is missing")
    with pytest.raises(ConfigError) as caught:
        problems.raise_if_any()
    places = [(problem.mark, problem.width) for problem in caught.value.problems]
    assert places == [(MARK, 9), (key_mark, 13)]


def test_refusing_raises_the_one_problem() -> None:
    with pytest.raises(ConfigError, match=r"a\.yaml:3: lr: must be greater than 0, got -1"):
        refuse(Node(-1, MARK, 1), "lr", "must be greater than 0, got -1")
