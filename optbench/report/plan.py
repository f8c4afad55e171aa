"""What is going to be trained, and the lines around a command's table."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from optbench.analysis.looks import FIRST_ALPHA
from optbench.analysis.statistics.power import fewest_pairs, shown_effect
from optbench.report.layout import paragraph
from optbench.store.result import without_non_finite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from optbench.config.spec import Experiment, Run
    from optbench.errors import Problem
    from optbench.store.scan import StoredRun

MOST_RUNS = 40  # lines of a plan


def describe_experiment(experiment: Experiment) -> str:
    """One line about a valid file: `configs/a.yaml: valid, 16 runs (2 settings × 8 seeds)`."""
    settings, seeds = len(experiment.settings), len(experiment.seeds)
    runs = f"{_count(settings * seeds, 'run')} ({_count(settings, 'setting')} × "
    claims = f", {_count(len(experiment.claims), 'claim')}" if experiment.claims else ""
    searches = ", for tuning" if experiment.searches else ""
    return f"{experiment.file}: valid, {runs}{_count(seeds, 'seed')}){claims}{searches}"


def warning(problem: Problem) -> str:
    """What is no mistake, but not of use either, at its place in the file."""
    return str(dataclasses.replace(problem, message=f"warning: {problem.message}"))


def describe_plan(runs: Sequence[tuple[Run, Path, bool]]) -> str:
    """The runs of a plan, each with its directory and whether it is finished already."""
    finished = sum(done for _, _, done in runs)
    settings = len({run.setting.setting_hash for run, _, _ in runs})
    seeds = len({run.seed for run, _, _ in runs})
    head = f"{_count(len(runs), 'run')}: {_count(settings, 'setting')} × {_count(seeds, 'seed')}"
    lines = [f"{head}, {finished:,} finished already, {len(runs) - finished:,} to train"]
    lines += [*_prospect(runs), ""]
    lines += [
        f"  {'finished' if done else 'to train':<8}  {directory}"
        for _, directory, done in runs[:MOST_RUNS]
    ]
    if len(runs) > MOST_RUNS:
        lines.append(f"  … and {len(runs) - MOST_RUNS:,} more")
    return "\n".join(lines)


def _prospect(runs: Sequence[tuple[Run, Path, bool]]) -> Iterator[str]:
    """`5 seeds cannot reach a verdict; 6 can, at differences above 1.6 standard deviations`."""
    settings = {run.setting.setting_hash for run, _, _ in runs}
    seeds = {run.declared_seeds for run, _, _ in runs}
    if len(settings) == 1 or len(seeds) != 1 or seeds == {1}:
        return
    (declared,) = seeds
    fewest = fewest_pairs(FIRST_ALPHA)
    effect = shown_effect(max(declared, fewest), FIRST_ALPHA)
    shown = f"differences above {effect:.1f} standard deviations"
    if declared < fewest:
        yield f"{declared} seeds cannot reach a verdict; {fewest} can, at {shown}"
    else:
        yield f"{declared} seeds show {shown}, four times out of five"


def finished_line(finished: int, runs: int) -> str:
    """What need not be trained; empty if that is nothing."""
    if not finished:
        return ""
    verb = "is" if runs == 1 else "are"
    head = f"{finished:,} of {_count(runs, 'run')} {verb} finished already"
    if finished == runs:
        return f"{head}; nothing to train (--force trains again).\n"
    return f"{head}; {runs - finished:,} to train.\n"


def elsewhere(runs: Sequence[StoredRun], torch: str) -> str:
    """Names finished runs that another version of torch trained."""
    versions = [str(run.result.environment.get("torch")).partition("+")[0] for run in runs]
    others = [version for version in versions if version != torch]
    if not others:
        return ""
    listed = ", ".join(sorted(set(others)))
    return paragraph(
        f"{_count(len(others), 'finished run')} came from torch {listed}; here is {torch}. "
        "--force trains again.",
        80,
    )


def interrupted_line(done: int, runs: int) -> str:
    """What a stopped command leaves."""
    return (
        f"Stopped: {done:,} of {_count(runs, 'run')} finished. The same command goes on from here."
    )


def closing_line(directories: Sequence[Path], runs_dir: Path) -> str:
    """Where the runs are, and the command that draws them."""
    folders = ", ".join(str(folder) for folder in dict.fromkeys(d.parent for d in directories))
    return f"Runs:    {folders}\nPicture: optbench compare {runs_dir} --chart curves.png"


def result_line(run: StoredRun) -> dict[str, Any]:
    """The object that `--json` prints of a finished run: result.json and the directory."""
    result: dict[str, Any] = without_non_finite(dataclasses.asdict(run.result))
    return {"schema": 1, "directory": str(run.path), **result}


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
