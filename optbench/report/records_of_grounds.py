"""The grounds of judged claims for programs, nested, at full precision."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from optbench.analysis.claims.judgement import (
    BoundGrounds,
    BytesGrounds,
    DecadesGrounds,
    DivergenceGrounds,
    PairGrounds,
    SpeedGrounds,
)
from optbench.report.records_of_verdicts import nested_speedup, nested_verdict

if TYPE_CHECKING:
    from optbench.analysis.claims.judgement import Grounds

_KINDS: dict[type[Grounds], str] = {
    PairGrounds: "comparison",
    SpeedGrounds: "speedup",
    BoundGrounds: "bound",
    DivergenceGrounds: "divergence",
    BytesGrounds: "state_bytes",
    DecadesGrounds: "lr_decades",
}


def nested_grounds(grounds: Grounds) -> dict[str, Any]:
    """The fields that docs/verify.md names, and of which kind they are."""
    document = {"kind": _KINDS[type(grounds)], **dataclasses.asdict(grounds)}
    if "metric" in document:
        document["metric"] = document["metric"]["name"]
    if isinstance(grounds, PairGrounds):
        document["verdict"] = nested_verdict(grounds.verdict)
    if isinstance(grounds, SpeedGrounds):
        verdict = document.pop("verdict")  # on the final values, which are not in question
        document |= {"level": verdict["alpha"], "look": verdict["look"]}
        document["hindrance"] = None if verdict["decision"] else verdict["why"]
        document["speedup"] = nested_speedup(grounds.speedup)
    return document
