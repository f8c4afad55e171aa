"""What settings are called while they train, and how numbers and runs are counted in a line."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from optbench.analysis.setting import family, family_argument
from optbench.config.spec import display_name, format_value, short_value
from optbench.report.values import ELLIPSIS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optbench.config.spec import Setting


def short_labels(settings: Sequence[Setting]) -> dict[str, str]:
    """A label for each setting, by its hash: `lr`, and what tells those of one optimizer apart.

    Long numbers have four digits unless two labels were the same then.
    """
    distinct = {setting.setting_hash: setting for setting in settings}
    telling = _telling(list(distinct.values()))
    short = _labels(distinct, telling, short_value)
    return short if len(set(short.values())) == len(short) else _labels(distinct, telling)


def fitted(text: str, columns: int) -> str:
    """The text in exactly so many columns; what is longer is cut."""
    return f"{text[: columns - 1]}{ELLIPSIS}" if len(text) > columns else f"{text:<{columns}}"


def _telling(settings: Sequence[Setting]) -> dict[str, set[str]]:
    """Optimizer → the hyperparameters of which its settings have several values, or some none."""
    values: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    names = {name for setting in settings for name, _ in setting.hyperparameters}
    for setting in settings:
        said = dict(setting.hyperparameters)
        for name in names:
            shown = format_value(said[name]) if name in said else ""
            values[str(setting.optimizer["name"]), name].add(shown)
    telling: defaultdict[str, set[str]] = defaultdict(set)
    for (optimizer, name), shown_values in values.items():
        if name == "lr" or len(shown_values) > 1:
            telling[optimizer].add(name)
    return telling


def _labels(
    settings: dict[str, Setting],
    telling: dict[str, set[str]],
    form: Callable[[object], str] = format_value,
) -> dict[str, str]:
    return {key: _label(setting, telling, form) for key, setting in settings.items()}


def _label(setting: Setting, telling: dict[str, set[str]], form: Callable[[object], str]) -> str:
    optimizer = str(setting.optimizer["name"])
    told = telling.get(optimizer, set())
    values = [f"{name}={form(value)}" for name, value in setting.hyperparameters if name in told]
    own = family_argument(setting.optimizer)
    name = display_name(optimizer) if own is None or own in told else family(setting.optimizer)
    return " ".join([name, *values])
