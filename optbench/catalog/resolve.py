"""Parts of an experiment, as written, to parts resolved: names known, defaults filled in."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from optbench.catalog.arguments import Arguments, check_arguments
from optbench.catalog.datasets import DATASETS
from optbench.catalog.datasets.plugin_source import plugin_source
from optbench.catalog.models import MODELS, torchvision_models
from optbench.catalog.naming import (
    Kind,
    entry_named,
    name_of,
    receiver_of,
    target_of,
    without,
)
from optbench.catalog.optimizers import IMPLEMENTATION, optimizers
from optbench.catalog.places import PATHS_START, beside, folder_of
from optbench.catalog.plugins import anchored, is_import_path
from optbench.catalog.receivers import (
    COMMON_DATA,
    LATER_DATA,
    data_parameters,
    dataset_receiver,
    model_receiver,
    normalization_receiver,
    optimizer_receiver,
    schedule_receiver,
    without_later,
)
from optbench.catalog.schedules import refused_schedules, schedules
from optbench.catalog.signatures import visible_bases
from optbench.catalog.unknown import remedy_for_name
from optbench.catalog.weights import START, resolve_start
from optbench.config.node import Node, Plain, Problems, child_key
from optbench.config.schema import read_part
from optbench.config.spec import display_name
from optbench.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optbench.catalog.arguments import Receiver
    from optbench.catalog.datasets import Source
    from optbench.config.spec import Weights

_DATASET = Kind("a data set", "datasets", own=False)
_MODEL = Kind("a model", "models")
_OPTIMIZER = Kind("an optimizer", "optimizers")
_SCHEDULE = Kind("a schedule", "schedules")


def resolve_dataset(node: Node, key: str, problems: Problems) -> Arguments:
    """`{name, …}` of a data set; a `fallback` is resolved likewise and kept under its key.

    So is the name under `instead_of`, which a run's own file has where a fallback stood in.
    """
    name = _dataset_name(node, key, problems)
    receiver = receiver_of(dataset_receiver, name, node, key, problems)
    if receiver is None:
        return {}
    before = len(problems)
    body = without(node, "name", "fallback", "instead_of")
    values = without_later(check_arguments(body, key, receiver, problems), LATER_DATA)
    resolved: Arguments = {"name": name, **values}
    if len(problems) == before and name in DATASETS:
        if "path" in receiver.parameters:
            resolved["path"] = str(beside(node.mapping["path"]))
            if "fallback" not in node.mapping:
                _check_presence(node, key, str(resolved["path"]), problems)
        _check_sizes(node, key, resolved, problems)
    if resolved.get("normalize") is False and "normalize" not in _own_arguments(name):
        del resolved["normalize"]  # it came later, and older runs keep their hashes
    if len(problems) == before and "normalize" in resolved:
        _resolve_normalize(node, key, resolved, problems)
    if "fallback" in node.mapping:
        path = child_key(key, "fallback")
        resolved["fallback"] = _fallback(node.mapping["fallback"], path, name, problems)
    if "instead_of" in node.mapping:
        path = child_key(key, "instead_of")
        resolved["instead_of"] = _asked_for(node.mapping["instead_of"], path, problems)
    return resolved


def _dataset_name(node: Node, key: str, problems: Problems) -> str:
    """A data set's name, or its import path; empty where there is neither."""
    name = node.mapping["name"]
    if isinstance(name.value, str) and is_import_path(name.value):
        return anchored(name.value, folder_of(name))
    return "" if entry_named(node, key, DATASETS, _DATASET, problems) is None else str(name.value)


def source_of(dataset: Mapping[str, object]) -> Source:
    """The source that a resolved data set names, with its own arguments.

    Raises `UsageError` for arguments that it can't do anything with.
    """
    name = str(dataset["name"])
    common = {"name", *COMMON_DATA} - _own_arguments(name)
    arguments = {key: value for key, value in dataset.items() if key not in common}
    if is_import_path(name):
        return plugin_source(name, arguments)
    return DATASETS[name].factory(**arguments)


def _own_arguments(name: str) -> set[str]:
    return {parameter.name for parameter in data_parameters(name)}


def _check_presence(node: Node, key: str, path: str, problems: Problems) -> None:
    """Data of one's own must be there; whether they can be read is told where they are wanted."""
    if not os.path.exists(path):  # noqa: PTH110 (Path's raises for a name that is too long)
        message = f"there is no file or folder {path}"
        problems.add(node.mapping["path"], child_key(key, "path"), message, PATHS_START)


