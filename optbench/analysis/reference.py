"""The setting that the others are compared with: declared, never picked for being best."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from optbench.config.spec import format_value
from optbench.config.suggest import did_you_mean
from optbench.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optbench.analysis.setting import Setting

MOST_NAMED = 12  # of the settings that a reference might mean
_WORDS = re.compile(r"[^\s=]+=\[[^\]]*\]|\S+")  # a list in a label has spaces
_USUAL = {"sgd": 0, "adam": 1}  # what the others are compared with unless told otherwise


def default_reference(labelled: Mapping[str, Setting]) -> Setting:
    """Plain SGD, else SGD with momentum, else Adam, else the first by name; each at its best.

    Somebody's own class comes last, whatever its name. `labelled` is in order of rank, here
    and below.
    """
    return min(labelled.values(), key=_precedence)  # of equals the first, which is the best


def find_reference(name: str, labelled: Mapping[str, Setting]) -> Setting | None:
    """The setting that `name` means among one problem's, or None.

    `name` is an optimizer (its best setting), a label, `sgd lr=0.01`, values without an
    optimizer, `dtype=float32`, or the unambiguous beginning of a label; UsageError if it means
    several.
    """
    if name in labelled:
        return labelled[name]
    if of_name := _of_optimizer(name, labelled.values()):
        return of_name[0]
    matching = _matching(name, labelled) or [label for label in labelled if label.startswith(name)]
    if len(matching) > 1:
        raise _ambiguous(name, matching)
    return labelled[matching[0]] if matching else None


def unknown_reference(name: str, labelled: Iterable[Mapping[str, Setting]]) -> ArgumentError:
    """What to raise where no problem knows the reference: it names the nearest that exists."""
    known: dict[str, None] = {}
    for settings in labelled:
        for label, setting in settings.items():
            known |= dict.fromkeys([setting.optimizer, setting.family, label])
    hint = did_you_mean(name, known) or f"there are {', '.join(list(known)[:8])}"
    return ArgumentError("reference", f"{name!r} is no run's optimizer or setting; {hint}")


def _ambiguous(name: str, matching: Sequence[str]) -> ArgumentError:
    """What to raise where several labels match: each as a command takes it."""
    written = [f"\n  --reference {shlex.quote(label)}" for label in matching[:MOST_NAMED]]
    more = len(matching) - len(written)
    rest = f"\n  … and {more} more" if more else ""
    told = f"{name!r} means {len(matching)} settings; write one of"
    return ArgumentError("reference", f"{told}{''.join(written)}{rest}")


def _precedence(setting: Setting) -> tuple[int, bool, str]:
    """Well-known optimizers first; then what has the name of its family, as no own class has."""
    name = setting.config["optimizer"]["name"]
    return _USUAL.get(name, len(_USUAL)), setting.family != name, setting.family


def _of_optimizer(name: str, settings: Iterable[Setting]) -> list[Setting]:
    """An optimizer's settings by rank: `sgd` means plain SGD first, then SGD with momentum."""
    named = [
        setting
        for setting in settings
        if name in (setting.family, setting.optimizer, setting.config["optimizer"]["name"])
    ]
    return sorted(named, key=lambda setting: setting.family != name)


def _matching(text: str, labelled: Mapping[str, Setting]) -> list[str]:
    """Labels of the settings with the optimizer, if one is named, and every `key=value`.

    Where plain SGD and SGD with momentum both match, plain SGD is meant.
    """
    words = _WORDS.findall(text)
    wanted = dict(word.partition("=")[::2] for word in words if "=" in word)
    optimizer = " ".join(word for word in words if "=" not in word)
    if not wanted:
        return []
    settings = labelled.values()
    named = _of_optimizer(optimizer, settings) if optimizer else settings
    matching = [setting for setting in named if _has(setting, wanted)]
    plain = [setting for setting in matching if setting.family == optimizer]
    keys = {setting.key for setting in plain or matching}
    return [label for label, setting in labelled.items() if setting.key in keys]


def _has(setting: Setting, wanted: Mapping[str, str]) -> bool:
    values = setting.selectable
    return all(
        name in values and _canonical(text) == format_value(values[name])
        for name, text in wanted.items()
    )


def _canonical(text: str) -> str:
    try:
        return format_value(float(text))
    except ValueError:
        return text
