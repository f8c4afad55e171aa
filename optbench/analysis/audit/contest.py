"""What the audit looks at: all settings of one problem, and those of them that are judged."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from optbench.analysis.setting import Setting, group_settings
from optbench.catalog.receivers import LATER_TRAINING
from optbench.config.spec import format_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.rows import SettingRow
    from optbench.store.stored_run import StoredRun
    from optbench.store.tuning import Contender, Study


@dataclass(frozen=True)
class Entrant:
    """A setting's row and what its runs were configured as."""

    row: SettingRow

    @property
    def label(self) -> str:
        return self.row.label

    @property
    def runs(self) -> tuple[StoredRun, ...]:
        return self.row.runs

    @cached_property
    def setting(self) -> Setting:
        return Setting(self.row.key, self.row.runs)

    @property
    def family(self) -> str:
        return self.setting.family

    @property
    def config(self) -> Mapping[str, Any]:
        return self.setting.config

    @property
    def lr(self) -> float | None:
        """Its learning rate; None where it has none that is a number above 0."""
        return learning_rate(self.config)

    @cached_property
    def finished_seeds(self) -> frozenset[int]:
        return frozenset(run.result.seed for run in self.runs if run.finished)

    @cached_property
    def seeds(self) -> frozenset[int]:
        """All that were begun or declared: of a count those from 0 on, of a list what is known."""
        begun = frozenset(run.result.seed for run in self.runs)
        counted = frozenset(range(max(run.declared for run in self.runs)))
        return counted if begun <= counted else begun


@dataclass(frozen=True)
class Searched:
    """One optimizer of a search, and its budget."""

    study: Study
    contender: Contender

    @property
    def trials(self) -> int:
        return len(self.contender.trials)

    @property
    def epochs(self) -> int:
        """What it might use, over all tuning seeds."""
        return self.study.trials * self.study.epochs * len(self.study.seeds)

    def varied(self, key: str) -> bool:
        """Whether a value was searched, if only in part: betas by betas[1]."""
        keys = (dimension.key for dimension in self.contender.dimensions)
        return any(found.partition("[")[0] == key for found in keys)


@dataclass(frozen=True)
class Contest:
    """One problem's settings; `entrants` are all, `contestants` those that are judged.

    `beside` are runs in the same folders that are not compared.
    """

    comparison: Comparison
    problem: ProblemComparison
    beside: tuple[StoredRun, ...] = ()

    @cached_property
    def entrants(self) -> tuple[Entrant, ...]:
        return tuple(map(Entrant, self.problem.rows))

    @cached_property
    def contestants(self) -> tuple[Entrant, ...]:
        """The best of each optimizer, or each setting where each is judged, and the reference."""
        return tuple(e for e in self.entrants if e.row.leads or e.row.is_reference)

    @cached_property
    def reference(self) -> Entrant | None:
        return next((e for e in self.contestants if e.row.is_reference), None)

    @cached_property
    def families(self) -> dict[str, tuple[Entrant, ...]]:
        """Family → its settings: the grid that its best is chosen from.

        One that all went on from to more epochs is none beside those, unless it is judged itself.
        """
        judged = {entrant.row.key for entrant in self.contestants}
        ends = (run.result.extended for entrant in self.entrants for run in entrant.runs)
        begun = {base.run for base in ends if base}
        found: dict[str, list[Entrant]] = defaultdict(list)
        for entrant in self.entrants:
            gone_on = all(run.result.run in begun for run in entrant.runs)
            if entrant.row.key in judged or not gone_on:
                found[entrant.family].append(entrant)
        return {family: tuple(members) for family, members in found.items()}

    @cached_property
    def leaders(self) -> dict[str, Entrant]:
        """Family → its best; none where every setting is judged for itself."""
        leading = [entrant for entrant in self.entrants if entrant.row.leads]
        found = {entrant.family: entrant for entrant in leading}
        return found if len(found) == len(leading) else {}

    @cached_property
    def searches(self) -> dict[str, Searched]:
        """Key of a setting that a search has chosen → that search, and the optimizer in it."""
        return {
            contender.selected: Searched(study, contender)
            for study in self.comparison.studies
            for contender in study.contenders
            if contender.selected is not None
        }

    def search_of(self, entrant: Entrant) -> Searched | None:
        """The search that has chosen it; None where that is none."""
        return self.searches.get(entrant.row.key)

    def beside_at_other_rates(self, entrant: Entrant) -> list[Setting]:
        """Settings that are not compared, at learning rates that no compared one has."""
        known = {None, *(member.lr for member in self.families[entrant.family])}
        alike = _but_for_the_rate(entrant.config)
        return group_settings(
            run
            for run in self.beside
            if run.finished
            and run.result.problem == self.problem.key
            and _but_for_the_rate(run.result.config) == alike
            and learning_rate(run.result.config) not in known
        )

    @property
    def one_seed_each(self) -> bool:
        return self.problem.one_seed_each

    def has_swept(self, name: str, values: Iterable[str]) -> bool:
        """Whether every judged optimizer had all of these values, as text, of a `training` key.

        So it has if a single experiment trained it with each of them, or its search did.
        """
        wanted = set(values)
        grids = {e.family for e in self.contestants if not self._searched(e, f"training.{name}")}
        return all(
            _swept((e for e in self.entrants if e.family == family), name, wanted)
            for family in grids
        )

    def _searched(self, entrant: Entrant, key: str) -> bool:
        found = self.search_of(entrant)
        return found is not None and found.varied(key)


def learning_rate(config: Mapping[str, Any]) -> float | None:
    """That of a run's optimizer; None where it has none that is a number above 0."""
    lr = config["optimizer"].get("lr")
    return float(lr) if isinstance(lr, int | float) and lr > 0 else None


def _but_for_the_rate(config: Mapping[str, Any]) -> tuple[Any, ...]:
    return config["optimizer"] | {"lr": None}, config["schedule"], config["training"]


def training_value(config: Mapping[str, Any], name: str) -> Any:
    """What a run's configuration has under `training`, or is left out of it by default."""
    return config["training"].get(name, LATER_TRAINING.get(name))


def _swept(members: Iterable[Entrant], name: str, wanted: set[str]) -> bool:
    found: dict[str, set[str]] = defaultdict(set)
    for run in (run for member in members for run in member.runs):
        found[run.experiment].add(format_value(training_value(run.result.config, name)))
    return any(wanted <= values for values in found.values())


@dataclass(frozen=True)
class Flaw:
    """What one check found: in which settings and runs, and the command that mends it."""

    message: str
    entrants: tuple[Entrant, ...]
    command: str | None = None
    runs: tuple[StoredRun, ...] | None = None  # None: all of the settings'


def listed(items: Iterable[str], most: int = 4) -> str:
    """`a, b, c`; from the fifth on how many more."""
    names = list(dict.fromkeys(items))
    more = len(names) - most
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:most])} and {more} more"


def labels(entrants: Iterable[Entrant]) -> str:
    return listed(entrant.label for entrant in entrants)
