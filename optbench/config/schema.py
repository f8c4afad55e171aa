"""The experiment file's own structure: which keys there are and what stands under them.

Names and arguments of data sets, models, optimizers and schedules are the catalog's to judge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.config.claims import Claim, read_claims
from optbench.config.extends import named_part
from optbench.config.indentation import note_lost_indentation
from optbench.config.keys import check_keys
from optbench.config.metrics import names_in
from optbench.config.names import NAME_RULE, is_name
from optbench.config.node import Node, Problems, shown_text
from optbench.config.seeds import read_seeds
from optbench.config.spaces import check_spaces, space_kind
from optbench.config.tuning import Tuning, read_tuning

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("dataset", "model", "optimizer", "schedule")
REQUIRED = ("dataset", "model", "optimizer")
KEYS = ("name", *PARTS, "training", "seeds", "tuning", "device", "expect")
# Arguments that people write at the top, by what takes them; an optimizer's are the usual ones.
_ARGUMENTS = {
    "dataset": ("validation", "fallback", "normalize"),
    "model": ("hidden", "activation", "dropout"),
    "optimizer": ("lr", "betas", "momentum", "weight_decay", "eps"),
    "training": (
        "epochs",
        "batch_size",
        "loss",
        "evaluate_every",
        "clip_norm",
        "compile",
        "accumulate",
        "freeze",
        "label_smoothing",
        "average",
        "augment",
        "dtype",
        "amp",
        "metrics",
    ),
    "tuning": ("trials", "sampler", "pruner", "objective"),
}
_ELSEWHERE = {
    "learning_rate": "optimizer.lr",
    **{name: f"{part}.{name}" for part, names in _ARGUMENTS.items() for name in names},
}
DEVICE = re.compile(r"auto|cpu|mps|cuda|cuda:\d{1,3}", re.ASCII)
DEVICE_RULE = "must be auto, cpu, cuda, cuda:N or mps"


@dataclass(frozen=True)
class Part:
    """One item under `dataset`, `model`, `optimizer`, `schedule` or `training`, and its path."""

    key: str
    node: Node


@dataclass(frozen=True)
class Document:
    """A file whose structure is right, as far as it is: parts with mistakes are left out."""

    file: Path
    name: str
    datasets: tuple[Part, ...]
    models: tuple[Part, ...]
    optimizers: tuple[Part, ...]
    schedules: tuple[Part, ...]
    training: Part
    seeds: tuple[int, ...]
    device: str
    claims: tuple[Claim, ...]
    tuning: Tuning


def read_document(root: Node, file: Path, problems: Problems) -> Document:
    """Check the top level of an experiment and sort it into parts, noting every mistake."""
    if not root.is_mapping:
        problems.add(root, "", f"an experiment must be a mapping, got {root.kind()}")
        problems.raise_if_any()
    written = root.mapping
    root = note_lost_indentation(root, (*PARTS, "training"), KEYS, problems)
    top = root.mapping
    found = check_keys(root, "", KEYS, problems, _ELSEWHERE)
    for key in REQUIRED:
        if key not in found and key not in written:
            problems.add(root.mark, key, "is missing", f"add a line '{key}: …'")
    metrics = names_in(top.get("training"))
    return Document(
        file=file,
        name=_name(top.get("name"), root, file, problems),
        datasets=_parts(top.get("dataset"), "dataset", problems),
        models=_parts(top.get("model"), "model", problems),
        optimizers=_parts(top.get("optimizer"), "optimizer", problems),
        schedules=_parts(top.get("schedule"), "schedule", problems),
        training=_training(top.get("training"), root, problems),
        seeds=read_seeds(top["seeds"], problems) if "seeds" in top else (0,),
        device=_device(top.get("device"), problems),
        claims=read_claims(top["expect"], problems, metrics) if "expect" in top else (),
        tuning=read_tuning(top["tuning"], problems, metrics) if "tuning" in top else Tuning(),
    )


def _name(node: Node | None, root: Node, file: Path, problems: Problems) -> str:
    if node is None:
        if not is_name(file.stem):
            shown = shown_text(file.stem)
            message = f"the file's name gives the experiment's, which {NAME_RULE}, got {shown}"
            problems.add(root.mark, "name", message, "add a line 'name: …'")
        return file.stem
    if not isinstance(node.value, str):
        remedy = "put it in quotes" if node.is_scalar and node.value is not None else ""
        problems.add(node, "name", f"must be text, got {node.shown()}", remedy)
    elif not is_name(node.value):
        problems.add(node, "name", f"{NAME_RULE}, got {node.shown()}")
    return str(node.value)


def _device(node: Node | None, problems: Problems) -> str:
    if node is None:
        return "auto"
    if not isinstance(node.value, str) or not DEVICE.fullmatch(node.value):
        problems.add(node, "device", f"{DEVICE_RULE}, got {node.shown()}")
        return "auto"
    return node.value


def _parts(node: Node | None, key: str, problems: Problems) -> tuple[Part, ...]:
    if node is None:
        return ()
    if node.is_sequence:
        if not node.sequence:
            problems.add(node, key, "must name at least one")
        items = [read_part(item, path, problems) for path, item in node.children(key)]
    else:
        items = [read_part(node, key, problems)]
    return tuple(item for item in items if item is not None)


def read_part(node: Node, key: str, problems: Problems) -> Part | None:
    """A part that has a name; a bare name stands for a mapping with that name."""
    node = named_part(node, key)
    if not node.is_mapping:
        problems.add(node, key, f"must be a name or a mapping with a name, got {node.shown()}")
        return None
    if "name" not in node.mapping:
        noun = key.rpartition(".")[2].split("[")[0]
        problems.add(node, key, "has no name", f"{noun}: {{name: …}}")
        return None
    return Part(key, node) if _spaces_hold(node, key, problems) else None


def _training(node: Node | None, root: Node, problems: Problems) -> Part:
    if node is None:
        return Part("training", Node({}, root.mark))
    kind = space_kind(node)
    if kind or not node.is_mapping:
        got = f"a {kind}" if kind else node.shown()
        remedy = "a space stands for one value: epochs: {grid: [2, 5]}" if kind else ""
        problems.add(node, "training", f"must be a mapping, got {got}", remedy)
        return Part("training", Node({}, node.mark))
    holds = _spaces_hold(node, "training", problems)
    return Part("training", node if holds else Node({}, node.mark))


def _spaces_hold(node: Node, key: str, problems: Problems) -> bool:
    before = len(problems)
    check_spaces(node, problems, key)
    return len(problems) == before
