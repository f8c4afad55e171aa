"""What numbers must satisfy beyond their type, alone or together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optbench.config.node import Plain


@dataclass(frozen=True)
class Rule:
    """What a number must satisfy beyond its type; `text` completes "must be …"."""

    text: str
    holds: Callable[[float], bool]


GREATER_THAN_ZERO = Rule("greater than 0", lambda v: v > 0)
AT_LEAST_ZERO = Rule("0 or greater", lambda v: v >= 0)
AT_MOST_ZERO = Rule("0 or less", lambda v: v <= 0)
AT_LEAST_ONE = Rule("1 or greater", lambda v: v >= 1)
AT_LEAST_TWO = Rule("2 or greater", lambda v: v >= 2)
BETWEEN_ZERO_AND_ONE = Rule("between 0 and 1", lambda v: 0 <= v <= 1)
BELOW_ONE = Rule("at least 0 and below 1", lambda v: 0 <= v < 1)
ABOVE_ZERO_UP_TO_ONE = Rule("greater than 0 and at most 1", lambda v: 0 < v <= 1)


@dataclass(frozen=True)
class Relation:
    """What several arguments must satisfy together; the text completes "`argument` …"."""

    argument: str
    text: str
    holds: Callable[[Mapping[str, Plain]], bool]
