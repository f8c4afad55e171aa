"""Tuning budgets: how many settings each optimizer was tried with, and whether that sufficed."""

from __future__ import annotations

import shlex
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.audit.contest import (
    Contest,
    Entrant,
    Flaw,
    Searched,
    labels,
    learning_rate,
    listed,
)
from optbench.analysis.audit.grids import above, around, below, decades_around
from optbench.analysis.audit.mending import grid, set_value, train
from optbench.analysis.selection import ranked
from optbench.analysis.verdict import judge_pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from optbench.analysis.setting import Setting

UNEQUAL = 1.5  # a budget so many times another's; a grid that was extended at an edge is below it
_LONG_GRID = 5  # learning rates to which two more are added at an edge, else one


@dataclass(frozen=True)
class _Containment:
    """An optimizer that is another at one value of an argument [Choi et al. 2019].

    `nearer` is what to set to come as near as its own name allows; the other one contained is
    without `unless`.
    """

    general: str
    special: str
    how: str
    nearer: str
    unless: str = ""


_CONTAINMENTS = (
    _Containment("momentum", "sgd", "momentum 0", "optimizer.momentum={grid: [0.1, 0.5]}"),
    _Containment(
        "adamw", "adam", "weight_decay 0", "optimizer.weight_decay=0", unless="weight_decay"
    ),
)


def one_side_tuned(contest: Contest) -> Iterator[Flaw]:
    """Some optimizers with one setting each, others with several."""
    tuned, alone = _by_tuning(contest)
    if not tuned or not alone:
        return
    most = max(_tries(contest, family) for family in tuned)
    yield Flaw(
        f"{labels(alone)}: not tuned, against up to {most} settings of {listed(tuned)}",
        alone,
        _more_settings(contest, [entrant.family for entrant in alone], most),
    )


def untuned(contest: Contest) -> Iterator[Flaw]:
    """One setting of each optimizer; with one seed each, too, "too few seeds" says so."""
    tuned, alone = _by_tuning(contest)
    if tuned or len(alone) < 2 or contest.one_seed_each or are_fresh(alone):
        return
    who = "neither optimizer was" if len(alone) == 2 else "no optimizer was"
    yield Flaw(f"{who} tuned (one learning rate each)", alone, _tune_all(alone))


def are_fresh(entrants: Sequence[Entrant]) -> bool:
    """Whether they avoid the first seed: settings that were selected elsewhere, on others."""
    return not any(0 in entrant.seeds for entrant in entrants)


def unequal(contest: Contest) -> Iterator[Flaw]:
    """Budgets of which one is half as large again as another, in settings or in trials."""
    tuned, _ = _by_tuning(contest)
    settings = {family: _tries(contest, family) for family in tuned}
    trials = {family: _runs(contest, family) for family in tuned}
    fewer, shorter = _poor(settings), _poor(trials)
    if _equal_searches(contest, tuned) or not (fewer or shorter):
        return
    told = [f"{name} {settings[name]} settings in {trials[name]:,} runs" for name in tuned]
    if fewer:
        command = _more_settings(contest, fewer, max(settings.values()))
    else:
        seeds = frozenset().union(*(m.seeds for members in tuned.values() for m in members))
        command = train([member for family in shorter for member in tuned[family]], seeds)
    poor = tuple(contest.leaders[family] for family in fewer or shorter)
    yield Flaw(f"unequal tuning budgets: {listed(told)}", poor, command)


def at_edge(contest: Contest) -> Iterator[Flaw]:
    """The best learning rate is the lowest or highest that was tried."""
    told: dict[str, Entrant] = {}
    wider: dict[tuple[str, frozenset[int]], list[Entrant]] = defaultdict(list)
    for family, best in contest.leaders.items():
        search = contest.search_of(best)
        if search is not None:
            yield from _edges_of(search, best)
            continue
        others = contest.beside_at_other_rates(best)
        tried = _tried([*contest.families[family], *others])
        if len(tried) < 2 or best.lr not in (tried[0], tried[-1]):
            continue
        if ranked([best.setting, *others], contest.problem.criterion)[0] is not best.setting:
            continue
        end, beyond = ("lowest", below) if best.lr == tried[0] else ("highest", above)
        more = beyond(tried, 2 if len(tried) >= _LONG_GRID else 1)
        told[f"{best.label} is the {end} of {len(tried)} learning rates"] = best
        wider[grid("optimizer.lr", more), best.seeds].append(best)
    if told:
        commands = [train(same, seeds, changes=[lr]) for (lr, seeds), same in wider.items()]
        yield Flaw(listed(told), tuple(told.values()), " && ".join(commands))


