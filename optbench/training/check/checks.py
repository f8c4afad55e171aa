"""All checks by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optbench.errors import FOREIGN
from optbench.training.check.closures import closure
from optbench.training.check.company import stacks
from optbench.training.check.construction import constructs
from optbench.training.check.cost import cost, memory
from optbench.training.check.finding import Finding
from optbench.training.check.gradients import nan, shapes, sparse
from optbench.training.check.learning import learns
from optbench.training.check.parameters import frozen, groups, modes, schedules
from optbench.training.check.state import repeats, resumes
from optbench.training.check.trial import said
from optbench.training.device import reproducible, restore_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from optbench.training.check.finding import Subject

FUNCTIONS: dict[str, Callable[[Subject], Finding]] = {
    check.__name__: check
    for check in (
        constructs, learns, resumes, repeats, groups, schedules, frozen, nan, shapes, sparse,
        closure, modes, stacks, cost, memory,
    )
}  # fmt: skip


def run_checks(subject: Subject, names: Sequence[str]) -> Iterator[Finding]:
    """What each of these checks finds; the first two settle the subject for the others.

    Nothing more is checked of one that can't be made.
    """
    with reproducible(torch.device("cpu")):
        for name in names:
            try:
                finding = FUNCTIONS[name](subject)
            except FOREIGN as error:
                finding = Finding(name, "fails", f"raises {said(error)}")
            restore_settings()
            yield finding
            if name == "constructs" and finding.verdict == "fails":
                return
