"""Claims against finished runs: supported, refuted or undecided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.claims.bound import divergence, final_value, state_bytes
from optbench.analysis.claims.decades import decades
from optbench.analysis.claims.judgement import Judgement
from optbench.analysis.claims.pair import difference, sooner
from optbench.analysis.selection import criterion, ranked
from optbench.analysis.setting import Setting, group_settings
from optbench.config.claims import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optbench.analysis.claims.judgement import Grounds
    from optbench.config import claims
    from optbench.store.stored_run import StoredRun


@dataclass(frozen=True)
class Case:
    """A claim and the runs that it is about: of its setting, of the other one, and all."""

    experiment: str
    claim: claims.Claim
    ours: Sequence[StoredRun]
    theirs: Sequence[StoredRun]
    everything: Sequence[StoredRun]


def judge(case: Case) -> Iterator[Judgement]:
    """A judgement on each problem that the claim's setting was trained on.

    Of several settings that a claim chooses, the best counts, found on validation as `compare`
    finds it. Divergence, state and learning-rate range are about all of them.
    """
    problems = dict.fromkeys(run.result.problem for run in case.ours)
    for problem in problems:
        yield _judge(_Evidence.of(case, problem), several=len(problems) > 1)


@dataclass(frozen=True)
class _Evidence:
    """A case on one problem."""

    case: Case
    ours: list[Setting]
    theirs: list[Setting]
    everything: list[Setting]

    @classmethod
    def of(cls, case: Case, problem: str) -> _Evidence:
        def settings(runs: Iterable[StoredRun]) -> list[Setting]:
            return group_settings(run for run in runs if run.result.problem == problem)

        return cls(case, settings(case.ours), settings(case.theirs), settings(case.everything))

    @property
    def column(self) -> str:
        return criterion(self.everything)

    def best(self, settings: list[Setting]) -> Setting:
        return ranked(settings, self.column)[0]


def _judge(evidence: _Evidence, *, several: bool) -> Judgement:
    claim, first = evidence.case.claim, evidence.ours[0].runs[0].result
    found, grounds, chosen = _found(evidence)
    return Judgement(
        experiment=evidence.case.experiment,
        claim=claim,
        problem=first.labels.problem,
        is_one_of_several=several,
        found=found,
        grounds=grounds,
        chosen=chosen,
        chosen_by=evidence.column,
        stand_in=first.requested_dataset,
    )


def _found(evidence: _Evidence) -> tuple[claims.Verdict, Grounds, tuple[str, ...]]:
    claim, ours, theirs = evidence.case.claim, evidence.ours, evidence.theirs
    if claim.statement == "diverges":
        return *divergence(claim, ours), ()
    if claim.metric == "state_bytes":
        return *state_bytes(claim, ours, theirs), ()
    if claim.metric == "lr_decades":
        return *decades(claim, ours, theirs, evidence.everything, evidence.column), ()
    mine = evidence.best(ours)
    if claim.statement in BOUNDS:
        return *final_value(claim, mine), _chosen(ours, mine)
    other = evidence.best(theirs)
    judged = sooner if claim.statement == "faster_than" else difference
    return *judged(claim, mine, other), _chosen(ours, mine) + _chosen(theirs, other)


def _chosen(candidates: Sequence[Setting], best: Setting) -> tuple[str, ...]:
    """The label of a setting that was chosen among several."""
    return (best.runs[0].result.labels.setting,) if len(candidates) > 1 else ()
