from __future__ import annotations

import pytest

from optbench.config.yaml_source import parse
from optbench.config.yaml_syntax import RULES
from optbench.errors import ConfigError

TABS = "a tab stands where only spaces may"
MISTAKES = [
    ("a:\n\tb: 1", 2, 1, TABS),
    ("a: b\t", 1, 5, TABS),
    ("a: @x", 1, 4, "a value can't start with '@'"),
    ("a: `x", 1, 4, "a value can't start with '`'"),
    ("a: 50%\nb: %x", 2, 4, "a value can't start with '%'"),
    ("a: b: c", 1, 5, "a ':' can't stand here"),
    ("a: 1\n b: 2", 2, 3, "a ':' can't stand here"),
    ("a: 1\n'b'\nc: 1", 2, 1, "a key must be followed by ':'"),
    ("a: 'x\nb: 1\n", 1, 4, "this quote is never closed"),
    ("a: [1, 2\nb: 3\n", 1, 4, "this bracket is not closed: expected ',' or ']', found ':'"),
    (
        "a: {x: 1",
        1,
        4,
        "this bracket is not closed: expected ',' or '}', found the end of the file",
    ),
    ("a: [1", 1, 4, "this bracket is not closed: expected ',' or ']', found the end of the file"),
    ("a: [", 1, 5, "a value must stand here, the file ends"),
    ("a: [1,, 2]", 1, 7, "a value must stand here, found ','"),
    ("a: ]", 1, 4, "a value must stand here, found ']'"),
    ("a: 1\n- b", 2, 1, "a list item can't stand among keys"),
    ("- a\nb: 1", 2, 1, "a key can't stand among list items"),
    ("a:\n  b: 1\n c: 2", 3, 2, "a key can't stand here"),
    ('a: "x" y', 1, 8, "text can't stand here"),
    ("a: - b", 1, 4, "a list item ('- …') can't stand here"),
    ("a: ? b", 1, 4, "'?' can't stand here"),
    ("match: *.bias", 1, 8, "text that starts with '*' needs quotes"),
    ("a: &", 1, 4, "text that starts with '&' needs quotes"),
    ('a: "\\q"', 1, 6, "a backslash can't be followed by 'q' in double quotes"),
    ('a: "\\xzz"', 1, 7, "2 hexadecimal digits must follow here"),
    ("a: |x\n", 1, 4, "nothing may follow '|' or '>' in its line"),
    ("a: !x!y z", 1, 4, "tags ('!…') are not allowed"),
    ("a: !<x", 1, 4, "tags ('!…') are not allowed"),
    ("%YAML 2.0\n---\na", 1, 1, "this '%' directive can't be read"),
    ("  a: 1\nb: 2", 2, 1, "this doesn't continue the lines before it"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), MISTAKES)
def test_a_syntax_error_is_told_plainly_where_it_stands(
    text: str, line: int, column: int, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "a.yaml")
    (problem,) = caught.value.problems
    assert problem.message == message
    assert (problem.mark.line, problem.mark.column) == (line, column)
    assert problem.remedy


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.message)
def test_every_rule_has_a_mistake_that_it_explains(rule: object) -> None:
    assert isinstance(rule, type(RULES[0]))
    beginning = rule.message.split("{")[0]
    assert any(message.startswith(beginning) for *_, message in MISTAKES)
