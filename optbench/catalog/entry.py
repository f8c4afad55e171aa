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
    `refusal`, where set, says why the name can't be used; `hidden_classes` how a model that hides
    it in **kwargs calls its number of classes.
    """

    target: str
    summary: str
    preset: Mapping[str, object] = field(default_factory=dict)
    resolves_to: str = ""
    refusal: str = ""
    hidden_classes: str = ""

    def covers(self, resolved: Mapping[str, object]) -> bool:
        """Whether a resolved part is of the kind that this preset names: `momentum` of SGD."""
        has_all = all(resolved.get(argument) for argument in self.preset)
        return bool(self.preset) and resolved["name"] == self.resolves_to and has_all