def _check_sizes(node: Node, key: str, dataset: Arguments, problems: Problems) -> None:
    """What is held out and taken must be there to be held out and taken."""
    try:
        source = source_of(dataset)
        limits = {"validation": source.train_size - 1, "test": source.test_size}
    except UsageError as error:
        problems.add(node, key, str(error))
        return
    except DataError:  # said when the data are wanted: a fallback may stand in
        return
    held_out = _whole(dataset["validation"])
    if held_out < source.train_size and "train" not in _own_arguments(str(dataset["name"])):
        limits["train"] = source.train_size - held_out
    for name, limit in limits.items():
        if name in node.mapping and _whole(dataset[name]) > limit:
            sizes = f"{source.train_size:,} training and {source.test_size:,} test examples"
            message = f"must be at most {limit:,}, got {dataset[name]:,}"
            remedy = f"{dataset['name']} has {sizes}"
            problems.add(node.mapping[name], child_key(key, name), message, remedy)


def _resolve_normalize(node: Node, key: str, dataset: Arguments, problems: Problems) -> None:
    """Images alone have channels to normalize; a function of one's own takes any numbers.

    What a data set's own argument means it knows.
    """
    name = str(dataset["name"])
    if "normalize" in _own_arguments(name):
        return
    written, path = node.mapping["normalize"], child_key(key, "normalize")
    own = dataset["normalize"] is not True
    if own:
        dataset["normalize"] = _normalization(written, path, problems)
    with suppress(UsageError, DataError):  # said when the data are wanted
        task = source_of(dataset).task
        shape = f"{display_name(name)} has {list(task.input_shape)}"
        if not own and not task.images:
            message = f"is for images, [channels, height, width]; {shape}"
            problems.add(written, path, message, "normalize: ./file.py:function takes any numbers")
        elif task.vocabulary is not None:
            problems.add(written, path, f"is for numbers; {shape} token ids")


def _normalization(node: Node, key: str, problems: Problems) -> Plain:
    """`{name: ./file.py:function, …}`."""
    name = node.mapping.get("name", node) if node.is_mapping else node
    if not isinstance(name.value, str) or not is_import_path(name.value):
        message = f"must be true, false, or a function's import path, got {name.shown()}"
        problems.add(name, key, message, "normalize: ./file.py:function")
        return False
    part = read_part(node, key, problems)
    if part is None:
        return False
    target = anchored(name.value, folder_of(name))
    receiver = receiver_of(normalization_receiver, target, part.node, key, problems)
    if receiver is None:
        return False
    arguments = check_arguments(without(part.node, "name"), key, receiver, problems)
    return {"name": target, **arguments}


def _whole(value: Plain) -> int:
    return value if isinstance(value, int) else 0


def _asked_for(node: Node, key: str, problems: Problems) -> str | None:
    """The name of the data set in whose place another is."""
    if isinstance(node.value, str) and node.value in DATASETS:
        return node.value
    remedy = remedy_for_name(str(node.value), tuple(DATASETS), _DATASET.listing)
    problems.add(node, key, f"unknown data set {node.shown()}", remedy)
    return None


def _fallback(node: Node, key: str, wanted: str, problems: Problems) -> Arguments:
    part = read_part(node, key, problems)
    if part is None:
        return {}
    node = part.node
    if "fallback" in node.mapping:
        path = child_key(key, "fallback")
        message = "a fallback can't have one of its own"
        problems.add_at_key(node, "fallback", path, message, "leave it out")
        return {}
    if name_of(node) == wanted:
        message = f"{wanted} can't stand in for itself"
        problems.add(node.mapping["name"], child_key(key, "name"), message)
        return {}
    return resolve_dataset(node, key, problems)


def resolve_model(node: Node, key: str, problems: Problems) -> tuple[Arguments, Weights | None]:
    """`{name, …}` of a model of the catalog or of any torch module by import path.

    `weights` and `head` say what it starts from, unless its own constructor takes `weights`.
    """
    written = node.mapping["name"].value
    in_catalog = isinstance(written, str) and written in MODELS
    known = MODELS if in_catalog else MODELS | torchvision_models()
    name = target_of(node, key, known, _MODEL, problems)
    receiver = receiver_of(model_receiver, name, node, key, problems)
    if receiver is None:
        return {}, None
    if "weights" in receiver.parameters:
        return {
            "name": name,
            **check_arguments(without(node, "name"), key, receiver, problems),
        }, None
    arguments = check_arguments(without(node, "name", *START), key, receiver, problems)
    start, weights = resolve_start(node, key, name, problems)
    return {"name": name, **arguments, **start}, weights


