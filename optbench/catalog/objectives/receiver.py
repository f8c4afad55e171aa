"""What takes the arguments of an objective: its formula, beside x and y."""

from __future__ import annotations

from functools import cache

from optbench.catalog.arguments import Receiver
from optbench.catalog.objectives import OBJECTIVES, RULES
from optbench.catalog.signatures import signature_of


@cache
def objective_receiver(name: str) -> Receiver:
    """The receiver of an objective of the registry."""
    return Receiver(name, signature_of(OBJECTIVES[name].target), RULES, filled=("x", "y"))