def loses_to_special_case(contest: Contest) -> Iterator[Flaw]:
    """An optimizer that is worse than one it contains was not tuned enough."""
    for pair in _CONTAINMENTS:
        general, special = contest.leaders.get(pair.general), contest.leaders.get(pair.special)
        if general is None or special is None or special.config["optimizer"].get(pair.unless):
            continue
        if judge_pair(general.runs, special.runs, contest.problem.metric).decision != "worse":
            continue
        changes = [pair.nearer, set_value("optimizer.lr", special.lr)]
        yield Flaw(
            f"{general.label} is worse than {special.label}, which it contains ({pair.how})",
            (general, special),
            train([general], general.seeds, changes=changes),
        )


def _by_tuning(
    contest: Contest,
) -> tuple[dict[str, tuple[Entrant, ...]], tuple[Entrant, ...]]:
    """The grids of the optimizers with several settings, and the only settings of the others."""
    grids = {family: contest.families[family] for family in contest.leaders}
    tuned = {f: members for f, members in grids.items() if _tries(contest, f) > 1}
    return tuned, tuple(members[0] for f, members in grids.items() if f not in tuned)


def _tries(contest: Contest, family: str) -> int:
    """Settings that its best was chosen from."""
    search = contest.search_of(contest.leaders[family])
    return len(contest.families[family]) if search is None else search.trials


def _runs(contest: Contest, family: str) -> int:
    search = contest.search_of(contest.leaders[family])
    if search is not None:
        return search.trials * len(search.study.seeds)
    return sum(member.row.total for member in contest.families[family])


def _equal_searches(contest: Contest, families: Iterable[str]) -> bool:
    """Whether all were searched for with as many epochs: with pruning, trials may be unlike."""
    found = [contest.search_of(contest.leaders[family]) for family in families]
    return None not in found and len({search.epochs for search in found if search}) == 1


def _edges_of(search: Searched, best: Entrant) -> Iterator[Flaw]:
    """The ends of its spaces at which a search found its best."""
    if search.contender.edges:
        told = listed(search.contender.edges)
        message = f"{best.label}: the best of its search is at an end of its space: {told}"
        yield Flaw(message, (best,), f"optbench tune {shlex.quote(search.study.file)} --extend")


def _poor(budgets: Mapping[str, int]) -> list[str]:
    most = max(budgets.values(), default=0)
    return [family for family, budget in budgets.items() if budget * UNEQUAL <= most]


def _tried(members: Iterable[Entrant | Setting]) -> list[float]:
    rates = {learning_rate(member.config) for member in members}
    return sorted(rate for rate in rates if rate is not None)


def _more_settings(contest: Contest, families: Sequence[str], count: int) -> str | None:
    """So many settings of each of these optimizers, by learning rates on both sides."""
    commands = []
    for family in families:
        best, members = contest.leaders[family], contest.families[family]
        tried = _tried(members)
        if best.lr is None:
            return None
        more = around(tried, count - len(members))
        commands.append(train([best], best.seeds, changes=[f"optimizer.lr={more}"]))
    return " && ".join(commands)


def _tune_all(entrants: Sequence[Entrant]) -> str | None:
    """One grid for all, so that the budgets are equal."""
    rates = [entrant.lr for entrant in entrants if entrant.lr is not None]
    if len(rates) < len(entrants):
        return None
    seeds = frozenset().union(*(entrant.seeds for entrant in entrants))
    return train(entrants, seeds, changes=[f"optimizer.lr={decades_around(rates)}"])
