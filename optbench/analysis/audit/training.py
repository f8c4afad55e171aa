"""How long, in what batches and with what else each side was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.audit.contest import Contest, Entrant, Flaw, listed, training_value
from optbench.analysis.audit.mending import compare_again, set_value, train
from optbench.catalog.schedules import schedules
from optbench.config.spec import flattened, format_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BUDGET = {"batch_size": "batch size", "epochs": "epochs", "accumulate": "batches a step"}
_OPTIONS = {
    "clip_norm": "gradient clipping",
    "label_smoothing": "label smoothing",
    "average": "weight averaging",
    "freeze": "frozen parameters",
    "augment": "augmentation",
    "dtype": "types of numbers",
    "amp": "mixed precision",
}
# What a relation in catalog/receivers.py ties: a command that sets the one may have to set both.
_TIED = (("batch_size", "accumulate"), ("dtype", "amp"))
_MAY_END_EARLY = ("linearlr", "constantlr")  # then they are a warm-up


def unlike_budget(contest: Contest) -> Iterator[Flaw]:
    """Batch sizes, or numbers of epochs, that differ though no experiment swept them."""
    return _unlike(contest, _BUDGET)


def unlike_options(contest: Contest) -> Iterator[Flaw]:
    """What else of training differs though no experiment swept it."""
    return _unlike(contest, _OPTIONS)


def _unlike(contest: Contest, words: Mapping[str, str]) -> Iterator[Flaw]:
    for name in words:
        values = {format_value(training_value(e.config, name)) for e in contest.contestants}
        if len(values) > 1 and not contest.has_swept(name, values):
            yield _flaw(contest, name, words[name])


def _flaw(contest: Contest, name: str, words: str) -> Flaw:
    standard = contest.reference or contest.contestants[0]
    others = tuple(e for e in contest.contestants if _unlike_in(e, standard, name))
    told = [
        f"{format_value(training_value(e.config, name))} ({e.label})" for e in (standard, *others)
    ]
    return Flaw(
        f"unlike {words} that no experiment swept: {listed(told)}",
        (standard, *others),
        _made_alike(contest, standard, name),
    )


def _made_alike(contest: Contest, standard: Entrant, name: str) -> str:
    """Train who differs from the standard with its value, and with what belongs to that."""
    tied = next((names for names in _TIED if name in names), (name,))
    values = {
        key: training_value(standard.config, key)
        for key in tied
        if any(_unlike_in(entrant, standard, key) for entrant in contest.contestants)
    }
    others = [e for e in contest.contestants if any(_unlike_in(e, standard, k) for k in values)]
    seeds = frozenset().union(*(entrant.seeds for entrant in others))
    changes = [set_value(f"training.{key}", value) for key, value in values.items()]
    where = [f"{key}={format_value(value)}" for key, value in flattened(values).items()]
    return f"{train(others, seeds, changes=changes)} && {compare_again(contest, *where)}"


def _unlike_in(entrant: Entrant, standard: Entrant, name: str) -> bool:
    return bool(training_value(entrant.config, name) != training_value(standard.config, name))


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
