"""The settings that a claim chooses: `{optimizer: adam, lr: 1e-3}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from optbench.catalog.optimizers import optimizers
from optbench.catalog.receivers import left_out
from optbench.config.canonical import canonical_json
from optbench.config.claims import COMPARISONS
from optbench.config.node import Node, Problems, child_key
from optbench.config.spec import display_name, flattened, format_value
from optbench.config.suggest import VERY_SIMILAR, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.config.claims import Claim
    from optbench.config.spec import Experiment, Resolved, Setting

NAMES = ("optimizer", "model", "dataset", "schedule")
TUNED = "tuned"  # true for what a search has chosen, false for the default setting beside it
_MOST_SHOWN = 5
_MESSAGE = "matches no setting of this experiment"


def check_selectors(experiment: Experiment, problems: Problems) -> None:
    """Note what keeps a claim's selectors from choosing settings that can be judged."""
    for claim in experiment.claims:
        before = len(problems)
        for side in sides(claim):
            _Selector.of(claim, side, experiment).check(experiment.settings, problems)
        if len(problems) == before and claim.statement in COMPARISONS:
            _check_comparable(claim, experiment, problems)


def sides(claim: Claim) -> tuple[str, ...]:
    """The keys of a claim that choose settings: `setting`, and `better_than` and the like."""
    return ("setting", claim.statement) if claim.statement in COMPARISONS else ("setting",)


def chosen(claim: Claim, side: str, experiment: Experiment) -> tuple[Setting, ...]:
    """The settings that one side of the experiment's claim chooses, in their order.

    The experiment is to be as its file asks for it: a data set that stands in for another has
    other arguments.
    """
    return _Selector.of(claim, side, experiment).chosen(experiment.settings)


def _check_comparable(claim: Claim, experiment: Experiment, problems: Problems) -> None:
    """Both sides have settings of the same problems, and not the same settings."""
    ours, theirs = (chosen(claim, side, experiment) for side in sides(claim))
    node, key = claim.node.mapping[claim.statement], child_key(claim.key, claim.statement)
    if experiment.searches and _tuned(claim, "setting") != _tuned(claim, claim.statement):
        return  # which settings these are is known once they are searched
    if {s.setting_hash for s in ours} == {s.setting_hash for s in theirs}:
        message = "chooses the very settings that `setting` chooses"
        problems.add(node, key, message, "name what they differ in, such as optimizer or lr")
    elif {s.problem_hash for s in ours} != {s.problem_hash for s in theirs}:
        message = "chooses settings of other problems than `setting` does"
        rule = "only settings with the same dataset, model and loss are compared"
        problems.add(node, key, message, rule)


def _tuned(claim: Claim, side: str) -> object:
    node = claim.node.mapping[side].mapping.get(TUNED)
    return None if node is None else node.value


class _Selector:
    """One mapping of names and arguments to values; `searched` arguments may have any.

    `tuned` are the hashes of settings that a search chose, None before it has.
    """

    def __init__(
        self, node: Node, key: str, searched: set[str], tuned: frozenset[str] | None
    ) -> None:
        self.node, self.key, self.searched, self.tuned = node, key, searched, tuned

    @classmethod
    def of(cls, claim: Claim, side: str, experiment: Experiment) -> _Selector:
        searched = {re.sub(r"\[\d+\]", "", s.key).rpartition(".")[2] for s in experiment.searches}
        tuned = None if searched else experiment.tuned
        return cls(claim.node.mapping[side], child_key(claim.key, side), searched, tuned)

    def chosen(self, settings: Iterable[Setting]) -> tuple[Setting, ...]:
        """Those that have everything that is named."""
        return tuple(s for s in settings if all(self._fits(s, name) for name in self.node.mapping))

    def check(self, settings: Iterable[Setting], problems: Problems) -> None:
        """Narrow the settings down key by key, names first; noted is what leaves none over."""
        left = list(settings)
        for name in sorted(self.node.mapping, key=lambda name: name not in NAMES):
            fitting = [setting for setting in left if self._fits(setting, name)]
            if not fitting:
                self._note(name, left, problems)
            left = fitting or left

    def _fits(self, setting: Setting, name: str) -> bool:
        wanted = self.node.mapping[name].value
        if name == TUNED:
            known = self.tuned is None or (setting.setting_hash in self.tuned) is wanted
            return isinstance(wanted, bool) and known
        if name in NAMES:
            return wanted in _names(setting, name)
        values = _values(setting, name)
        searched = name.rpartition(".")[2] in self.searched
        return bool(values) and (searched or _spelled(wanted) in map(_spelled, values))

    def _note(self, name: str, left: list[Setting], problems: Problems) -> None:
        node, key = self.node.mapping[name], child_key(self.key, name)
        if name == TUNED:
            problems.add(node, key, _MESSAGE, "tuned: true, or false, of an experiment with ranges")
        elif name in NAMES:
            names = dict.fromkeys(display_name(n) for s in left for n in _names(s, name))
            remedy = did_you_mean(str(node.value), names, VERY_SIMILAR) or _has(names)
            problems.add(node, key, _MESSAGE, remedy)
        elif found := [value for setting in left for value in _values(setting, name)]:
            problems.add(node, key, _MESSAGE, _has(dict.fromkeys(map(format_value, found))))
        else:
            arguments = {a for setting in left for part in _parts(setting).values() for a in part}
            known = [*NAMES, TUNED, *sorted(arguments - {"name"})]
            rule = f"a selector takes {', '.join(NAMES)}, their arguments and keys of training"
            remedy = did_you_mean(_split(name)[1], known) or rule
            problems.add_at_key(self.node, name, key, _MESSAGE, remedy)


def _names(setting: Setting, part: str) -> list[str]:
    """What a part may be called: its name, its class, as the file says, and special cases."""
    resolved: Resolved = getattr(setting, part)
    name = str(resolved["name"])
    written = setting.written[part].node.mapping.get("name")
    names = [display_name(name), name, *([str(written.value)] if written else [])]
    if part == "optimizer":
        names += [n for n, entry in optimizers().items() if entry.covers(resolved)]
    if part == "dataset" and setting.fallback is not None:
        names.append(str(setting.fallback["name"]))
    return names


def _parts(setting: Setting) -> dict[str, Resolved]:
    training = flattened(setting.training) | left_out(setting.training)
    return {**{part: getattr(setting, part) for part in NAMES}, "training": training}


def _values(setting: Setting, argument: str) -> list[object]:
    """The argument's values, `optimizer.lr` that of one part alone.

    Of a part's name there are none, as it goes by what it names. Parameter groups go by how many
    there are beside the default one.
    """
    owner, name = _split(argument)
    if name == "groups" and owner in ("", "optimizer"):
        groups = setting.optimizer.get("groups", [])
        return [len(groups)] if isinstance(groups, list) else []
    parts = [part for key, part in _parts(setting).items() if owner in ("", key)]
    return [part[name] for part in parts if name in part and name != "name"]


def _split(argument: str) -> tuple[str, str]:
    """`optimizer.lr` as the part that has it and its name; no part where none is named."""
    owner, _, name = argument.partition(".")
    return (owner, name) if owner in (*NAMES, "training") and name else ("", argument)


def _spelled(value: object) -> str:
    try:
        return canonical_json(value)
    except ValueError:  # not finite, which no argument is
        return ""


def _has(values: Iterable[str]) -> str:
    shown = list(values)
    more = ", …" if len(shown) > _MOST_SHOWN else ""
    return f"it has {', '.join(shown[:_MOST_SHOWN])}{more}"
