"""Parts of an experiment, as written, to parts resolved: names known, defaults filled in."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from optbench.catalog.arguments import AT_LEAST_ONE, AT_LEAST_ZERO, Receiver, check_arguments
from optbench.catalog.datasets import DATASETS, Source
from optbench.catalog.losses import LOSSES
from optbench.catalog.models import CLASS_PARAMETERS, MODELS, SHAPE_PARAMETERS
from optbench.catalog.optimizers import IMPLEMENTATION, optimizers
from optbench.catalog.optimizers import RULES as OPTIMIZER_RULES
from optbench.catalog.plugins import anchored, is_import_path
from optbench.catalog.schedules import RULES as SCHEDULE_RULES
from optbench.catalog.schedules import ScheduleEntry, schedules
from optbench.catalog.signatures import (
    Parameter,
    Signature,
    SourceNotFoundError,
    signature_of,
)
from optbench.config.extends import named_part
from optbench.config.node import Node, Plain, Problems, child_key
from optbench.config.suggest import did_you_mean
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optbench.catalog.entry import Entry

Arguments = dict[str, Plain]
EntryT = TypeVar("EntryT")

_INTEGER = frozenset({"int"})
_INTEGER_OR_NULL = frozenset({"int", "none"})
_COMMON_DATA = (
    Parameter("train", _INTEGER_OR_NULL),
    Parameter("test", _INTEGER_OR_NULL),
    Parameter("validation", _INTEGER, default=0),
)
_DATA_RULES = {
    "train": AT_LEAST_ONE,
    "test": AT_LEAST_ONE,
    "validation": AT_LEAST_ZERO,
    "features": AT_LEAST_ONE,
    "classes": AT_LEAST_ONE,
}
_MODEL_RULES = {"hidden": AT_LEAST_ONE, "channels": AT_LEAST_ONE}
_TRAINING = Signature(
    "training",
    (
        Parameter("epochs", _INTEGER, default=5),
        Parameter("batch_size", _INTEGER, default=64),
        Parameter("loss", frozenset({"str"}), default="cross_entropy", choices=tuple(LOSSES)),
        Parameter("evaluate_every", frozenset({"mapping", "none"})),
    ),
)
_MAX_EPOCHS = 1_000_000


def resolve_dataset(node: Node, key: str, problems: Problems) -> Arguments:
    """`{name, …}` of a data set; a `fallback` is resolved likewise and kept under its key."""
    entry = _named(node, key, DATASETS, "data set", "datasets", problems)
    if entry is None:
        return {}
    own = data_parameters(str(_name(node)))
    common = tuple(p for p in _COMMON_DATA if p.name not in {q.name for q in own})
    receiver = Receiver(str(_name(node)), Signature("", own + common), _DATA_RULES)
    body = _without(node, "fallback")
    before = len(problems)
    resolved = {"name": _name(node), **check_arguments(body, key, receiver, problems)}
    if len(problems) == before:
        _check_sizes(node, key, resolved, problems)
    if "fallback" in node.mapping:
        resolved["fallback"] = _fallback(node.mapping["fallback"], key, problems)
    return resolved


def source_of(dataset: Mapping[str, object]) -> Source:
    """The source that a resolved data set names, with its own arguments.

    Raises `UsageError` for arguments that it can't do anything with.
    """
    name = str(dataset["name"])
    own = {parameter.name for parameter in data_parameters(name)}
    arguments = {key: value for key, value in dataset.items() if key in own}
    return DATASETS[name].factory(**arguments)


def _check_sizes(node: Node, key: str, dataset: Arguments, problems: Problems) -> None:
    """What is held out and taken must be there to be held out and taken."""
    try:
        source = source_of(dataset)
    except UsageError as error:
        problems.add(node, key, str(error))
        return
    validation = dataset["validation"]
    held_out = validation if isinstance(validation, int) else 0
    limits = {
        "validation": source.train_size - 1,
        "train": source.train_size - held_out,
        "test": source.test_size,
    }
    own = {parameter.name for parameter in data_parameters(str(dataset["name"]))}
    for name, limit in limits.items():
        value = dataset.get(name)
        if name in own or name not in node.mapping:  # a generated set has what is asked for
            continue
        if isinstance(value, int) and value > limit:
            message = f"must be at most {limit:,}, what {dataset['name']} has, got {value:,}"
            problems.add(node.mapping[name], child_key(key, name), message)


def data_parameters(name: str) -> tuple[Parameter, ...]:
    """The arguments that a data set's own factory takes, beside those that all have."""
    factory = DATASETS[name].factory
    if not inspect.signature(factory).parameters:
        return ()
    return signature_of(f"{factory.__module__}:{factory.__name__}").parameters


