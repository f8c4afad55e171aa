"""How long and in what batches each side was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.audit.contest import Contest, Entrant, Flaw, listed
from optbench.analysis.audit.mending import compare_again, set_value, train
from optbench.catalog.schedules import schedules
from optbench.config.spec import format_value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_WORDS = {"batch_size": "batch size", "epochs": "epochs"}
_MAY_END_EARLY = ("linearlr", "constantlr")  # then they are a warm-up


def unlike_training(contest: Contest) -> Iterator[Flaw]:
    """Batch sizes, or numbers of epochs, that differ though no experiment swept them."""
    for name in _WORDS:
        values = {_value(entrant, name): entrant for entrant in contest.contestants}
        if len(values) > 1 and not contest.has_swept(name, values):
            yield _unlike(contest, name)


def _unlike(contest: Contest, name: str) -> Flaw:
    standard = contest.reference or contest.contestants[0]
    value = _value(standard, name)
    others = tuple(e for e in contest.contestants if _value(e, name) != value)
    told = [f"{_value(e, name)} ({e.label})" for e in (standard, *others)]
    seeds = frozenset().union(*(entrant.seeds for entrant in others))
    trained = train(others, seeds, changes=[set_value(f"training.{name}", value)])
    return Flaw(
        f"unlike {_WORDS[name]} that no experiment swept: {listed(told)}",
        (standard, *others),
        f"{trained} && {compare_again(contest, f'{name}={value}')}",
    )


def _value(entrant: Entrant, name: str) -> Any:
    return entrant.config["training"][name]


def unlike_horizon(contest: Contest) -> Iterator[Flaw]:
    """A schedule that ends before its run does, or would go on after it."""
    for entrant in contest.contestants:
        found = _horizon(entrant)
        if found is None:
            continue
        name, horizon, length = found
        schedule = entrant.config["schedule"]["name"]
        yield Flaw(
            f"{entrant.label}: {schedule} lasts {name}={format_value(horizon)}, its run {length}",
            (entrant,),
            f"{train([entrant], entrant.seeds, changes=[f'schedule.{name}={length}'])} && "
            f"{compare_again(contest, f'schedule.{name}={length}')}",
        )


def _horizon(entrant: Entrant) -> tuple[str, float, int] | None:
    """The argument that says how long the schedule lasts, its value, and the run's length.

    None where both agree, which they do where it was left out.
    """
    schedule = entrant.config["schedule"]
    if schedule["name"] == "constant" or schedule["name"] not in schedules():
        return None
    entry = schedules()[schedule["name"]]
    horizon = schedule.get(entry.horizon)
    length = entrant.config["training"]["epochs"]
    if entry.by_step:
        length *= entrant.runs[0].result.sizes.steps_per_epoch
    if horizon is None or horizon == length:
        return None
    if horizon < length and schedule["name"] in _MAY_END_EARLY:
        return None
    return entry.horizon, horizon, length
