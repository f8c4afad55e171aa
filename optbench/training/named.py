"""What a setting names: loaded in the version that it is hashed by, and blamed at its line."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from optbench.catalog import plugins
from optbench.config.node import child_key
from optbench.config.spec import display_name
from optbench.errors import FOREIGN, ConfigError, EnvironmentFault, Problem, UsageError, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from optbench.config.spec import Setting


def name_and_arguments(part: Mapping[str, object]) -> tuple[str, dict[str, Any]]:
    arguments = dict(part)
    return str(arguments.pop("name")), arguments


def load_named(setting: Setting, target: str) -> Callable[..., Any]:
    """What a path names; of a plug-in's file, the version that the setting is hashed by."""
    content = setting.plugins.get(target)
    return plugins.load(target, None if content is None else str(content))


@contextmanager
def blame(
    setting: Setting, part: str, name: str, argument: str = "", item: int | None = None
) -> Iterator[None]:
    """Turn what a class refuses, in its own words, into an error at the part's line.

    At the line of one of its arguments, or of an item of that, where that is to blame.
    """
    try:
        yield
    except EnvironmentFault:  # of data that it reads, say
        raise
    except FOREIGN as error:
        written = setting.written.get(part)
        title = display_name(name)
        is_ours = isinstance(error, UsageError)
        message = f"{title}: {error}" if is_ours else f"{title} refuses: {spoken(error)}"
        if written is None:
            raise UsageError(message) from error
        node, key = written.node, written.key
        if argument in node.mapping:
            node, key = node.mapping[argument], child_key(key, argument)
            if item is not None:
                node, key = node.sequence[item], f"{key}[{item}]"
        problem = Problem(node.mark, key, message, "", node.width)
        raise ConfigError([problem]) from error
