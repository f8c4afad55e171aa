"""`expect:` in an experiment: claims, in structured YAML, that `optbench verify` is to judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from optbench.config.node import Node, Problems, Scalar, child_key
from optbench.config.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

Verdict = Literal["supported", "refuted", "undecided"]
VERDICTS = ("supported", "refuted", "undecided")
METRICS = (
    "train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy",
    "state_bytes", "lr_decades",
)  # fmt: skip
# What a claim says of its setting; exactly one of them makes a claim.
COMPARISONS = ("better_than", "worse_than", "equivalent_to", "faster_than")
BOUNDS = ("at_least", "at_most")
STATEMENTS = (*COMPARISONS, *BOUNDS, "diverges")
KEYS = ("claim", "metric", "setting", *STATEMENTS, "margin", "target", "ratio", "within", "verdict")


@dataclass(frozen=True)
class Claim:
    """One claim. `setting` and `other` choose settings by name and hyperparameters.

    `statement` is one of `STATEMENTS`; `bound` belongs to at_least and at_most, `margin` to
    equivalent_to (in the metric's unit), `target` and `ratio` to faster_than (time to target, at
    most 1/ratio of the other's steps), `within` to the metric lr_decades, `diverges` to itself.
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


def read_claims(node: Node, problems: Problems) -> tuple[Claim, ...]:
    """Every claim under `expect`, noting what is wrong with each."""
    if not node.is_sequence:
        problems.add(node, "expect", f"must be a list of claims, got {node.kind()}")
        return ()
    claims = [_ClaimReader(item, key, problems).read() for key, item in node.children("expect")]
    return tuple(claim for claim in claims if claim is not None)


class _ClaimReader:
    def __init__(self, node: Node, key: str, problems: Problems) -> None:
        self.node, self.key, self.problems = node, key, problems

    def read(self) -> Claim | None:
        if not self.node.is_mapping:
            kind = self.node.kind()
            self.problems.add(self.node, self.key, f"a claim must be a mapping, got {kind}")
            return None
        before = len(self.problems)
        self._check_keys()
        statement = self._statement()
        claim = Claim(
            key=self.key,
            node=self.node,
            statement=statement,
            setting=self._where("setting", required=True),
            other=self._where(statement) if statement in COMPARISONS else (),
            metric=self._choice("metric", METRICS, required=statement not in ("diverges", "")),
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
        return claim if len(self.problems) == before else None

    def _check_keys(self) -> None:
        for name in self.node.mapping:
            if name not in KEYS:
                remedy = did_you_mean(name, KEYS) or f"known keys: {', '.join(KEYS)}"
                self.problems.add_at_key(
                    self.node, name, child_key(self.key, name), "unknown key", remedy
                )

    def _statement(self) -> str:
        found = [name for name in STATEMENTS if name in self.node.mapping]
        if len(found) == 1:
            return found[0]
        got = f"got {' and '.join(found)}" if found else "got none"
        rule = f"a claim makes one statement: {', '.join(STATEMENTS)}"
        self.problems.add(self.node, self.key, f"{rule}; {got}")
        return ""

    def _check_together(self, claim: Claim) -> None:
        """Keys that belong to one statement only, and must be there for it."""
        needs: dict[str, Callable[[Claim], bool]] = {
            "margin": lambda c: c.statement == "equivalent_to",
            "target": lambda c: c.statement == "faster_than",
            "within": lambda c: c.metric == "lr_decades",
        }
        for name, belongs in needs.items():
            present = name in self.node.mapping
            if claim.statement and belongs(claim) and not present:
                self.problems.add(self.node, child_key(self.key, name), "is missing")
            if claim.statement and present and not belongs(claim):
                message = f"says nothing about {claim.statement}"
                self.problems.add_at_key(
                    self.node, name, child_key(self.key, name), message, "leave it out"
                )
        if "ratio" in self.node.mapping and claim.statement not in ("faster_than", ""):
            key = child_key(self.key, "ratio")
            self.problems.add_at_key(self.node, "ratio", key, "belongs to faster_than")

    def _where(self, name: str, *, required: bool = False) -> tuple[tuple[str, Scalar], ...]:
        node, key = self.node.mapping.get(name), child_key(self.key, name)
        if node is None:
            if required:
                self.problems.add(self.node, key, "is missing", f"{name}: {{optimizer: adam}}")
            return ()
        if not node.is_mapping or not node.mapping:
            rule = "must be a mapping such as {optimizer: adam, lr: 1e-3}"
            self.problems.add(node, key, f"{rule}, got {node.kind()}")
            return ()
        for path, item in node.children(key):
            if not item.is_scalar:
                self.problems.add(item, path, f"must be one value, got {item.kind()}")
        return tuple((k, v.value) for k, v in node.mapping.items() if v.is_scalar)  # type: ignore[misc]

    def _number(self, name: str, *, positive: bool = False) -> float | None:
        node = self.node.mapping.get(name)
        if node is None:
            return None
        value = node.value
        finite = (
            isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
        )
        if not finite or (positive and float(value) <= 0):  # type: ignore[arg-type]
            rule = "must be a number greater than 0" if positive else "must be a finite number"
            key = child_key(self.key, name)
            self.problems.add(node, key, f"{rule}, got {node.shown()}")
            return None
        return float(value)  # type: ignore[arg-type]

    def _choice(self, name: str, known: tuple[str, ...], *, required: bool = False) -> str:
        node, key = self.node.mapping.get(name), child_key(self.key, name)
        if node is None:
            if required:
                self.problems.add(self.node, key, "is missing", f"one of {', '.join(known)}")
            return ""
        if node.value not in known:
            remedy = did_you_mean(str(node.value), known) or f"one of {', '.join(known)}"
            self.problems.add(node, key, f"unknown {name} {node.shown()}", remedy)
            return ""
        return str(node.value)

    def _text(self, name: str) -> str:
        node = self.node.mapping.get(name)
        if node is not None and not isinstance(node.value, str):
            key = child_key(self.key, name)
            self.problems.add(node, key, f"must be text, got {node.kind()}")
        return "" if node is None else str(node.value)

    def _flag(self, name: str) -> bool | None:
        node = self.node.mapping.get(name)
        if node is None:
            return None
        if not isinstance(node.value, bool):
            key = child_key(self.key, name)
            self.problems.add(node, key, f"must be true or false, got {node.shown()}")
            return None
        return node.value