def resolve_optimizer(node: Node, key: str, problems: Problems) -> tuple[Arguments, Arguments]:
    """`{name, …}` of an optimizer, and the arguments that say more than its defaults."""
    name, receiver = _optimizer(node, key, problems)
    if receiver is None:
        return {}, {}
    entry = optimizers().get(name)
    resolved_name = entry.resolves_to if entry else name
    values = check_arguments(without(node, "name", "groups"), key, receiver, problems)
    said = _said(values, optimizer_receiver(resolved_name))
    for argument in IMPLEMENTATION:
        if argument in values and argument not in said:
            del values[argument]
    if "groups" in node.mapping:
        path = child_key(key, "groups")
        said["groups"] = _groups(node.mapping["groups"], path, receiver, problems)
        values["groups"] = said["groups"]
    return {"name": resolved_name, **values}, said


def as_written(node: Node, key: str, problems: Problems) -> tuple[Arguments, Receiver | None]:
    """`{name, …}` of an optimizer with the arguments given alone, and what receives them."""
    name, receiver = _optimizer(node, key, problems)
    if receiver is None:
        return {}, None
    entry = optimizers().get(name)
    given = check_arguments(without(node, "name"), key, receiver, problems, partial=True)
    if entry is None:
        return {"name": name, **given}, receiver
    return {"name": entry.resolves_to, **cast("Arguments", entry.preset), **given}, receiver


def _optimizer(node: Node, key: str, problems: Problems) -> tuple[str, Receiver | None]:
    """An optimizer's name or import path, and what receives its arguments; None where unknown."""
    name = target_of(node, key, optimizers(), _OPTIMIZER, problems)
    receiver = receiver_of(optimizer_receiver, name, node, key, problems)
    if receiver is not None and name not in optimizers():
        _check_optimizer_class(name, node.mapping["name"], child_key(key, "name"), problems)
    return name, receiver


def _check_optimizer_class(target: str, node: Node, key: str, problems: Problems) -> None:
    """Note a class that visibly isn't an optimizer; of others only importing them would tell."""
    bases = visible_bases(target, "torch.optim.optimizer:Optimizer")
    if bases is not None:
        name = display_name(target)
        reason = f"it descends from {', '.join(bases)}" if bases else "it has no base class"
        remedy = f"class {name}(torch.optim.Optimizer): …"
        problems.add(node, key, f"{name} is not a torch.optim.Optimizer: {reason}", remedy)


def _said(values: Arguments, receiver: Receiver) -> Arguments:
    """`lr`, and what differs from the receiver's default."""
    defaults = {p.name: p.default for p in receiver.signature.parameters if not p.required}
    return {
        name: value
        for name, value in values.items()
        if name == "lr" or name not in defaults or value != defaults[name]
    }


def _groups(node: Node, key: str, receiver: Receiver, problems: Problems) -> list[Plain]:
    """Parameter groups: `[{match: "fc.*", lr: 1e-3}]`, each with arguments of the optimizer."""
    if not node.is_sequence or not node.sequence:
        got = "an empty list" if node.is_sequence else node.shown()
        remedy = 'groups: [{match: "*.bias", weight_decay: 0}]'
        problems.add(node, key, f"must be a list of groups, got {got}", remedy)
        return []
    groups: list[Plain] = []
    for path, item in node.children(key):
        match = item.mapping.get("match") if item.is_mapping else None
        if match is None or not isinstance(match.value, str) or not match.value:
            rule = 'must be a mapping with a glob on parameter names: {match: "*.bias", …}'
            problems.add(item, path, rule)
            continue
        body = without(item, "match")
        arguments = check_arguments(body, path, receiver, problems, partial=True)
        groups.append({"match": match.value, **arguments})
    return groups


def resolve_schedule(node: Node, key: str, problems: Problems) -> tuple[Arguments, Arguments]:
    """`{name, …}` of a schedule, and the arguments that say more than its defaults.

    A horizon left out stays null: the run's own length.
    """
    entries = {**schedules(), **refused_schedules()}
    name = target_of(node, key, entries, _SCHEDULE, problems)
    receiver = receiver_of(schedule_receiver, name, node, key, problems)
    if receiver is None:
        return {}, {}
    values = check_arguments(without(node, "name"), key, receiver, problems)
    said = _said(values, receiver)
    return {"name": name, **values}, said
