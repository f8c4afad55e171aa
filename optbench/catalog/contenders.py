"""The optimizers of a trajectory file: checked as an experiment's are, each with a short label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.catalog.optimizers import optimizers
from optbench.catalog.plugins import content_hash, is_import_path
from optbench.catalog.resolve import resolve_optimizer
from optbench.config.schema import Part, read_part
from optbench.config.spaces import count, expand, tuning_spaces
from optbench.config.spec import Setting, display_name, format_value, short_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optbench.catalog.arguments import Arguments
    from optbench.config.node import Node, Plain, Problems

_UNFIT = {
    "muon": "steps matrices, and a point is none",
    "sparseadam": "takes only sparse gradients, and a point's is dense",
}
MOST_PATHS = 24  # more than these nobody tells apart


@dataclass(frozen=True)
class Contender:
    """One optimizer: what a legend calls it, the optimizer it is drawn as, and its setting."""

    label: str
    family: str
    setting: Setting


def contenders(node: Node, lr: Plain, problems: Problems) -> tuple[Contender, ...]:
    """All points of all items under `optimizer`; `lr` is for those that name none.

    Labels hold what tells the optimizers apart. Mistakes are noted.
    """
    before = len(problems)
    parts = list(_parts(node, problems))
    if not parts and len(problems) == before:
        problems.add(node, "optimizer", "must name at least one")
    total = sum(count(part.node) for part in parts)
    if total > MOST_PATHS:
        message = f"expands to {total:,} paths; at most {MOST_PATHS} are drawn"
        problems.add(node, "optimizer", message, "take fewer points")
        return ()
    found = [
        _chosen(Part(part.key, point), lr, problems)
        for part in parts
        for point in expand(part.node)
    ]
    if len(problems) > before:
        return ()
    return _labelled({format_value(dict(one.setting.optimizer)): one for one in found}.values())


def _parts(node: Node, problems: Problems) -> Iterator[Part]:
    items = list(node.children("optimizer")) if node.is_sequence else [("optimizer", node)]
    for key, item in items:
        part = read_part(item, key, problems)
        if part is None:
            continue
        for path, space in tuning_spaces(part.node, key):
            problems.add(space, path, "is a range for tuning", "write a number, or {grid: […]}")
        yield part


@dataclass(frozen=True)
class _Choice:
    """A setting, the name it goes by, and what its file says beyond what that name means."""

    name: str
    family: str
    said: dict[str, object]
    setting: Setting


def _chosen(part: Part, lr: Plain, problems: Problems) -> _Choice:
    resolved, said = resolve_optimizer(part.node, part.key, problems)
    if "lr" in resolved and "lr" not in part.node.mapping:
        resolved["lr"] = said["lr"] = lr
    name = str(resolved.get("name", ""))
    written = str(part.node.mapping["name"].value)
    if name in _UNFIT:
        problems.add(part.node.mapping["name"], f"{part.key}.name", f"{name} {_UNFIT[name]}")
    entry = optimizers().get(written)
    if entry is not None and entry.preset.items() <= resolved.items():
        name, said = written, {k: v for k, v in said.items() if k not in entry.preset}
    return _Choice(display_name(name), _family(resolved), dict(said), _setting(part, resolved))


def _family(resolved: Arguments) -> str:
    """The special case that it is, or the optimizer's own name."""
    special = (n for n, entry in optimizers().items() if resolved and entry.covers(resolved))
    return next(special, display_name(str(resolved.get("name", ""))))


def _setting(part: Part, resolved: Arguments) -> Setting:
    """As an experiment would have it, on a model that is one point of the plane."""
    name = str(resolved.get("name", ""))
    plugin = content_hash(name) if is_import_path(name) else None
    return Setting(
        dataset={},
        model={"name": "position"},
        optimizer=resolved,
        schedule={"name": "constant"},
        training={},
        hyperparameters=(),
        plugins={name: plugin} if plugin else {},
        written={"optimizer": part},
    )


def _labelled(choices: Iterable[_Choice]) -> tuple[Contender, ...]:
    """What all of them share, such as the learning rate, is in no label."""
    every = list(choices)
    shared = {"lr"} if len({format_value(one.said.get("lr")) for one in every}) == 1 else set()
    return tuple(
        Contender(
            " ".join([one.name, *(f"{k}={short_value(v)}" for k, v in _told(one.said, shared))]),
            one.family,
            one.setting,
        )
        for one in every
    )


def _told(said: dict[str, object], shared: set[str]) -> list[tuple[str, object]]:
    """`lr` first."""
    told = [(name, value) for name, value in said.items() if name not in shared]
    return sorted(told, key=lambda item: item[0] != "lr")
