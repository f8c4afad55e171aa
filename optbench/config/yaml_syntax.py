"""PyYAML's syntax errors in plain words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import yaml


class SyntaxRule(NamedTuple):
    """How to say one of PyYAML's complaints; `{0}`, `{1}` stand for what the pattern caught."""

    pattern: str  # of "context: problem"
    message: str
    remedy: str
    at_context: bool = False  # underline where the construct starts, not where it broke


_QUOTE = "put it in quotes if it is text"
_INDENT = "check the indentation, here and in the line before"

RULES = tuple(
    SyntaxRule(*rule)
    for rule in (
        (
            r"found character '\\t'",
            "a tab stands where only spaces may",
            "replace it by spaces; YAML is indented by spaces alone",
        ),
        (r"found character ('.') that", "a value can't start with {0}", _QUOTE),
        (
            r"mapping values are not allowed",
            "a ':' can't stand here",
            "check the indentation; quote text that holds ': '",
        ),
        (
            r"could not find expected ':'",
            "a key must be followed by ':'",
            "write it as 'key: value'",
            True,
        ),
        (
            r"quoted scalar: found unexpected end",
            "this quote is never closed",
            "close it with the same character",
            True,
        ),
        (
            r"flow (?:sequence|mapping): expected ',' or '(.)', but got (.*)",
            "this bracket is not closed: expected ',' or '{0}', found {1}",
            "close it with '{0}'",
            True,
        ),
        (
            r"expected the node content, but found '<stream end>'",
            "a value must stand here, the file ends",
            "write it, and close open brackets",
        ),
        (
            r"expected the node content, but found (.*)",
            "a value must stand here, found {0}",
            _QUOTE,
        ),
        (
            r"block mapping: expected <block end>, but found '-'",
            "a list item can't stand among keys",
            _INDENT,
        ),
        (
            r"block collection: expected <block end>, but found '\?'",
            "a key can't stand among list items",
            _INDENT,
        ),
        (
            r"expected <block end>, but found (.*)",
            "{0} can't stand here",
            "check the indentation, and the quotes in this line",
        ),
        (
            r"sequence entries are not allowed",
            "a list item ('- …') can't stand here",
            "begin it in a line of its own, or write [a, b]",
        ),
        (r"mapping keys are not allowed", "'?' can't stand here", _QUOTE),
        (r"scanning an alias", "text that starts with '*' needs quotes", "write '\"*…\"'", True),
        (r"scanning an anchor", "text that starts with '&' needs quotes", "write '\"&…\"'", True),
        (
            r"found unknown escape character ('.*')",
            "a backslash can't be followed by {0} in double quotes",
            "use single quotes, or \\\\ for a backslash",
        ),
        (
            r"expected escape sequence of (\d)",
            "{0} hexadecimal digits must follow here",
            "use single quotes, or \\\\ for a backslash",
        ),
        (
            r"block scalar",
            "nothing may follow '|' or '>' in its line",
            "put it in quotes if it is one line of text",
            True,
        ),
        (
            r"tag handle|(?:parsing|scanning) a tag",
            "tags ('!…') are not allowed",
            "remove it; quote text that starts with '!'",
            True,
        ),
        (
            r"directive|incompatible YAML document",
            "this '%' directive can't be read",
            "remove the line",
        ),
        (r"expected '<document start>'", "this doesn't continue the lines before it", _INDENT),
    )
)

_FOUND = {
    "<stream end>": "the end of the file",
    "<document start>": "'---'",
    "<document end>": "'...'",
    "<scalar>": "text",
    "<anchor>": "an anchor ('&…')",
    "<alias>": "an alias ('*…')",
    "<tag>": "a tag ('!…')",
    "<block mapping start>": "a key",
    "<block sequence start>": "a list item",
    "?": "a key",
}


def reworded(error: yaml.MarkedYAMLError) -> tuple[yaml.error.Mark | None, str, str]:
    """Where the mistake is, what it is, and the remedy."""
    said = f"{error.context}: {error.problem}"
    for rule in RULES:
        if caught := re.search(rule.pattern, said, re.DOTALL):
            words = [_found(group) for group in caught.groups()]
            mark = error.context_mark if rule.at_context else error.problem_mark
            return (
                mark or error.problem_mark,
                rule.message.format(*words),
                rule.remedy.format(*words),
            )
    return error.problem_mark, f"can't be read: {error.problem}", ""


def _found(group: str) -> str:
    return _FOUND.get(group.strip("'"), group)
