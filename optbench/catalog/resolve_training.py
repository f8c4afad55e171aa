"""`training:` of an experiment, as written, to what it holds with its defaults."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from optbench.catalog.arguments import check_arguments
from optbench.catalog.losses import LOSSES
from optbench.catalog.metrics import METRICS
from optbench.catalog.naming import Kind, receiver_of, target_of, without
from optbench.catalog.plugins import is_import_path
from optbench.catalog.receivers import (
    AUGMENT,
    AVERAGES,
    EVERY,
    LATER_TRAINING,
    TRAINING,
    function_receiver,
    without_later,
)
from optbench.catalog.remedies import written
from optbench.config.metrics import QUANTITIES, metric_name
from optbench.config.node import Node, Plain, Problems, child_key
from optbench.config.schema import read_part
from optbench.config.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optbench.catalog.arguments import Arguments
    from optbench.catalog.entry import Entry


_LOSS = Kind("a loss", "losses")
_METRIC = Kind("a metric", "metrics")


def resolve_training(node: Node, key: str, problems: Problems) -> Arguments:
    """`training:` with its defaults."""
    values = check_arguments(node, key, TRAINING, problems)
    loss = node.mapping.get("loss")
    if loss is not None and loss.value is not None:
        values["loss"] = _function(loss, child_key(key, "loss"), LOSSES, _LOSS, problems)
    if "metrics" in node.mapping:
        path = child_key(key, "metrics")
        values["metrics"] = _metrics(node.mapping["metrics"], path, problems)
    for name in ("evaluate_every", "checkpoint_every"):
        every = node.mapping.get(name)
        if every is not None and every.value is not None:
            values[name] = _every(every, child_key(key, name), problems)
    average = node.mapping.get("average")
    if average is not None and average.value is not None:
        values["average"] = _average(average, child_key(key, "average"), problems)
    augment = node.mapping.get("augment")
    if augment is not None and augment.value is not None:
        values["augment"] = _augment(augment, child_key(key, "augment"), problems)
    return without_later(values, LATER_TRAINING)


def _metrics(node: Node, key: str, problems: Problems) -> list[Plain]:
    """A list of them, each of a name of its own: it gives columns theirs."""
    if not node.is_sequence:
        meant = next(iter(METRICS)) if node.value is None else written(node)
        problems.add(node, key, f"must be a list, got {node.shown()}", f"metrics: [{meant}]")
        return []
    found: list[Plain] = []
    for path, item in node.children(key):
        metric = _function(item, path, METRICS, _METRIC, problems)
        name = metric_name(metric)
        if name in QUANTITIES:
            problems.add(item, path, f"there is a test_{name} already", "give it another name")
        elif metric is not None and name in map(metric_name, found):
            problems.add(item, path, f"there is another {name}", "give it another name")
        found.append(metric)
    return found


def _function(
    node: Node, key: str, entries: Mapping[str, Entry], kind: Kind, problems: Problems
) -> Plain:
    """A name of the catalog's, or `{name: ./file.py:Name, …}`."""
    part = read_part(node, key, problems)
    if part is None:
        return None
    name = target_of(part.node, key, entries, kind, problems)
    receiver = receiver_of(function_receiver, name, part.node, key, problems)
    if receiver is None:
        return None
    arguments = check_arguments(without(part.node, "name"), key, receiver, problems)
    return {"name": name, **arguments} if is_import_path(name) else name


def _every(node: Node, key: str, problems: Problems) -> Plain:
    if node.is_mapping:
        receiver = replace(EVERY, title=key.rpartition(".")[2])
        return {**check_arguments(node, key, receiver, problems)}
    problems.add(node, key, f"must be {{steps: N}}, got {node.shown()}", "left out, it is an epoch")
    return None


def _average(node: Node, key: str, problems: Problems) -> Plain:
    """`{name: ema, decay: 0.999}`, or a bare name."""
    part = read_part(node, key, problems)
    if part is None:
        return None
    name = part.node.mapping["name"]
    known = [found for found in AVERAGES if found == name.value]
    if not known:
        message = f"must be one of {', '.join(AVERAGES)}, got {name.shown()}"
        remedy = did_you_mean(str(name.value), AVERAGES)
        problems.add(name, child_key(key, "name"), message, remedy)
        return None
    body = without(part.node, "name")
    return {"name": known[0], **check_arguments(body, key, AVERAGES[known[0]], problems)}


def _augment(node: Node, key: str, problems: Problems) -> Plain:
    """`augment: {flip: true, crop: 4}`, of these what is on; None where neither is."""
    if not node.is_mapping:
        problems.add(node, key, f"must be {{flip: true, crop: N}}, got {node.shown()}")
        return None
    values = check_arguments(node, key, AUGMENT, problems)
    return {name: value for name, value in values.items() if value} or None
