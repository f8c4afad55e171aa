"""Claims written as text, judged by stored runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stored_runs import load

from optbench.analysis.claims.judge import Case, judge
from optbench.config.claims import Claim, read_claims
from optbench.config.node import Problems
from optbench.config.yaml_source import parse

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.analysis.claims.judgement import Judgement
    from optbench.store.stored_run import StoredRun


def claim_of(text: str) -> Claim:
    problems = Problems()
    (claim,) = read_claims(parse(f"[{text}]", "a.yaml"), problems)
    problems.raise_if_any()
    return claim


def judgements(root: Path, text: str) -> list[Judgement]:
    """On each problem. The selectors are of optimizers and their arguments alone."""
    claim, runs = claim_of(text), load(root)
    ours, theirs = (
        [run for run in runs if side and _fits(run, dict(side))]
        for side in (claim.setting, claim.other)
    )
    return list(judge(Case("an experiment", claim, ours, theirs, runs)))


def judged(root: Path, statement: str, metric: str = "test_accuracy") -> Judgement:
    """What is found of adam; `statement` is all that the claim says beside that and its metric."""
    told = f"metric: {metric}, " if metric else ""
    (judgement,) = judgements(root, f"{{{told}setting: {{optimizer: adam}}, {statement}}}")
    return judgement


def _fits(run: StoredRun, wanted: dict[str, Any]) -> bool:
    optimizer = run.result.config["optimizer"]
    told = {"optimizer": optimizer["name"], **optimizer}
    return all(told.get(key) == value for key, value in wanted.items())
