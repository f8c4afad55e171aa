"""What a search varies: the spaces of each optimizer of an experiment, and the settings in them."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.catalog.expansion import expanded
from optbench.catalog.experiment import load_experiment, read_file
from optbench.catalog.resolve import source_of
from optbench.config.node import Node, Problems, from_plain
from optbench.config.schema import Part
from optbench.config.spaces import TUNING, ends, filled, points, space_kind, spaces
from optbench.config.spec import display_name
from optbench.errors import ConfigError, DataError, Mark, UsageError
from optbench.store.tuning import Dimension

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from optbench.config.schema import Document
    from optbench.config.spec import Experiment, Setting
    from optbench.config.tuning import Tuning

    Choose = Callable[[str, Node], Node]

MOST_PAIRED = 10  # choices: a setting takes half a millisecond to check


@dataclass(frozen=True)
class Searched:
    """One optimizer of a search; `document` is the experiment with that optimizer alone."""

    label: str
    dimensions: tuple[Dimension, ...]
    document: Document

    def setting(self, values: Mapping[str, Any]) -> Setting:
        """The setting with these values, by the dimensions' keys; ConfigError for a bad one."""
        return _only(self.document, lambda key, space: _valued(values[key], space))

    def default(self) -> Setting | None:
        """The setting with the default of all that is searched; None where something has none."""
        with contextlib.suppress(ConfigError):
            return _only(_without_spaces(self.document), lambda _, space: space)
        return None

    def widened(self, dimensions: Sequence[Dimension]) -> Searched:
        """The same with other ends; ConfigError where the optimizer does not take them."""
        changed = {one.key: one for one in dimensions}
        document = _filled(self.document, lambda key, space: _stretched(changed[key], space))
        wider = Searched(self.label, tuple(dimensions), document)
        wider.check()
        return wider

    def check(self) -> None:
        """Raise ConfigError where an end of a range or a choice is no value there.

        By itself, or beside one of another dimension.
        """
        first = {one.key: _candidates(one)[0] for one in self.dimensions}
        problems = Problems()
        for dimension in self.dimensions:
            for value in _candidates(dimension):
                try:
                    self.setting(first | {dimension.key: value})
                except ConfigError as error:
                    problems.include(*error.problems)
        problems.raise_if_any()
        for one, other in itertools.combinations(self.dimensions, 2):
            for pair in itertools.product(_few(one), _few(other)):
                self.setting(first | dict(zip((one.key, other.key), pair, strict=True)))


@dataclass(frozen=True)
class Search:
    """An experiment to tune. Of `experiment`, `settings` are first points, and mean nothing."""

    experiment: Experiment
    tuning: Tuning
    contenders: tuple[Searched, ...]

    @property
    def epochs(self) -> int:
        return self.experiment.settings[0].epochs


def load_search(
    path: str | Path,
    *,
    overrides: Sequence[str] = (),
    seeds: str | None = None,
    device: str | None = None,
) -> Search:
    """Read an experiment file that is to be tuned and check all of it, importing no torch.

    The arguments are those of `load_experiment`. Raises `ConfigError` for what that refuses, for a
    file with nothing to search, without a validation part, or with more than one problem, and
    where a tuning seed is a reporting seed.
    """
    experiment = load_experiment(
        path, overrides=overrides, seeds=seeds, device=device, first_points=True
    )
    problems = Problems()
    document = read_file(Path(path), overrides, problems)
    _check_problem(document, problems)
    _check_held_out(document, experiment, problems)
    problems.raise_if_any()
    contenders = _contenders(document)
    _check_spaces(contenders, problems)
    _check_seeds(document, experiment, problems)
    problems.raise_if_any()
    for contender in contenders:
        contender.check()
    return Search(experiment, document.tuning, contenders)


def _contenders(document: Document) -> tuple[Searched, ...]:
    names = [_written_name(part) for part in document.optimizers]
    counts, seen = Counter(names), Counter[str]()
    found = []
    for name, part in zip(names, document.optimizers, strict=True):
        seen[name] += 1
        label = name if counts[name] == 1 else f"{name} {seen[name]}"
        own = "schedule" in part.node.mapping
        alone = dataclasses.replace(
            document, optimizers=(part,), schedules=() if own else document.schedules
        )
        dimensions = tuple(_dimension(key, space) for key, space in _spaces(alone))
        found.append(Searched(label, dimensions, alone))
    return tuple(found)


def _written_name(part: Part) -> str:
    return display_name(str(part.node.mapping["name"].value))


def _spaces(document: Document) -> Iterator[tuple[str, Node]]:
    """The spaces, each with its key from the optimizer on."""
    for part in (*document.optimizers, *document.schedules, document.training):
        yield from spaces(part.node, _prefix(part))


def _prefix(part: Part) -> str:
    """What the keys of a part begin with in a search: those of the optimizer with nothing."""
    kind = part.key.partition("[")[0]
    return "" if kind == "optimizer" else kind


def _dimension(key: str, space: Node) -> Dimension:
    kind = space_kind(space)
    assert kind is not None  # noqa: S101  (it is a space)
    if kind in TUNING:
        low, high = ends(space)
        return Dimension(key, kind, low, high)
    return Dimension(key, kind, choices=tuple(point.plain() for point in points(space)))


