"""Settings as people tell them apart: an optimizer's name and the values that differ."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from optbench.catalog.receivers import left_out
from optbench.config.spec import UNHASHED, flattened, format_value, short_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from optbench.store.stored_run import StoredRun

MARK = " #"  # before the beginning of a setting's hash
# What people call an optimizer of its own, though torch has it as an argument of another.
_SPECIAL_CASES = {("sgd", "momentum"): "momentum", ("adam", "amsgrad"): "amsgrad"}


@dataclass(frozen=True)
class Setting:
    """All runs that differ in the seed alone, in the order of their seeds.

    `beside` are keys of `training` that settings beside this one hold.
    """

    key: str
    runs: tuple[StoredRun, ...]
    beside: frozenset[str] = frozenset()

    @cached_property
    def config(self) -> Mapping[str, Any]:
        return self.runs[0].result.config

    @cached_property
    def optimizer(self) -> str:
        """The name; of an import path what follows the colon."""
        return str(self.config["optimizer"]["name"]).rpartition(":")[2]

    @cached_property
    def family(self) -> str:
        """What competes for one place as "best of its kind"."""
        return family(self.config["optimizer"])

    @cached_property
    def hyperparameters(self) -> dict[str, Any]:
        return hyperparameters(self.config, self.beside)

    @cached_property
    def selectable(self) -> dict[str, Any]:
        """The hyperparameters, and the defaults that the configuration leaves out."""
        return left_out(self.config["training"]) | self.hyperparameters

    @cached_property
    def given(self) -> frozenset[str]:
        """What the file said beyond the defaults, as the recorded label names it."""
        label = self.runs[0].result.labels.setting
        return frozenset(re.findall(r"(?<=\s)[\w.]+(?==)", label))

    @cached_property
    def completed(self) -> tuple[StoredRun, ...]:
        return tuple(run for run in self.runs if run.status == "completed")

    @cached_property
    def diverged(self) -> tuple[StoredRun, ...]:
        return tuple(run for run in self.runs if run.status == "diverged")


def family(optimizer: Mapping[str, Any]) -> str:
    """What people call an optimizer with these arguments: momentum is not plain SGD."""
    argument = family_argument(optimizer)
    if argument is not None:
        return _SPECIAL_CASES[str(optimizer["name"]), argument]
    return str(optimizer["name"]).rpartition(":")[2]


def family_argument(optimizer: Mapping[str, Any]) -> str | None:
    """The argument that makes a family of its own; None where the optimizer's name says all."""
    for name, argument in _SPECIAL_CASES:
        if optimizer["name"] == name and optimizer.get(argument):
            return argument
    return None


def group_settings(
    runs: Iterable[StoredRun], key: Callable[[StoredRun], str] = lambda run: run.result.setting
) -> list[Setting]:
    """The settings among runs of one problem, ordered by optimizer, learning rate and the rest.

    Runs are of one setting where their `key` is the same.
    """
    grouped: dict[str, list[StoredRun]] = defaultdict(list)
    for run in runs:
        grouped[key(run)].append(run)
    beside = held(members[0].result.config for members in grouped.values())
    settings = [
        Setting(key, tuple(sorted(members, key=lambda run: run.result.seed)), beside)
        for key, members in grouped.items()
    ]
    return sorted(settings, key=_order)


