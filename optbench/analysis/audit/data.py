"""Other data on one side than on the other, or than was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.analysis.audit.contest import Contest, Entrant, Flaw, labels, listed
from optbench.analysis.audit.mending import set_value, train
from optbench.catalog.datasets import DATASETS
from optbench.catalog.receivers import data_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optbench.analysis.comparison import ProblemComparison


def stand_in(contest: Contest) -> Iterator[Flaw]:
    """A fallback, unless runs on the data asked for are shown too."""
    wanted = contest.problem.requested_dataset
    shown = (_config(problem)["dataset"]["name"] for problem in contest.comparison.problems)
    if wanted is None or wanted in shown:
        return
    used = _config(contest.problem)["dataset"]
    entrants = contest.contestants
    runs = tuple(
        run for e in contest.entrants for run in e.runs if run.result.requested_dataset is not None
    )
    yield Flaw(
        f"{wanted} was asked for and {used['name']} stood in for it",
        entrants,
        None if _in_a_file(wanted) else _train_on(wanted, used, entrants),
        runs,
    )


def _in_a_file(dataset: str) -> bool:
    """Whether a data set of the catalog is a file of the user's own, which no command makes."""
    known = data_parameters(dataset) if dataset in DATASETS else ()
    return any(parameter.name == "path" for parameter in known)


def _train_on(wanted: str, used: Mapping[str, Any], entrants: Sequence[Entrant]) -> str:
    asked = {"name": wanted, "validation": used.get("validation", 0)}
    return train(entrants, _all_seeds(entrants), changes=[set_value("dataset", asked)])


def other_data(contest: Contest) -> Iterator[Flaw]:
    """Optimizers that were trained on unlike data, or another split of it, and so never meet.

    Each problem is compared with the first that has its model and its loss.
    """
    first = next(p for p in contest.comparison.problems if _differ_in_data_alone(p, contest))
    standard = Contest(contest.comparison, first)
    here = [e for e in standard.contestants if e.family not in contest.families]
    there = [e for e in contest.contestants if e.family not in standard.families]
    if here and there:
        data = [_config(problem)["dataset"] for problem in (first, contest.problem)]
        yield Flaw(
            f"{labels(there)}: other data than {labels(here)} ({_told(*data)}), "
            "so they are not compared",
            (*here, *there),
            train(there, _all_seeds(here), changes=[set_value("dataset", data[0])]),
        )


def _config(problem: ProblemComparison) -> Mapping[str, Any]:
    return problem.rows[0].runs[0].result.config


def _differ_in_data_alone(problem: ProblemComparison, contest: Contest) -> bool:
    """Also of the problem itself."""
    sides = [_config(p) for p in (problem, contest.problem)]
    one, other = [(config["model"], config["training"]["loss"]) for config in sides]
    return one == other


def _told(standard: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """`validation 500, not 0`; "unlike content" where the names and numbers are the same."""
    names = [n for n in {**standard, **other} if standard.get(n) != other.get(n)]
    if "name" in names:
        names = ["name"]
    differences = (f"{n} {other.get(n)}, not {standard.get(n)}" for n in names)
    return listed(differences).removeprefix("name ") or "unlike content"


def _all_seeds(entrants: Sequence[Entrant]) -> frozenset[int]:
    return frozenset().union(*(entrant.seeds for entrant in entrants))
