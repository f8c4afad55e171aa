"""How the runs of a comparison were made, in sentences for a paper."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from optbench.analysis.setting import Setting
from optbench.catalog.labels import function_label
from optbench.config.spec import FULL_BATCH, display_name, format_value
from optbench.report import words
from optbench.report.references import DATASETS, OPTIMIZERS, SCHEDULES
from optbench.report.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optbench.analysis.comparison import ProblemComparison
    from optbench.analysis.rows import SettingRow
    from optbench.store.result import Result

_NOT_THE_OPTIMIZERS = ("epochs", "batch_size", "schedule")  # told in sentences of their own


def protocol(problem: ProblemComparison) -> Iterator[str]:
    """What was trained on what, for how long, with which grids and seeds, and how chosen."""
    yield from _data(problem)
    yield _budget(problem)
    yield _grids(problem)
    yield from _seeds(problem)
    yield from _selection(problem)


def cited(key: str | None) -> str:
    """A citation after a space; empty without one."""
    return f" [@{key}]" if key else ""


def _results(problem: ProblemComparison) -> list[Result]:
    return [run.result for row in problem.rows for run in row.runs]


def _data(problem: ProblemComparison) -> Iterator[str]:
    first = _results(problem)[0]
    sizes, name = first.sizes, display_name(str(first.config["dataset"]["name"]))
    held_out = f", {sizes.validation:,} validation" if sizes.validation else ""
    examples = f"{sizes.train:,} training{held_out} and {sizes.test:,} test examples"
    model = display_name(str(first.config["model"]["name"]))
    parts = problem.label.split(" · ")
    described = parts[1] if len(parts) == 3 else model  # mlp 784-128-10 rather than mlp
    loss = function_label(first.config["training"]["loss"]).replace("_", " ")
    yield (
        f"We trained {described} ({sizes.parameters:,} parameters, {loss} loss) on "
        f"{name}{cited(DATASETS.get(name))} ({examples})."
    )
    if problem.requested_dataset is not None:
        yield f"{name} stood in for {problem.requested_dataset}, which was not available."


def _budget(problem: ProblemComparison) -> str:
    rows = problem.rows
    epochs = _values("epochs", rows)
    batches = _values("batch_size", rows)
    plural = "" if epochs == ["1"] else "s"
    small = [size for size in batches if size != FULL_BATCH]
    sizes = listed(
        [f"mini-batches of {listed(small, 'or')}"] * bool(small)
        + ["full batches"] * (FULL_BATCH in batches),
        "or",
    )
    schedules = [name for name in _values("schedule", rows) if name != "constant"]
    told = f"Training took {listed(epochs, 'or')} epoch{plural} with {sizes}"
    if not schedules:
        return f"{told} and a constant learning rate."
    constant = " or a constant learning rate" if "constant" in _values("schedule", rows) else ""
    names = [f"{name}{cited(SCHEDULES.get(name))}" for name in schedules]
    plural = "s" if len(names) > 1 else ""
    return f"{told} under the schedule{plural} {listed(names, 'or')}{constant}."


def _grids(problem: ProblemComparison) -> str:
    grouped: dict[str, list[SettingRow]] = defaultdict(list)
    for row in sorted(problem.rows, key=lambda row: (row.optimizer, row.label)):
        grouped[row.optimizer].append(row)
    grids = [_grid(optimizer, rows, problem) for optimizer, rows in grouped.items()]
    subject = "optimizer was" if len(grids) == 1 else "optimizers were"
    return f"The {subject} {listed(grids)}; other hyperparameters kept their defaults."


def _grid(optimizer: str, rows: Sequence[SettingRow], problem: ProblemComparison) -> str:
    """`adam [@kingma2015] (3 settings: lr 0.0001, 0.001 or 0.01)`."""
    settings = [Setting(row.key, row.runs) for row in rows]
    given = {name for setting in settings for name in setting.given}
    names = dict.fromkeys(name for row in rows for name in row.hyperparameters)
    shown = [
        f"{name} {listed(values, 'or')}"
        for name in names
        if (name in problem.remarkable or name.removeprefix("schedule.") in given)
        and name not in _NOT_THE_OPTIMIZERS
        and (values := _values(name, rows))
    ]
    count = f"{len(rows)} settings: " if len(rows) > 1 else ""
    told = f" ({count}{'; '.join(shown)})" if shown else ""
    return f"{optimizer}{_sources(settings)}{told}"


def _sources(settings: Iterable[Setting]) -> str:
    keys: dict[str, None] = {}
    for setting in settings:
        name, arguments = str(setting.config["optimizer"]["name"]), setting.hyperparameters
        names = [name, setting.family if ":" not in name else ""]
        names += ["nesterov"] if arguments.get("nesterov") else []
        keys |= dict.fromkeys(OPTIMIZERS[found] for found in names if found in OPTIMIZERS)
    return f" [{'; '.join(f'@{key}' for key in keys)}]" if keys else ""


def _seeds(problem: ProblemComparison) -> Iterator[str]:
    counts = sorted({row.completed + row.diverged for row in problem.rows})
    number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    plural = "" if counts == [1] else "s"
    paired = [row.difference.paired for row in problem.rows if row.difference]
    told = f"Every setting was trained from {number} random seed{plural}"
    if paired and all(paired):
        told += (
            "; runs of one seed start from the same weights and see the same batches, so that "
            "settings are compared in pairs"
        )
    yield f"{told}."
    lost = [f"{row.diverged} of {row.label}" for row in problem.rows if row.diverged]
    if lost:
        yield f"Of these runs {listed(lost)} diverged and are missing from the means."


def _selection(problem: ProblemComparison) -> Iterator[str]:
    if not any(row.selected_by for row in problem.rows):
        return
    why = "" if problem.criterion == "val_loss" else ", for no validation part was held out"
    yield (
        f"The best setting of each optimizer was chosen by its mean final "
        f"{words.quantity(problem.criterion)}{why}, on the seeds that are reported."
    )


def software(problem: ProblemComparison, version: str) -> str:
    """With which versions the runs were made, on what, and with which they are compared now."""
    environments = [result.environment for result in _results(problem)]

    def told(name: str) -> list[str]:
        found = {environment.get(name) for environment in environments}
        return sorted(str(value) for value in found if value is not None)

    threads, device = told("threads"), listed(told("device")) or "an unrecorded device"
    counted = f" ({listed(threads, 'or')} thread{'s' * (threads != ['1'])})" if threads else ""
    torch = f"PyTorch {listed(told('torch'))}".rstrip()
    return (
        f"The runs were made with optbench {listed(told('optbench'))} and {torch}"
        f"{cited('paszke2019')} on {device}{counted}, and compared with optbench {version}."
    )


def _values(name: str, rows: Iterable[SettingRow]) -> list[str]:
    """The values that the rows have, numbers by size."""
    found = [row.hyperparameters[name] for row in rows if name in row.hyperparameters]
    texts = {format_value(value): value for value in found}
    return sorted(texts, key=lambda text: _order(texts[text], text))


def _order(value: object, text: str) -> tuple[bool, float, str]:
    is_number = isinstance(value, int | float)
    return not is_number, float(value) if isinstance(value, int | float) else 0.0, text
