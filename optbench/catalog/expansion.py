"""From a document to its settings: every point of its spaces, checked against the catalog."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from optbench.catalog.combination import (
    Choice,
    check_landscape,
    check_schedule,
    check_training,
    fitting_loss,
)
from optbench.catalog.plugins import content_hash, content_hashes, is_import_path
from optbench.catalog.receivers import LATER_TRAINING
from optbench.catalog.resolve import (
    resolve_dataset,
    resolve_model,
    resolve_optimizer,
    resolve_schedule,
)
from optbench.catalog.resolve_training import resolve_training
from optbench.catalog.tasks import losses_of
from optbench.config.node import Node, child_key
from optbench.config.schema import Part, read_part
from optbench.config.spaces import TUNING, count, expand, first, space_kind, tuning_spaces
from optbench.config.spec import UNHASHED, Setting, display_name, flattened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from optbench.catalog.arguments import Arguments
    from optbench.config.node import Plain, Problems
    from optbench.config.schema import Document

DEFAULT_BATCH_SIZE = 64


def expanded(
    document: Document, problems: Problems, *, first_points: bool = False
) -> list[Setting]:
    """The settings that a document describes; none where something in it is a mistake.

    `first_points` takes the first point of every space instead of all.
    """
    return _Expansion(document, problems, first_points).settings()


def only_claims(problems: Problems) -> bool:
    """Whether there is no mistake but in claims, which don't determine the settings."""
    return all(problem.key.startswith("expect") for problem in problems.noted)


