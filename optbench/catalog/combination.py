"""What the parts of one setting ask of each other: a loss of the targets, a schedule of data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optbench.catalog.labels import function_label
from optbench.catalog.losses import LANDSCAPE_LOSS, SMOOTHED
from optbench.catalog.metrics import OF_NUMBERS
from optbench.catalog.models import MODELS, POINT
from optbench.catalog.plugins import is_import_path
from optbench.catalog.schedules import PLATEAU
from optbench.catalog.tasks import tasks_of
from optbench.config.node import child_key
from optbench.config.spec import display_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optbench.catalog.arguments import Arguments
    from optbench.config.node import Plain, Problems
    from optbench.config.schema import Part
    from optbench.config.spec import Weights


@dataclass(frozen=True)
class Choice:
    """One point of a part: its arguments, those worth showing, and the file of its plug-in."""

    arguments: Arguments
    part: Part
    said: Arguments
    plugin: str | None = None
    schedule: Choice | None = None  # an optimizer's own
    losses: tuple[str, ...] = ()  # those that fit a data set and its stand-in
    functions: Mapping[str, str] = field(default_factory=dict)  # plug-ins within it, by path
    weights: Weights | None = None  # a model's

    @property
    def name(self) -> str:
        return str(self.arguments["name"])


def fitting_loss(dataset: Choice, training: Choice, problems: Problems) -> Plain:
    """The loss asked for, which has to fit the data and their stand-in; or the data's own."""
    losses = dataset.losses
    asked = training.arguments.get("loss")
    if asked is None or isinstance(asked, dict) or asked in losses:
        return asked or losses[0]
    node = training.part.node.mapping["loss"]
    name = display_name(dataset.name)
    fitting = f"one of {', '.join(losses)}" if len(losses) > 1 else losses[0]
    message = f"must be {fitting} for the targets of {name}, got {asked}"
    problems.add(node, child_key(training.part.key, "loss"), message)
    return losses[0]


def check_training(loss: Plain, dataset: Choice, training: Choice, problems: Problems) -> None:
    """What keys of `training` ask of the loss and of the data."""
    _check_smoothing(loss, training, problems)
    _check_metrics(dataset, training, problems)
    _check_augment(dataset, training, problems)


def check_landscape(dataset: Choice, model: Choice, problems: Problems) -> None:
    """`point` is the catalog's only model for landscapes, and for nothing else."""
    landscape = LANDSCAPE_LOSS in dataset.losses
    node, key = model.part.node.mapping["name"], child_key(model.part.key, "name")
    name = display_name(dataset.name)
    if model.name == POINT and dataset.name and not landscape:
        remedy = "dataset: {name: objective, objective: rosenbrock}"
        problems.add(node, key, f"{name} is no landscape for a {POINT} to go down", remedy)
    elif landscape and model.name in MODELS and model.name != POINT:
        problems.add(node, key, f"must be {POINT} on {name}, got {model.name}")


def check_schedule(
    schedule: Choice, dataset: Choice, optimizer: Choice, problems: Problems
) -> None:
    """What a schedule asks of the data and of the optimizer."""
    if schedule.name == PLATEAU:
        unheld = _without_validation(dataset)
        message = f"{PLATEAU} watches the validation loss, and {unheld}.validation is 0"
        if unheld:
            remedy = "hold examples out: {name: …, validation: 5000}"
            problems.add(schedule.part.node, schedule.part.key, message, remedy)
    cycles = schedule.arguments.get("cycle_momentum")
    own = is_import_path(optimizer.name)
    if cycles and not own and not {"momentum", "betas"} & set(optimizer.arguments):
        key = child_key(schedule.part.key, "cycle_momentum")
        message = f"{optimizer.name} has neither momentum nor betas to cycle"
        problems.add(schedule.part.node, key, message, "cycle_momentum: false")


def _check_smoothing(loss: Plain, training: Choice, problems: Problems) -> None:
    if training.arguments.get("label_smoothing") and loss != SMOOTHED:
        node = training.part.node.mapping["label_smoothing"]
        key = child_key(training.part.key, "label_smoothing")
        problems.add(node, key, f"is for {SMOOTHED}, and the loss is {function_label(loss)}")


def _check_metrics(dataset: Choice, training: Choice, problems: Problems) -> None:
    """Those of the catalog have to fit the targets."""
    metrics = training.arguments.get("metrics", [])
    for index, metric in enumerate(metrics if isinstance(metrics, list) else []):
        for name, task in tasks_of(dataset.arguments):
            if isinstance(metric, str) and task.numbers != (metric in OF_NUMBERS):
                node = training.part.node.mapping["metrics"].sequence[index]
                key = f"{child_key(training.part.key, 'metrics')}[{index}]"
                kinds = ("classes", "numbers") if task.numbers else ("numbers", "classes")
                message = f"{metric} is of {kinds[0]}, and the targets of {name} are {kinds[1]}"
                problems.add(node, key, message)


def _check_augment(dataset: Choice, training: Choice, problems: Problems) -> None:
    """The data, and what may stand in for them, have to be images larger than the margin."""
    augment = training.arguments.get("augment")
    if not isinstance(augment, dict):
        return
    crop, key = augment.get("crop", 0), child_key(training.part.key, "augment")
    for name, task in tasks_of(dataset.arguments):
        node, shape = training.part.node.mapping["augment"], task.input_shape
        if not task.images:
            message = f"is for images, [channels, height, width]; {name} has {list(shape)}"
            problems.add(node, key, message)
        elif isinstance(crop, int) and crop >= min(shape[1:]):
            rule = f"must be smaller than the images of {name}, {list(shape)}, got {crop}"
            problems.add(node.mapping["crop"], child_key(key, "crop"), rule)


def _without_validation(dataset: Choice) -> str:
    """The key of the data set, or of its fallback, that holds nothing out; empty if both do."""
    fallback = dataset.arguments.get("fallback")
    if not dataset.arguments["validation"]:
        return dataset.part.key
    if isinstance(fallback, dict) and not fallback["validation"]:
        return child_key(dataset.part.key, "fallback")
    return ""