def _fallback(node: Node, key: str, problems: Problems) -> Arguments:
    path = child_key(key, "fallback")
    node = named_part(node, path)
    if not node.is_mapping or "name" not in node.mapping:
        problems.add(node, path, "must be a name or a mapping with a name")
        return {}
    if "fallback" in node.mapping:
        problems.add_at_key(node, "fallback", path, "a fallback can't have one of its own")
        return {}
    return resolve_dataset(node, path, problems)


def resolve_model(node: Node, key: str, problems: Problems) -> Arguments:
    """`{name, …}` of a model of the catalog or of any torch module by import path."""
    target = _target(node, key, MODELS, "model", "models", problems)
    signature = _signature(target, node, key, problems) if target else None
    if signature is None:
        return {}
    filled = (*SHAPE_PARAMETERS, *CLASS_PARAMETERS)
    title = str(_name(node)).rpartition(":")[2]
    receiver = Receiver(title, signature, _MODEL_RULES, filled=filled)
    return {
        "name": _anchored_name(node),
        **check_arguments(node, key, receiver, problems),
    }


def resolve_optimizer(node: Node, key: str, problems: Problems) -> tuple[Arguments, Arguments]:
    """`{name, …}` of an optimizer, and the arguments that say more than its defaults."""
    entries = optimizers()
    target = _target(node, key, entries, "optimizer", "optimizers", problems)
    signature = _signature(target, node, key, problems) if target else None
    if signature is None:
        return {}, {}
    name = str(_name(node))
    entry = entries.get(name)
    receiver = Receiver(
        title=signature.name,
        signature=signature,
        rules=OPTIMIZER_RULES if entry else {"lr": OPTIMIZER_RULES["lr"]},
        filled=(signature.parameters[0].name,) if signature.parameters else (),
    )
    body = _without(node, "groups")
    values = check_arguments(body, key, receiver, problems)
    if entry is not None:
        missing = {k: v for k, v in entry.preset.items() if k not in node.mapping}
        values |= missing  # type: ignore[arg-type]
    said = _said(values, signature)
    for argument in IMPLEMENTATION:
        if argument in values and argument not in said:
            del values[argument]
    resolved_name = entry.resolves_to if entry is not None else _anchored_name(node)
    if "groups" in node.mapping:
        values["groups"] = _groups(node.mapping["groups"], key, receiver, problems)
        said["groups"] = values["groups"]
    return {"name": resolved_name, **values}, said


def _said(values: Arguments, signature: Signature) -> Arguments:
    """`lr`, and what differs from the signature's default."""
    defaults = {p.name: p.default for p in signature.parameters if not p.required}
    return {
        name: value
        for name, value in values.items()
        if name == "lr" or name not in defaults or value != defaults[name]
    }


def _groups(node: Node, key: str, receiver: Receiver, problems: Problems) -> list[Plain]:
    """Parameter groups: `[{match: "fc.*", lr: 1e-3}]`, each with arguments of the optimizer."""
    path = child_key(key, "groups")
    if not node.is_sequence:
        problems.add(node, path, f"must be a list of groups, got {node.kind()}")
        return []
    groups: list[Plain] = []
    for item_path, item in node.children(path):
        match = item.mapping.get("match") if item.is_mapping else None
        if match is None or not isinstance(match.value, str) or not match.value:
            rule = 'must be a mapping with a glob on parameter names: {match: "*.bias", …}'
            problems.add(item, item_path, rule)
            continue
        body = _without(item, "match")
        arguments = check_arguments(body, item_path, receiver, problems, partial=True)
        groups.append({"match": match.value, **arguments})
    return groups