def _candidates(dimension: Dimension) -> tuple[Any, ...]:
    if dimension.choices is not None:
        return dimension.choices
    values = (dimension.low, dimension.high)
    return tuple(map(int, values)) if dimension.kind == "integer" else values  # type: ignore[arg-type]


def _few(dimension: Dimension) -> tuple[Any, ...]:
    """All candidates, or the first and the last of many, to go with those of another dimension."""
    candidates = _candidates(dimension)
    return candidates if len(candidates) <= MOST_PAIRED else (candidates[0], candidates[-1])


def _valued(value: object, space: Node) -> Node:
    return dataclasses.replace(from_plain(value, space.mark), width=space.width)


def _stretched(dimension: Dimension, space: Node) -> Node:
    if not dimension.is_range:
        return space
    return _valued({dimension.kind: [dimension.low, dimension.high]}, space)


def _filled(document: Document, choose: Choose) -> Document:
    def part(old: Part) -> Part:
        return Part(old.key, filled(old.node, choose, _prefix(old)))

    return dataclasses.replace(
        document,
        optimizers=tuple(map(part, document.optimizers)),
        schedules=tuple(map(part, document.schedules)),
        training=part(document.training),
    )


def _only(document: Document, choose: Choose) -> Setting:
    problems = Problems()
    settings = expanded(_filled(document, choose), problems)
    problems.raise_if_any()
    (setting,) = settings
    return setting


def _without_spaces(document: Document) -> Document:
    def part(old: Part) -> Part:
        return Part(old.key, _unsaid(old.node))

    return dataclasses.replace(
        document,
        optimizers=tuple(map(part, document.optimizers)),
        schedules=tuple(map(part, document.schedules)),
        training=part(document.training),
    )


def _unsaid(node: Node) -> Node:
    """A mapping without the keys whose values are searched, if only in part; a schedule keeps
    what of it is not."""
    kept = {}
    for name, child in node.mapping.items():
        if name == "schedule" and child.is_mapping and not space_kind(child):
            kept[name] = _unsaid(child)
        elif not any(spaces(child)):
            kept[name] = child
    return dataclasses.replace(node, value=kept)


def _check_problem(document: Document, problems: Problems) -> None:
    """One problem, one schedule, and the same epochs for all."""
    for noun, parts in (("data set", document.datasets), ("model", document.models)):
        if len(parts) > 1:
            message = f"a search has one {noun}, got {len(parts)}"
            problems.add(parts[1].node, parts[1].key, message, "tune each in a file of its own")
        for key, space in (found for part in parts for found in spaces(part.node, part.key)):
            message = f"a space can't stand in the {noun}: it would make another problem"
            problems.add(space, key, message, "tune each in a file of its own")
    if len(document.schedules) > 1:
        second = document.schedules[1]
        message = f"a search has one schedule at the top, got {len(document.schedules)}"
        remedy = "give each optimizer its own: {name: adam, schedule: …}"
        problems.add(second.node, second.key, message, remedy)
    epochs = document.training.node.mapping.get("epochs")
    if epochs is not None and space_kind(epochs):
        message = "must be the same for all trials, so that their budgets are equal"
        problems.add(epochs, "training.epochs", message, "write a number")


def _check_held_out(document: Document, experiment: Experiment, problems: Problems) -> None:
    """Trials are chosen on validation, so that there has to be some, of the stand-in too."""
    setting, (part, *_) = experiment.settings[0], document.datasets
    data = {part.key: setting.dataset, f"{part.key}.fallback": setting.fallback}
    for key, dataset in data.items():
        if dataset is not None and not dataset.get("validation"):
            message = f"a search needs a validation part, and {key}.validation is 0"
            remedy = "hold examples out: {name: …, validation: 5000}"
            problems.add(part.node, part.key, message, remedy)
    if document.tuning.objective == "val_accuracy" and not _is_graded(setting):
        message = f"{display_name(str(setting.dataset['name']))} has no accuracy"
        problems.add(Mark(str(document.file)), "tuning.objective", message, "objective: val_loss")


def _is_graded(setting: Setting) -> bool:
    with contextlib.suppress(DataError, UsageError):  # said when the data are wanted
        return source_of(setting.dataset).task.graded
    return True


def _check_spaces(contenders: Sequence[Searched], problems: Problems) -> None:
    for contender in contenders:
        if not contender.dimensions:
            (part,) = contender.document.optimizers
            message = f"there is nothing to search: no value of {contender.label} is a space"
            remedy = "write one, e.g. lr: {loguniform: [1e-5, 1e-1]}"
            problems.add(part.node, part.key, message, remedy)


def _check_seeds(document: Document, experiment: Experiment, problems: Problems) -> None:
    both = sorted(set(document.tuning.seeds) & set(experiment.seeds))
    if both:
        listed = ", ".join(map(str, both[:5]))
        message = f"must not be among the seeds that are reported, got {listed}"
        remedy = "write a count: seeds: 1"
        problems.add(Mark(str(document.file)), "tuning.seeds", message, remedy)
