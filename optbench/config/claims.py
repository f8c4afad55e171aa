"""`expect:` in an experiment: claims, in structured YAML, that `optbench verify` is to judge."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from optbench.config.keys import check_keys
from optbench.config.metrics import metric_columns
from optbench.config.node import Node, Problems, Scalar, child_key
from optbench.config.suggest import did_you_mean, did_you_mean_metric, truth_meant

if TYPE_CHECKING:
    from collections.abc import Callable

Verdict = Literal["supported", "refuted", "undecided"]
VERDICTS = ("supported", "refuted", "undecided")
MEASURES = ("distance", "regret", "x", "y")  # columns that landscapes add to metrics.csv
METRICS = (
    "train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy",
    "state_bytes", "lr_decades", *MEASURES,
)  # fmt: skip
# What a claim says of its setting; exactly one of them makes a claim.
WITH_MARGIN = ("equivalent_to", "not_worse_than")
COMPARISONS = ("better_than", "worse_than", *WITH_MARGIN, "faster_than")
BOUNDS = ("at_least", "at_most")
STATEMENTS = (*COMPARISONS, *BOUNDS, "diverges")
KEYS = ("claim", "metric", "setting", *STATEMENTS, "margin", "target", "ratio", "within", "verdict")


@dataclass(frozen=True)
class Claim:
    """One claim. `setting` and `other` choose settings by name and hyperparameters.

    `statement` is one of `STATEMENTS`; `bound` belongs to at_least and at_most, `margin` to
    equivalent_to and not_worse_than (in the metric's unit), `target` and `ratio` to faster_than
    (time to target, at most 1/ratio of the other's steps), `within` to the metric lr_decades,
    `diverges` to itself.
    """

    key: str
    node: Node = field(compare=False, repr=False)
    statement: str
    setting: tuple[tuple[str, Scalar], ...]
    other: tuple[tuple[str, Scalar], ...] = ()
    metric: str = ""
    text: str = ""
    bound: float | None = None
    margin: float | None = None
    target: float | None = None
    ratio: float = 1.0
    within: float | None = None
    diverges: bool | None = None
    verdict: Verdict = "supported"


_WITHOUT_EPOCHS = ("state_bytes", "lr_decades")  # metrics that no evaluation measures
LARGEST_RATIO = 1_000_000  # of steps; no run has so many that more could be seen

# Keys of one kind of claim: what that is called, and whether a claim is one.
_OWNERS: dict[str, tuple[str, Callable[[Claim], bool]]] = {
    "metric": ("comparisons and bounds", lambda claim: claim.statement != "diverges"),
    "margin": (" and ".join(WITH_MARGIN), lambda claim: claim.statement in WITH_MARGIN),
    "target": ("faster_than", lambda claim: claim.statement == "faster_than"),
    "ratio": ("faster_than", lambda claim: claim.statement == "faster_than"),
    "within": ("the metric lr_decades", lambda claim: claim.metric == "lr_decades"),
}


def read_claims(node: Node, problems: Problems, metrics: tuple[str, ...] = ()) -> tuple[Claim, ...]:
    """Every claim under `expect`, noting what is wrong with each.

    `metrics` are what the experiment has measured beside loss and accuracy.
    """
    known = (*METRICS, *metric_columns(metrics))
    if not node.is_sequence:
        problems.add(node, "expect", f"must be a list of claims, got {node.shown()}")
        return ()
    items = node.children("expect")
    claims = [_ClaimReader(item, key, problems, known).read() for key, item in items]
    return tuple(claim for claim in claims if claim is not None)


class _ClaimReader:
    def __init__(self, node: Node, key: str, problems: Problems, metrics: tuple[str, ...]) -> None:
        self.node, self.key, self.problems, self.metrics = node, key, problems, metrics
        self.found: set[str] = set()  # keys that are there, if only misspelled

    def read(self) -> Claim | None:
        if not self.node.is_mapping:
            got = self.node.shown()
            self.problems.add(self.node, self.key, f"a claim must be a mapping, got {got}")
            return None
        before = len(self.problems)
        self.found = check_keys(self.node, self.key, KEYS, self.problems)
        statement = self._statement()
        claim = Claim(
            key=self.key,
            node=self.node,
            statement=statement,
            setting=self._where("setting", required=True),
            other=self._where(statement) if statement in COMPARISONS else (),
            metric=self._choice("metric", self.metrics, required=statement not in ("diverges", "")),
            text=self._text("claim"),
            bound=self._number(statement) if statement in BOUNDS else None,
            margin=self._number("margin", positive=True),
            target=self._number("target"),
            ratio=self._number("ratio", positive=True) or 1.0,
            within=self._number("within", positive=True),
            diverges=self._flag("diverges"),
            verdict=self._choice("verdict", VERDICTS) or "supported",  # type: ignore[arg-type]
        )
        self._check_together(claim)
        self._check_values(claim)
        return claim if len(self.problems) == before else None

    def _statement(self) -> str:
        found = [name for name in STATEMENTS if name in self.found]
        if len(found) == 1:
            return found[0]
        got = f"got {' and '.join(found)}" if found else "got none"
        rule = f"a claim makes one statement: {', '.join(STATEMENTS)}"
        self.problems.add(self.node, self.key, f"{rule}; {got}")
        return ""

    def _check_together(self, claim: Claim) -> None:
        """Keys that belong to one kind of claim only; most must be there for it."""
        for name, (owner, belongs) in _OWNERS.items():
            key = child_key(self.key, name)
            if not claim.statement:
                continue
            need = "need" if " and " in owner else "needs"
            if belongs(claim) and name not in self.found and name not in ("metric", "ratio"):
                self.problems.add(self.node, key, "is missing", f"{owner} {need} it: {name}: …")
            if not belongs(claim) and name in self.node.mapping:
                message = f"belongs to {owner} only"
                self.problems.add_at_key(self.node, name, key, message, "leave it out")

    def _check_values(self, claim: Claim) -> None:
        """What the metric asks of the statement and its numbers."""
        if claim.statement == "faster_than" and claim.metric in _WITHOUT_EPOCHS:
            message = f"{claim.metric} is no value that training reaches"
            remedy = f"one of {', '.join(m for m in self.metrics if m not in _WITHOUT_EPOCHS)}"
            self.problems.add(self.node.mapping["metric"], f"{self.key}.metric", message, remedy)
        if claim.ratio > LARGEST_RATIO:
            node = self.node.mapping["ratio"]
            message = f"must be at most {LARGEST_RATIO:,}, got {node.shown()}"
            self.problems.add(node, f"{self.key}.ratio", message)
        if claim.metric in _WITHOUT_EPOCHS and claim.bound is not None and claim.bound < 0:
            node, key = self.node.mapping[claim.statement], child_key(self.key, claim.statement)
            self.problems.add(node, key, f"of {claim.metric} is never below 0, got {node.shown()}")
        if not claim.metric.endswith("_accuracy"):
            return
        numbers = {claim.statement: claim.bound, "target": claim.target, "margin": claim.margin}
        for name, number in numbers.items():
            if number is not None and not 0 <= number <= 1:
                node, key = self.node.mapping[name], child_key(self.key, name)
                message = f"of an accuracy must be between 0 and 1, got {node.shown()}"
                hint = f"did you mean {number / 100:g}?" if 1 < number <= 100 else ""
                self.problems.add(node, key, message, hint)

    def _where(self, name: str, *, required: bool = False) -> tuple[tuple[str, Scalar], ...]:
        node, key = self.node.mapping.get(name), child_key(self.key, name)
        if node is None:
            if required and name not in self.found:
                self.problems.add(self.node, key, "is missing", f"{name}: {{optimizer: adam}}")
            return ()
        if not node.is_mapping or not node.mapping:
            rule = "must be a mapping such as {optimizer: adam, lr: 1e-3}"
            got = "an empty one" if node.is_mapping else node.shown()
            self.problems.add(node, key, f"{rule}, got {got}")
            return ()
        for path, item in node.children(key):
            if not item.is_scalar:
                self.problems.add(item, path, f"must be one value, got {item.kind()}")
        return tuple((k, v.value) for k, v in node.mapping.items() if v.is_scalar)  # type: ignore[misc]

    def _number(self, name: str, *, positive: bool = False) -> float | None:
        node = self.node.mapping.get(name)
        if node is None:
            return None
        value = math.nan if isinstance(node.value, bool) else node.value
        if isinstance(value, int | float) and math.isfinite(value) and (value > 0 or not positive):
            return float(value)
        rule = "must be a number greater than 0" if positive else "must be a finite number"
        self.problems.add(node, child_key(self.key, name), f"{rule}, got {node.shown()}")
        return None

    def _choice(self, name: str, known: tuple[str, ...], *, required: bool = False) -> str:
        node, key = self.node.mapping.get(name), child_key(self.key, name)
        if node is None:
            if required and name not in self.found:
                self.problems.add(self.node, key, "is missing", f"one of {', '.join(known)}")
            return ""
        if not isinstance(node.value, str):
            self.problems.add(node, key, f"must be one of {', '.join(known)}, got {node.shown()}")
        elif node.value not in known:
            suggest = did_you_mean_metric if name == "metric" else did_you_mean
            remedy = suggest(node.value, known) or f"one of {', '.join(known)}"
            self.problems.add(node, key, f"unknown {name} {node.shown()}", remedy)
        return str(node.value)

    def _text(self, name: str) -> str:
        """In one line, however YAML folded it."""
        node = self.node.mapping.get(name)
        if node is not None and not isinstance(node.value, str):
            key = child_key(self.key, name)
            self.problems.add(node, key, f"must be text, got {node.shown()}")
        return "" if node is None else " ".join(str(node.value).split())

    def _flag(self, name: str) -> bool | None:
        node = self.node.mapping.get(name)
        if node is None:
            return None
        if not isinstance(node.value, bool):
            key, remedy = child_key(self.key, name), truth_meant(node.value)
            self.problems.add(node, key, f"must be true or false, got {node.shown()}", remedy)
            return None
        return node.value
