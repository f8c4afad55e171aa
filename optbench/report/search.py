"""What a search says of itself: its budget, where it is, what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.analysis.metric import Metric
from optbench.analysis.trials import best
from optbench.config.spec import short_value
from optbench.report import numbers
from optbench.report.layout import paragraph
from optbench.report.words import count, listed, quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optbench.analysis.edges import Edge
    from optbench.analysis.trials import Outcome
    from optbench.store.tuning import Dimension, Study


def search_heading(study: Study, width: int | None) -> str:
    """What is searched how, and the budget that every optimizer has."""
    names = [one.label for one in study.contenders]
    seeds = "seed" if len(study.seeds) == 1 else "seeds"
    epochs = study.trials * study.epochs * len(study.seeds)
    pruned = "" if study.pruner == "none" else f", pruned by {study.pruner}"
    budget = count(study.trials, "trial")
    each = " each" if len(names) > 1 else ""
    told = f"Tuning {listed(names)} by {quantity(study.objective)} ({study.sampler}{pruned}): "
    if study.pruner == "none":
        told += f"{budget}{each} of {count(study.epochs, 'epoch')}"
    else:
        told += f"{count(epochs, 'epoch')}{each}, {count(study.epochs, 'epoch')} a whole trial"
    return paragraph(f"{told}, on {seeds} {listed([str(seed) for seed in study.seeds])}.", width)


def space_lines(study: Study, width: int | None) -> str:
    """A paragraph an optimizer: the spaces that it is searched in."""
    longest = max(len(one.label) for one in study.contenders)
    hanging = " " * (longest + 4)
    return "\n".join(
        paragraph(
            f"  {one.label:<{longest}}  {', '.join(map(space, one.dimensions))}",
            width,
            hanging=hanging,
        )
        for one in study.contenders
    )


def space(dimension: Dimension) -> str:
    """`lr 0.00001 to 0.1 (log)`, or the choices of a finite one."""
    if dimension.choices is not None:
        return f"{dimension.key} {{{', '.join(map(short_value, dimension.choices))}}}"
    scale = {"loguniform": " (log)", "integer": " (whole)"}.get(dimension.kind, "")
    low, high = short_value(dimension.low), short_value(dimension.high)
    return f"{dimension.key} {low} to {high}{scale}"


def batch_line(done: int, asked: int, until: int, seconds: float | None) -> str:
    """`10 trials of each optimizer done; 10 runs to epoch 5, about 3 min left.`"""
    over = f"{count(done, 'trial')} of each optimizer done; " if done else ""
    left = "" if seconds is None else f", about {numbers.duration(seconds)} left"
    return f"{over}{count(asked, 'run')} to epoch {until}{left}."


def nothing_line(runs: int) -> str:
    """What is said of a plan whose runs are all finished."""
    verb = "is" if runs == 1 else "are"
    return f"{count(runs, 'run')} {verb} finished already; nothing to train."


def dry_lines(study: Study, runs: int, finished: int, seconds: float | None) -> str:
    """What the first batch is, and what all of them take if they go on like it."""
    whole = study.trials * len(study.contenders) * len(study.seeds)
    share = f" of {whole:,}" if runs < whole and study.pruner == "none" else ""
    told = f"The first batch: {count(runs, 'run')}{share}, {finished:,} finished already."
    if seconds is None or study.pruner != "none":
        return told
    return f"{told} All trials: about {numbers.duration(seconds * whole / (runs - finished))}."


def found_lines(study: Study, outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """The best trial of each optimizer, and how the others went."""
    name = quantity(study.objective)
    rows = []
    for contender in study.contenders:
        tried = outcomes[contender.label]
        found = best(tried, study.objective)
        value = numbers.DASH if found is None or found.value is None else _value(study, found.value)
        told = "no trial came to its end" if found is None else values_text(found.trial.values)
        which = "" if found is None else f"trial {found.trial.position} of {len(tried)}"
        fates = [
            f"{number} {fate}"
            for fate in ("pruned", "diverged", "failed")
            if (number := sum(one.status == fate for one in tried))
        ]
        rows.append((contender.label, value, told, ", ".join(filter(None, [which, *fates]))))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"  {label:<{widths[0]}}  {value:>{widths[1]}}  {told:<{widths[2]}}  {rest}".rstrip()
        for label, value, told, rest in rows
    ]
    return "\n".join([f"Best by {name}:", *lines])


def values_text(values: Mapping[str, Any]) -> str:
    """`lr=0.001 betas[1]=0.99`."""
    return " ".join(f"{key}={short_value(value)}" for key, value in values.items())


def edge_line(edge: Edge, width: int | None) -> str:
    """That the best value is at an end of its range."""
    ends = space(edge.dimension).removeprefix(f"{edge.dimension.key} ")
    where = f"{edge.dimension.key}, {short_value(edge.value)}, is at the {edge.end} end of {ends}."
    return paragraph(f"{edge.label}: the best {where}", width)


def widened_line(number: int, most: int, width: int | None) -> str:
    """What is done about it."""
    return paragraph(
        f"Widened, {number} of at most {most} times: every optimizer has its trials in the spaces "
        "below; those in narrower ones count no more.",
        width,
    )


def _value(study: Study, value: float) -> str:
    form = numbers.percent if Metric(study.objective).is_accuracy else numbers.loss
    return form(value)
