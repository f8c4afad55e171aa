"""What a model starts from where its weights are not drawn: found and identified, without torch.

A file, the run that left it, or a name that torchvision has for weights of its own.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from optbench.catalog.annotations import ValueType
from optbench.catalog.fitting import check_value
from optbench.catalog.models import PREFIX, weight_addresses
from optbench.catalog.places import beside
from optbench.config.canonical import digest
from optbench.config.node import Node, Plain, Problems, child_key
from optbench.config.spec import Weights
from optbench.errors import StoreError, UsageError
from optbench.store.bounded import sha256_of
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.store.stored_run import StoredRun

START = ("weights", "head")  # the keys of a model
HEADS = ("keep", "new")  # its last layer: from the weights as the rest, or drawn from the seed
RUN_WEIGHTS = "weights.pt"
FOLDER = "torchvision"  # of the data directory
_MOST_NAMED = 3


def resolve_start(
    node: Node, key: str, model: str, problems: Problems
) -> tuple[dict[str, Plain], Weights | None]:
    """`weights` and `head` of a model; nothing where it says neither, or `weights: null`."""
    head, start = node.mapping.get("head"), node.mapping.get("weights")
    kept: Plain = HEADS[0]
    if head is not None:
        type_ = ValueType(frozenset({"str"}), choices=HEADS)
        kept = check_value(head, child_key(key, "head"), type_, None, problems)
        if start is None:
            message = "says what becomes of weights, and none are given"
            problems.add_at_key(node, "head", child_key(key, "head"), message, "weights: FILE")
    if start is None or start.value is None:
        return {}, None
    weights = _find(start, child_key(key, "weights"), model, problems)
    if weights is None:
        return {}, None
    where = str(start.value if weights.address else weights.path)
    return {"weights": where, "head": kept}, weights


def _find(node: Node, key: str, model: str, problems: Problems) -> Weights | None:
    if not isinstance(node.value, str) or not node.value:
        known = ", ".join(weight_addresses(model))
        what = f"a file, a run or one of {known}" if known else "a file or a run"
        problems.add(node, key, f"must name {what}, got {node.shown()}")
        return None
    try:
        return named_weights(model, node.value) or find_weights(beside(node), model)
    except UsageError as error:
        problems.add(node, key, str(error))
    return None


def named_weights(model: str, name: str) -> Weights | None:
    """torchvision's weights of that name for a model, there or not; None where it has none.

    They are identified by their file's name, which holds the beginning of its SHA-256.
    """
    address = weight_addresses(model).get(name)
    if address is None:
        return None
    file = PurePosixPath(urlsplit(address).path).name
    return Weights(Path(FOLDER, file), digest({"torchvision": file}), address)


def find_weights(path: Path, model: str) -> Weights:
    """The weights in a file, in a run directory, or of the only run in an experiment's folder.

    Raises UsageError, whose text completes a line on the path, where there are none.
    """
    if not os.path.exists(path):  # noqa: PTH110  (False too for what can't be a path)
        raise UsageError(f"there is no file or run {path}{_own(model)}")
    try:
        return _of_run(path) if path.is_dir() else Weights(path, sha256_of(path))
    except StoreError as error:
        raise UsageError(str(error)) from error


def _own(model: str) -> str:
    """What torchvision calls its weights for the model, where they may have been meant."""
    known = ", ".join(weight_addresses(model))
    return f"; {model.removeprefix(PREFIX)}'s own are {known}" if known else ""


def _of_run(folder: Path) -> Weights:
    run = _only_run(folder)
    if run.status != "completed":
        raise UsageError(f"{run.path} is {run.status}; only a completed run has weights")
    path = run.path / RUN_WEIGHTS
    content = sha256_of(path)
    if content != run.result.files.get(RUN_WEIGHTS):
        raise UsageError(f"{path} is damaged: its SHA-256 is not the one in result.json")
    return Weights(path, content)


def _only_run(folder: Path) -> StoredRun:
    found = scan(folder)
    if not found.runs:
        raise UsageError(f"{folder} holds no run that can be read: {found.notes[0].message}")
    if len(found.runs) > 1:
        raise UsageError(f"{folder} holds {len(found.runs)} runs; name one: {_listed(found.runs)}")
    return found.runs[0]


def _listed(runs: Sequence[StoredRun]) -> str:
    names = [run.path.name for run in runs[:_MOST_NAMED]]
    return ", ".join(names + ["…"] * (len(runs) > _MOST_NAMED))
