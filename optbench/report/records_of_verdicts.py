"""Verdicts and speedups for programs, flat and nested, at full precision."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optbench.analysis.interval import Estimate
    from optbench.analysis.speedup import Speedup
    from optbench.analysis.statistics.wilson import Share
    from optbench.analysis.verdict import Verdict
    from optbench.report.table import Value


def nested_verdict(verdict: Verdict | None) -> dict[str, Any] | None:
    """The fields of a verdict as docs/formats.md names them."""
    if verdict is None:
        return None
    document = dataclasses.asdict(verdict)
    document["comparisons"] = document.pop("m")
    document["p_better"] = document.pop("share")
    return document


def nested_speedup(found: Speedup | None) -> dict[str, Any] | None:
    """The fields of a speedup; how many of each got there under the settings' roles."""
    if found is None:
        return None
    document = dataclasses.asdict(found)
    document["reached"], document["reference_reached"] = document.pop("a"), document.pop("b")
    return document


def flat_verdict(verdict: Verdict | None) -> dict[str, Value]:
    """The columns of a verdict in a record a setting."""
    if verdict is None:
        return {}
    return {
        "verdict": verdict.decision,
        "verdict_why": verdict.why,
        "verdict_test": verdict.test,
        "verdict_n": verdict.n,
        "verdict_p": verdict.p,
        "verdict_alpha": verdict.alpha,
        "verdict_level": verdict.level,
        "verdict_look": verdict.look,
        "verdict_comparisons": verdict.m,
        **_interval("verdict_difference", verdict.interval),
        **_interval("verdict_ratio", verdict.ratio),
        **_share(verdict.share),
        "equivalent": verdict.equivalent,
        "shown": verdict.shown,
        "seeds_far": verdict.seeds_far,
        "seeds_seen": verdict.seeds_seen,
    }


def flat_speedup(found: Speedup | None) -> dict[str, Value]:
    """The columns of a speedup in a record a setting."""
    if found is None:
        return {}
    return {
        "speedup": found.ratio,
        "speedup_low": found.low,
        "speedup_high": found.high,
        "speedup_n": found.n,
        "speedup_dropped": found.dropped,
        "speedup_p": found.p,
        "speedup_unit": found.unit,
    }


def _interval(name: str, estimate: Estimate | None) -> dict[str, Value]:
    if estimate is None or not estimate.n:
        return {}
    return {name: estimate.mean, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _share(share: Share | None) -> dict[str, Value]:
    if share is None:
        return {}
    return {"p_better": share.share, "p_better_low": share.low, "p_better_high": share.high}