def held(configs: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The flat keys of `training` that any configuration holds."""
    return frozenset(key for config in configs for key in flattened(config["training"]))


def hyperparameters(
    config: Mapping[str, Any], beside: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Everything that belongs to the setting, flat: optimizer, then schedule, then training.

    Of the defaults that the configuration leaves out it has those that others `beside` it hold.
    """
    flat = {key: value for key, value in config["optimizer"].items() if key != "name"}
    schedule = config["schedule"]
    flat["schedule"] = schedule["name"]
    flat |= {f"schedule.{key}": value for key, value in schedule.items() if key != "name"}
    defaults = {k: v for k, v in left_out(config["training"]).items() if k in beside}
    for key, value in (flattened(config["training"]) | defaults).items():
        # The loss belongs to the problem, and what is measured besides changes nothing.
        if key.partition(".")[0] not in ("loss", "metrics", *UNHASHED):
            flat[f"training.{key}" if key in flat else key] = value
    return flat


def differing(settings: Sequence[Setting]) -> list[str]:
    """The hyperparameters with more than one value among the settings that have them.

    `lr` always and first; one that an optimizer's settings partly lack differs too.
    """

    def differs(name: str) -> bool:
        having = [setting for setting in settings if name in setting.hyperparameters]
        return _varies(name, [having]) or _varies(name, _alike(settings))

    return _with_lr(settings, differs)


def telling(settings: Sequence[Setting]) -> list[str]:
    """Those that tell settings of one optimizer apart; `lr` always and first."""
    return _with_lr(settings, lambda name: _tells(name, settings))


def remarkable(settings: Sequence[Setting]) -> list[str]:
    """Those worth a column; `lr` always and first.

    They tell settings of one optimizer apart, or some runs were given a value that others
    have not, or make SGD momentum. What differs merely because the defaults of two optimizers
    do is not worth one.
    """
    given = {name for setting in settings for name in setting.given}
    own = {family_argument(setting.config["optimizer"]) for setting in settings}
    return _with_lr(
        settings,
        lambda name: (
            _tells(name, settings)
            or name in own
            or (name.removeprefix("schedule.") in given and _varies(name, [settings]))
        ),
    )


def _with_lr(settings: Sequence[Setting], wanted: Callable[[str], bool]) -> list[str]:
    names = dict.fromkeys(name for setting in settings for name in setting.hyperparameters)
    chosen = [name for name in names if name != "lr" and wanted(name)]
    return ["lr", *chosen] if "lr" in names else chosen


def _tells(name: str, settings: Iterable[Setting]) -> bool:
    """A schedule's argument tells only settings with that schedule apart."""
    return _varies(name, _alike(settings, by_schedule=name.startswith("schedule.")))


def _alike(settings: Iterable[Setting], *, by_schedule: bool = False) -> list[list[Setting]]:
    """The settings of each optimizer, or of each optimizer with each schedule."""
    found: dict[tuple[str, str], list[Setting]] = defaultdict(list)
    for setting in settings:
        schedule = _shown("schedule", setting) if by_schedule else ""
        found[setting.optimizer, schedule].append(setting)
    return list(found.values())


def _varies(name: str, groups: Iterable[Iterable[Setting]]) -> bool:
    """Whether the members of any group have several values; none at all counts as one."""
    return any(len({_shown(name, setting) for setting in group}) > 1 for group in groups)


def _shown(name: str, setting: Setting) -> str:
    """The value as text; empty where the setting has none."""
    values = setting.hyperparameters
    return format_value(values[name]) if name in values else ""


def labels(settings: Sequence[Setting]) -> list[str]:
    """A name for each setting, unlike all others: `sgd lr=0.01 momentum=0.9`.

    What makes it another optimizer than its name says is always told.
    """
    names = {group[0].optimizer: telling(group) for group in _alike(settings)}
    plain = [_label(setting, names[setting.optimizer], short_value) for setting in settings]
    if len(set(plain)) < len(settings):  # four digits don't tell them apart
        plain = [_label(setting, names[setting.optimizer], format_value) for setting in settings]
    counts = Counter(plain)
    return [
        label if counts[label] == 1 else f"{label}{MARK}{setting.key[:6]}"
        for label, setting in zip(plain, settings, strict=True)
    ]


def mark(label: str) -> str:
    """What tells a label from others of the same values, ` #317c91`; empty where they do."""
    _, sign, key = label.rpartition(MARK)
    return sign + key if sign else ""


def _label(setting: Setting, names: Iterable[str], form: Callable[[object], str]) -> str:
    values = setting.hyperparameters
    own = family_argument(setting.config["optimizer"])
    telling = dict.fromkeys([*names, *([own] if own else [])])
    told = [f"{name}={form(values[name])}" for name in telling if name in values]
    return " ".join([setting.optimizer, *told])


def _order(setting: Setting) -> tuple[str, str, float, str, str]:
    lr = setting.hyperparameters.get("lr")
    number = float(lr) if isinstance(lr, float | int) else float("inf")
    rest = " ".join(map(format_value, hyperparameters(setting.config).values()))
    return setting.optimizer, setting.family, number, rest, setting.key
