"""What a registry holds: a name's import path and a line about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Entry:
    """One thing that YAML can name: `target` is `package.module:Name`, imported only when used.

    `preset` holds arguments that the name stands for (momentum: SGD with momentum 0.9);
    `refusal`, where set, says why the name can't be used.
    """

    target: str
    summary: str
    preset: Mapping[str, object] = field(default_factory=dict)
    resolves_to: str = ""
    refusal: str = ""
