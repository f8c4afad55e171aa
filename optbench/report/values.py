"""Hyperparameters and names in a table's cells, the long ones short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.config.spec import format_value, short_value

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 16  # characters of a value or a name that stand whole
ELLIPSIS = "…"


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text's beginning where it has more than so many characters."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + ELLIPSIS


def value_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """The values as text, under their own keys.

    In the shortest form in which different values still differ: four digits, or how many parameter
    groups there are; the beginning of the text; the whole of it.
    """
    distinct = len(set(map(format_value, values.values())))
    candidates = (
        {key: form(value) for key, value in values.items()}
        for form in (_rounded, _counted, _beginning, format_value)
    )
    return next(texts for texts in candidates if len(set(texts.values())) == distinct)


def _rounded(value: Any) -> str:
    return short_value(value) if isinstance(value, float) else _counted(value)


def _counted(value: Any) -> str:
    """A list of parameter groups as their number."""
    is_groups = isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)
    return str(len(value)) if is_groups else _beginning(value)


def _beginning(value: Any) -> str:
    return shortened(format_value(value))