class _Expansion:
    """Turns a document into settings, noting what the catalog has against it."""

    def __init__(self, document: Document, problems: Problems, first_points: bool) -> None:
        self.document = document
        self.problems = problems
        self.first_points = first_points
        training = document.training.node.mapping
        self.varied = [k for k, node in training.items() if count(node) > 1 and k not in UNHASHED]

    def settings(self) -> list[Setting]:
        document = self.document
        datasets = self._choices(document.datasets, self._dataset)
        models = self._choices(document.models, self._model)
        optimizers = self._choices(document.optimizers, self._optimizer)
        schedules = self._choices(document.schedules, self._schedule)
        trainings = self._choices([document.training], self._training)
        if not only_claims(self.problems):
            return []
        constant = Choice({"name": "constant"}, document.training, {})
        return [
            self._setting(dataset, model, optimizer, schedule, training)
            for dataset, model, optimizer in itertools.product(datasets, models, optimizers)
            for schedule in (
                [optimizer.schedule] if optimizer.schedule else schedules or [constant]
            )
            for training in trainings
        ]

    def _choices(self, parts: Iterable[Part], resolve: Callable[[Part], Choice]) -> list[Choice]:
        choices = []
        for part in parts:
            before = len(self.problems)
            if tuning_spaces(part.node):
                self._check_ranges(part, resolve)
            if len(self.problems) == before:
                nodes = [part.node] if self.first_points else expand(part.node)
                choices += [resolve(Part(part.key, first(node))) for node in nodes]
        return choices

    def _check_ranges(self, part: Part, resolve: Callable[[Part], Choice]) -> None:
        """Each range by itself; then what its ends mean for the arguments beside it."""
        before = len(self.problems)
        for node in (part.node, _at_end(part.node, 0), _at_end(part.node, 1)):
            if len(self.problems) == before:
                resolve(Part(part.key, next(expand(node))))

    def _dataset(self, part: Part) -> Choice:
        before = len(self.problems)
        dataset = resolve_dataset(part.node, part.key, self.problems)
        sound = len(self.problems) == before
        losses = losses_of(dataset if sound else {})
        functions = content_hashes(_normalizations(dataset)) if sound else {}
        return Choice(dataset, part, {}, _plugin(dataset), losses=losses, functions=functions)

    def _model(self, part: Part) -> Choice:
        model, weights = resolve_model(part.node, part.key, self.problems)
        return Choice(model, part, {}, _plugin(model), weights=weights)

    def _schedule(self, part: Part) -> Choice:
        schedule, said = resolve_schedule(part.node, part.key, self.problems)
        return Choice(schedule, part, said, _plugin(schedule))

    def _training(self, part: Part) -> Choice:
        training = resolve_training(part.node, part.key, self.problems)
        varied = {key: training[key] for key in self.varied if key in training}
        if training.get("batch_size") != DEFAULT_BATCH_SIZE:
            varied["batch_size"] = training.get("batch_size")
        varied |= {key: training[key] for key in LATER_TRAINING if key in training}
        for name in (*UNHASHED, "metrics"):  # they change nothing of the training
            varied.pop(name, None)
        loss = varied.get("loss")
        if isinstance(loss, dict):
            varied["loss"] = {**loss, "name": display_name(str(loss["name"]))}
        metrics = training.get("metrics", [])
        named = [training.get("loss"), *(metrics if isinstance(metrics, list) else [])]
        return Choice(training, part, flattened(varied), functions=content_hashes(named))

    def _optimizer(self, part: Part) -> Choice:
        mapping = dict(part.node.mapping)
        own = mapping.pop("schedule", None)
        body = replace(part.node, value=mapping)
        optimizer, said = resolve_optimizer(body, part.key, self.problems)
        schedule = None
        if own is not None:
            found = read_part(own, child_key(part.key, "schedule"), self.problems)
            schedule = self._schedule(found) if found else None
        return Choice(optimizer, part, said, _plugin(optimizer), schedule)

    def _setting(
        self,
        dataset: Choice,
        model: Choice,
        optimizer: Choice,
        schedule: Choice,
        training: Choice,
    ) -> Setting:
        check_schedule(schedule, dataset, optimizer, self.problems)
        loss = fitting_loss(dataset, training, self.problems)
        check_training(loss, dataset, training, self.problems)
        check_landscape(dataset, model, self.problems)
        data = dict(dataset.arguments)
        fallback, requested = data.pop("fallback", None), data.pop("instead_of", None)
        choices = {
            "dataset": dataset,
            "model": model,
            "optimizer": optimizer,
            "schedule": schedule,
            "training": training,
        }
        return Setting(
            dataset=data,
            model=model.arguments,
            optimizer=optimizer.arguments,
            schedule=schedule.arguments,
            training={**training.arguments, "loss": loss},
            hyperparameters=_hyperparameters(optimizer, schedule, training),
            plugins={
                **{c.name: c.plugin for c in (dataset, model, optimizer, schedule) if c.plugin},
                **dataset.functions,
                **training.functions,
            },
            fallback=fallback if isinstance(fallback, dict) else None,
            requested_dataset=None if requested is None else str(requested),
            weights=model.weights,
            written={name: choice.part for name, choice in choices.items()},
        )


def _normalizations(dataset: Arguments) -> list[Plain]:
    """What inputs are normalized by, those of a stand-in too."""
    fallback = dataset.get("fallback")
    own = fallback.get("normalize") if isinstance(fallback, dict) else None
    return [dataset.get("normalize"), own]


def _plugin(arguments: Arguments) -> str | None:
    name = str(arguments.get("name", ""))
    return content_hash(name) if is_import_path(name) else None


def _at_end(node: Node, index: int) -> Node:
    """The tree with the lower (0) or upper (1) end of every range for tuning."""
    if space_kind(node) in TUNING:
        (ends,) = node.mapping.values()
        return ends.sequence[index]
    match node.value:
        case dict():
            children = {name: _at_end(child, index) for name, child in node.value.items()}
            return replace(node, value=children)
        case tuple():
            return replace(node, value=tuple(_at_end(child, index) for child in node.value))
    return node


def _hyperparameters(
    optimizer: Choice, schedule: Choice, training: Choice
) -> tuple[tuple[str, object], ...]:
    """What to show, `lr` first."""
    shown: list[tuple[str, object]] = sorted(optimizer.said.items(), key=lambda i: i[0] != "lr")
    if schedule.name != "constant":
        shown += [("schedule", schedule.name), *schedule.said.items()]
    return (*shown, *training.said.items())
