"""What is checked of an optimizer, and what was found, as data: without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from optbench.catalog.candidate import Candidate

Verdict = Literal["works", "fails", "doesn't apply"]
Kind = Literal["dense", "matrices", "sparse"]

CHECKS = (
    "constructs", "learns", "resumes", "repeats", "groups", "schedules", "frozen", "nan", "shapes",
    "sparse", "closure", "modes", "stacks", "cost", "memory",
)  # fmt: skip
NEEDED = ("constructs", "learns", "resumes", "repeats")  # without these it is of no use here


@dataclass
class Subject:
    """What is checked, and what the first checks found out for the others.

    `kind` is the problem that it can be given: an MLP, one without biases, or embeddings with
    sparse gradients; `lr` the learning rate at which it learns, None for its default.
    """

    candidate: Candidate
    kind: Kind = "dense"
    lr: float | None = None


@dataclass(frozen=True)
class Finding:
    """What came of one check: `reason` in a plain sentence, `value` what was measured."""

    check: str
    verdict: Verdict
    reason: str
    value: float | None = None


@dataclass(frozen=True)
class Checked:
    """Everything found about one optimizer; `lr` is the learning rate that it was checked at.

    Checks that could not be tried, since it can't be constructed, are absent.
    """

    candidate: Candidate
    lr: float | None
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether all that optbench needs of it works."""
        working = {finding.check for finding in self.findings if finding.verdict == "works"}
        return working.issuperset(NEEDED)

    def get(self, check: str) -> Finding | None:
        return next((finding for finding in self.findings if finding.check == check), None)
