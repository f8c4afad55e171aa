"""From a trajectory file, or an objective's name, to checked paths: what starts where, and how."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from optbench.catalog.annotations import ValueType
from optbench.catalog.arguments import Receiver, check_arguments
from optbench.catalog.contenders import Contender, contenders
from optbench.catalog.objectives import OBJECTIVES, RULES, Objective
from optbench.catalog.objectives.receiver import objective_receiver
from optbench.catalog.rules import AT_LEAST_ZERO, GREATER_THAN_ZERO, Rule
from optbench.catalog.signatures import Parameter, Signature
from optbench.catalog.unknown import remedy_for_name
from optbench.config.extends import resolve as read_with_bases
from optbench.config.keys import check_keys
from optbench.config.node import Node, Plain, Problems, from_plain, shown_text
from optbench.config.overrides import apply
from optbench.config.schema import read_part
from optbench.config.seeds import MAX_SEED
from optbench.config.spec import format_value
from optbench.errors import Mark, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.catalog.arguments import Arguments
    from optbench.catalog.objectives.path import Point

MAX_STEPS = 100_000

# The tutorials' four at the tutorials' learning rate.
DEFAULT_LR = 0.1
_DEFAULT = from_plain(["sgd", "momentum", "rmsprop", "adam"], Mark("the default optimizers"))

_NUMBER = ValueType(frozenset({"float"}))
_INTEGER = ValueType(frozenset({"int"}))
_PAIR = ValueType(frozenset({"list"}), frozenset({"float"}), 2)
_TRAJECTORY = Receiver(
    "a trajectory",
    Signature(
        "trajectory",
        (
            Parameter("start", _PAIR, default=None),
            Parameter("steps", _INTEGER, default=200),
            Parameter("lr", _NUMBER, default=DEFAULT_LR),
            Parameter("noise", _NUMBER, default=0.0),
            Parameter("seed", _INTEGER, default=0),
            Parameter("tolerance", _NUMBER, default=0.01),
            Parameter("window", ValueType(frozenset({"list"})), default=None),
        ),
    ),
    {
        "steps": Rule(f"from 1 to {MAX_STEPS:,}", lambda v: 1 <= v <= MAX_STEPS),
        "lr": GREATER_THAN_ZERO,
        "noise": AT_LEAST_ZERO,
        "seed": Rule(f"from 0 to {MAX_SEED:,}", lambda v: 0 <= v <= MAX_SEED),
        "tolerance": GREATER_THAN_ZERO,
    },
)
_KEYS = ("objective", "optimizer", *_TRAJECTORY.parameters)
_ELSEWHERE = {name: f"objective.{name}" for name in RULES} | {"momentum": "optimizer.momentum"}


@dataclass(frozen=True)
class Trajectories:
    """Optimizers that start at one point of an objective, which is resolved to name and arguments.

    `noise` is the standard deviation of what is added to each component of every gradient, drawn
    from `seed`; within `tolerance` of a minimum counts as there; `window` is what is shown.
    """

    resolved: Arguments
    start: Point
    window: tuple[Point, Point]
    steps: int
    noise: float
    seed: int
    tolerance: float
    contenders: tuple[Contender, ...]

    @property
    def objective(self) -> Objective:
        return OBJECTIVES[str(self.resolved["name"])]

    @property
    def lr(self) -> object:
        """The learning rate that all of them have; None where they differ."""
        rates = {contender.setting.optimizer.get("lr") for contender in self.contenders}
        return rates.pop() if len(rates) == 1 else None


def load_trajectories(what: str, overrides: Sequence[str] = ()) -> Trajectories:
    """Read a trajectory file, or take an objective by its name, and check all of it.

    `overrides` are `key=value` texts. Imports no torch. Raises `ConfigError` with every mistake
    and `UsageError` for what is neither a file nor an objective.
    """
    problems = Problems()
    root = apply(_root(what), list(overrides))
    check_keys(root, "", _KEYS, problems, _ELSEWHERE)
    resolved = _objective(root, problems)
    own = {key: node for key, node in root.mapping.items() if key in _TRAJECTORY.parameters}
    own_node = replace(root, value=own)
    values = check_arguments(own_node, "", _TRAJECTORY, problems)
    found = contenders(root.mapping.get("optimizer", _DEFAULT), values.get("lr"), problems)
    problems.raise_if_any()
    objective = OBJECTIVES[str(resolved["name"])]
    window = _window(own_node, objective, problems)
    start = _start(own_node, objective, window, problems)
    problems.raise_if_any()
    return Trajectories(
        resolved=resolved,
        start=start,
        window=window,
        steps=cast("int", values["steps"]),
        noise=cast("float", values["noise"]),
        seed=cast("int", values["seed"]),
        tolerance=cast("float", values["tolerance"]),
        contenders=found,
    )


def _root(what: str) -> Node:
    """The file's tree, or that of a file that would name the objective and nothing else."""
    if what in OBJECTIVES:
        return from_plain({"objective": what}, Mark(what))
    path = Path(what)
    if path.suffix in (".yaml", ".yml") or path.exists():
        return read_with_bases(path)
    remedy = remedy_for_name(what, tuple(OBJECTIVES), "objectives")
    raise UsageError(f"{shown_text(what)} is neither an objective nor a YAML file; {remedy}")


def _objective(root: Node, problems: Problems) -> Arguments:
    """`{name, …}` of the objective; empty where it is not one."""
    if "objective" not in root.mapping:
        remedy = "add a line 'objective: rosenbrock'  (optbench list objectives)"
        problems.add(root.mark, "objective", "is missing", remedy)
        return {}
    part = read_part(root.mapping["objective"], "objective", problems)
    if part is None:
        return {}
    name = part.node.mapping["name"]
    if name.value not in OBJECTIVES:
        remedy = remedy_for_name(str(name.value), tuple(OBJECTIVES), "objectives")
        problems.add(name, "objective.name", f"unknown objective {name.shown()}", remedy)
        return {}
    body = {key: node for key, node in part.node.mapping.items() if key != "name"}
    receiver = objective_receiver(str(name.value))
    arguments = check_arguments(replace(part.node, value=body), part.key, receiver, problems)
    return {"name": name.value, **arguments}


def _window(node: Node, objective: Objective, problems: Problems) -> tuple[Point, Point]:
    """`[[x0, x1], [y0, y1]]`, each increasing; the objective's own where none is given."""
    given = node.mapping.get("window")
    if given is None or given.value is None:
        return objective.window
    ends = given.plain()
    if not (isinstance(ends, list) and len(ends) == 2 and all(map(_rises, ends))):
        rule = "must be [[x0, x1], [y0, y1]], each from low to high"
        problems.add(given, "window", rule, f"window: {format_value(objective.window)}")
        return objective.window
    (left, right), (low, high) = cast("list[list[float]]", ends)
    return ((float(left), float(right)), (float(low), float(high)))


def _rises(pair: Plain) -> bool:
    match pair:
        case [int() | float() as low, int() | float() as high]:
            return low < high
    return False


def _start(
    node: Node, objective: Objective, window: tuple[Point, Point], problems: Problems
) -> Point:
    """Where the paths begin, inside the window."""
    given = node.mapping.get("start")
    if given is None or given.value is None:
        start = objective.start
    else:
        x, y = cast("list[float]", given.plain())
        start = (float(x), float(y))
    if not all(low <= at <= high for at, (low, high) in zip(start, window, strict=True)):
        rule = f"must be inside the window {format_value(window)}, got {format_value(start)}"
        problems.add(given or node, "start", rule, "start elsewhere, or give a larger window")
    return start
