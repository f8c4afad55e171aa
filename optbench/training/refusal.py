"""What is refused of `training:` only once the model and the machine are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from optbench.config.node import child_key
from optbench.errors import ConfigError, Problem, UsageError

if TYPE_CHECKING:
    from optbench.config.spec import Setting


def refuse(
    setting: Setting, name: str, message: str, remedy: str, item: int | None = None
) -> NoReturn:
    """Raise at the line of a key under `training`, or of an item of its list."""
    key = child_key("training", name) if item is None else f"training.{name}[{item}]"
    written = setting.written.get("training")
    if written is None:
        raise UsageError(f"{key} {message}\n  {remedy}")
    node = written.node.mapping[name]
    node = node if item is None else node.sequence[item]
    raise ConfigError([Problem(node.mark, key, message, remedy, node.width)])