def resolve_schedule(node: Node | None, key: str, problems: Problems) -> Arguments:
    """`{name, …}` of a schedule; a horizon left out stays null: the run's own length."""
    if node is None:
        return {"name": "constant"}
    entries = schedules()
    target = _target(node, key, entries, "schedule", "schedules", problems)
    if target is None:
        return {}
    if not target:
        check_arguments(node, key, Receiver("constant", Signature("constant", ()), {}), problems)
        return {"name": "constant"}
    signature = _signature(target, node, key, problems)
    if signature is None:
        return {}
    entry = entries.get(str(_name(node)), ScheduleEntry(target, ""))
    own = entry.target.startswith("optbench.")
    filled = {"optimizer", "last_epoch"} | ({entry.horizon} if own else set())
    receiver = Receiver(
        str(_name(node)).rpartition(":")[2],
        signature,
        SCHEDULE_RULES,
        filled=filled,
        optional=(entry.horizon,),
    )
    values = check_arguments(node, key, receiver, problems)
    if entry.horizon and not own and entry.horizon not in node.mapping:
        values[entry.horizon] = None
    return {"name": _anchored_name(node), **values}


def resolve_training(node: Node, key: str, problems: Problems) -> Arguments:
    """`training:` with its defaults: epochs, batch_size, loss, evaluate_every."""
    rules = {"epochs": AT_LEAST_ONE, "batch_size": AT_LEAST_ONE}
    values = check_arguments(node, key, Receiver("training", _TRAINING, rules), problems)
    epochs = values.get("epochs")
    if isinstance(epochs, int) and epochs > _MAX_EPOCHS:
        problems.add(
            node.mapping["epochs"], child_key(key, "epochs"), f"must be at most {_MAX_EPOCHS:,}"
        )
    if values.get("evaluate_every") is not None:
        _check_every(node.mapping["evaluate_every"], child_key(key, "evaluate_every"), problems)
    return values


def _check_every(node: Node, key: str, problems: Problems) -> None:
    steps = node.mapping.get("steps") if node.is_mapping else None
    value = None if steps is None else steps.value
    if len(node.mapping) != 1 or isinstance(value, bool) or not isinstance(value, int):
        problems.add(node, key, "must be {steps: N}, N a whole number")
    elif value < 1:
        problems.add(node, child_key(key, "steps"), f"must be 1 or greater, got {value}")


def _name(node: Node) -> Plain:
    return node.mapping["name"].plain()


def _anchored_name(node: Node) -> str:
    name = str(_name(node))
    folder = Path(node.mapping["name"].mark.file).parent
    return anchored(name, folder) if is_import_path(name) else name


def _without(node: Node, *names: str) -> Node:
    kept = {key: child for key, child in node.mapping.items() if key not in names}
    return Node(kept, node.mark, node.width, node.key_marks)


def _named(
    node: Node,
    key: str,
    entries: Mapping[str, EntryT],
    noun: str,
    listing: str,
    problems: Problems,
) -> EntryT | None:
    name = node.mapping["name"]
    entry = entries.get(name.value) if isinstance(name.value, str) else None
    if entry is None:
        close = did_you_mean(str(name.value), entries)
        remedy = f"{close}  (optbench list {listing})" if close else f"see: optbench list {listing}"
        path = child_key(key, "name")
        problems.add(name, path, f"unknown {noun} {name.shown()}", remedy)
    return entry


def _target(
    node: Node,
    key: str,
    entries: Mapping[str, Entry],
    noun: str,
    listing: str,
    problems: Problems,
) -> str | None:
    """The import path that a part's name leads to; None where it leads nowhere."""
    name = node.mapping["name"]
    if isinstance(name.value, str) and is_import_path(name.value):
        return _anchored_name(node)
    entry = _named(node, key, entries, noun, listing, problems)
    if entry is not None and entry.refusal:
        message = f"{name.value} can't be used: {entry.refusal}"
        problems.add(name, child_key(key, "name"), message, f"see: optbench list {listing}")
        return None
    return None if entry is None else entry.target


def _signature(target: str, node: Node, key: str, problems: Problems) -> Signature | None:
    try:
        return signature_of(target)
    except SourceNotFoundError as error:
        problems.add(node.mapping["name"], child_key(key, "name"), str(error))
        return None
