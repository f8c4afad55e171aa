"""What is going to be trained, and the lines around a command's table."""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from optbench.analysis.looks import FIRST_ALPHA, LOOKS, SECOND_ALPHA
from optbench.analysis.setting import family
from optbench.analysis.statistics.power import fewest_pairs, shown_effect
from optbench.catalog.length import ties
from optbench.config.spec import format_value
from optbench.report.layout import paragraph
from optbench.report.words import count, listed
from optbench.store.result import without_non_finite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from optbench.config.spec import Experiment, Run, Setting
    from optbench.errors import Problem
    from optbench.store.stored_run import StoredRun

MOST_RUNS = 40  # lines of a plan
MOST_DRAWN = 3  # experiments that a command names; of more, the store
MOST_TIED = 3  # settings that a line each is said of
WIDTH = 80


def describe_experiment(experiment: Experiment) -> str:
    """One line about a valid file: `configs/a.yaml: valid, 16 runs (2 settings × 8 seeds)`."""
    settings, seeds = len(experiment.settings), len(experiment.seeds)
    runs = f"{count(settings * seeds, 'run')} ({count(settings, 'setting')} × "
    claims = f", {count(len(experiment.claims), 'claim')}" if experiment.claims else ""
    searches = ", for tuning" if experiment.searches else ""
    return f"{experiment.file}: valid, {runs}{count(seeds, 'seed')}){claims}{searches}"


def warning(problem: Problem) -> str:
    """What is no mistake, but not of use either, at its place in the file."""
    return str(dataclasses.replace(problem, message=f"warning: {problem.message}"))


@dataclass(frozen=True)
class Training:
    """What training the rest of a plan takes; `seconds` is None for want of `missing` data.

    `mapped` bytes stay in files and are not among `bytes`.
    """

    cohorts: int
    workers: int
    bytes: int
    seconds: float | None = None
    missing: tuple[str, ...] = ()
    mapped: int = 0


def describe_plan(
    runs: Sequence[tuple[Run, Path, bool]],
    training: Training | None,
    own: Sequence[str] = (),
    begun: Mapping[str, int] = MappingProxyType({}),
) -> str:
    """The runs of a plan, each with its directory and whether it is finished already.

    `own` names code of the user's, for which nothing is known of the training; `begun` has the
    epochs, by hash, of runs that go on from shorter ones.
    """
    finished = sum(done for _, _, done in runs)
    counted = "all" if finished == len(runs) else f"{finished:,}"
    lines = [f"{count(len(runs), 'run')}: {_factors(runs)}, {counted} finished already"]
    if training is not None:
        lines += _training_lines(len(runs) - finished, training)
    if own:
        left = f"{len(runs) - finished:,} to train"
        told = f"{left}; no estimate: a dry run runs no code of yours ({', '.join(own)})"
        lines += paragraph(told, WIDTH).splitlines()
    lines += [*_prospect([run for run, _, _ in runs]), ""]
    lines += [
        f"  {'finished' if done else 'to train':<8}  {directory}{_from(run, begun)}"
        for run, directory, done in runs[:MOST_RUNS]
    ]
    if len(runs) > MOST_RUNS:
        lines.append(f"  … and {len(runs) - MOST_RUNS:,} more")
    return "\n".join(lines)


def _from(run: Run, begun: Mapping[str, int]) -> str:
    return f", epochs {begun[run.hash] + 1} to {run.setting.epochs}" if run.hash in begun else ""


def _factors(runs: Sequence[tuple[Run, Path, bool]]) -> str:
    """`7 optimizers × 9 learning rates × 5 seeds` where that is all, else `63 settings × …`."""
    settings = {run.setting.setting_hash: run.setting for run, _, _ in runs}.values()
    seeds = count(len({run.seed for run, _, _ in runs}), "seed")
    rates: dict[str, set[str]] = {}
    for setting in settings:
        name, rate = str(setting.optimizer["name"]), format_value(setting.optimizer.get("lr"))
        rates.setdefault(name, set()).add(rate)
    tried = {len(found) for found in rates.values()}
    if tried == {len(settings) // len(rates)} and len(settings) % len(rates) == 0:
        names, (each,) = count(len(rates), "optimizer"), tried
        return " × ".join([names, *([count(each, "learning rate")] if each > 1 else []), seeds])
    return f"{count(len(settings), 'setting')} × {seeds}"


def _training_lines(runs: int, training: Training) -> Iterator[str]:
    """`275 to train in 35 cohorts on 2 workers: about 9 min, 1.1 GB`."""
    cohorts, workers = count(training.cohorts, "cohort"), count(training.workers, "worker")
    about = "" if training.seconds is None else f"about {_roughly(training.seconds)}, "
    size = _gigabytes(training.bytes)
    yield f"{runs:,} to train in {cohorts} on {workers}: {about}{size}"
    if training.mapped:
        yield f"inputs of {_gigabytes(training.mapped)} stay in their files: not among these"
    if training.missing:
        verb = "is" if len(training.missing) == 1 else "are"
        yield f"no estimate of the time: {listed(training.missing)} {verb} not on disk yet"


def _roughly(seconds: float) -> str:
    """As exact as an estimate is: `8 s`, `95 s`, `9 min`, `2 h 10 min`."""
    if seconds < 100:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, rest = divmod(10 * round(minutes / 10), 60)
    return f"{hours:,} h {rest} min" if rest else f"{hours:,} h"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"


def _prospect(runs: Sequence[Run]) -> Iterator[str]:
    """`5 seeds cannot reach a verdict; 6 can, at differences above 1.6 standard deviations`."""
    if (found := _declared_and_judged(runs)) is None:
        return
    declared, judged = found
    fewest = fewest_pairs(FIRST_ALPHA, judged)
    effect = shown_effect(max(declared, fewest), FIRST_ALPHA, judged)
    shown = f"differences above {effect:.1f} standard deviations"
    if declared < fewest:
        yield f"{declared} seeds cannot reach a verdict; {fewest} can, at {shown}"
    else:
        yield f"{declared} seeds show {shown}, four times out of five"


def too_few_seeds(runs: Sequence[Run], finished: Sequence[StoredRun] = ()) -> str:
    """`5 seeds cannot reach a verdict: the same command with --seeds 8 can.`; empty where they can.

    So many can at a second look too, which it is once the fewer were looked at. It is one already
    where a `finished` run of the same experiment was declared with another count.
    """
    if (found := _declared_and_judged(runs)) is None:
        return ""
    declared, judged = found
    names = {run.experiment for run in runs}
    own = (run.result for run in finished if run.result.experiment in names)
    earlier = {result.declared_seeds for result in own} - {1, declared}
    alpha = SECOND_ALPHA if earlier else FIRST_ALPHA
    if len(earlier) >= LOOKS or declared >= fewest_pairs(alpha, judged):
        return ""
    enough = fewest_pairs(SECOND_ALPHA, judged)
    return f"{declared} seeds cannot reach a verdict: the same command with --seeds {enough} can."


def _declared_and_judged(runs: Sequence[Run]) -> tuple[int, int] | None:
    """How many seeds each setting is to have, and how many verdicts are taken together (Holm).

    Each optimizer's best is judged against the reference's. None where there are no verdicts, for
    there is one setting or one seed, and where some settings have more seeds than others.
    """
    settings = {run.setting.setting_hash for run in runs}
    seeds = {run.declared_seeds for run in runs}
    if len(settings) == 1 or len(seeds) != 1 or seeds == {1}:
        return None
    (declared,) = seeds
    return declared, max(len({family(run.setting.optimizer) for run in runs}) - 1, 1)


def finished_line(finished: int, runs: int) -> str:
    """What need not be trained; empty if that is nothing."""
    if not finished:
        return ""
    verb = "is" if runs == 1 else "are"
    head = f"{finished:,} of {count(runs, 'run')} {verb} finished already"
    if finished == runs:
        return f"{head}; nothing to train (--force trains again).\n"
    return f"{head}; {runs - finished:,} to train.\n"


def extended_lines(
    runs: Sequence[Run], begun: Mapping[str, int], tied: Sequence[Setting], *, asked: bool
) -> str:
    """Which of the runs to train go on from shorter ones, and why others don't.

    `begun` has the epochs of those shorter ones by hash; `tied` are settings that depend on their
    length. Where it was `asked` for, also how shorter runs can be gone on from; else empty without
    any.
    """
    lines = []
    if begun:
        after = " or ".join(f"{epochs:,}" for epochs in sorted(set(begun.values())))
        go = "go on from shorter ones" if len(begun) > 1 else "goes on from a shorter one"
        lines.append(f"{count(len(begun), 'run')} {go}, after epoch {after}.")
    for setting in tied[:MOST_TIED]:
        why = ", ".join(tie.why for tie in ties(setting))
        lines.append(f"{setting.label} trains from the start: {why}.")
    if len(tied) > MOST_TIED:
        lines.append(f"So do {count(len(tied) - MOST_TIED, 'other setting')}.")
    missing = len(runs) - len(begun)
    if asked and missing:
        verb, noun = ("trains", "it") if missing == 1 else ("train", "them")
        lines.append(
            f"{count(missing, 'run')} {verb} from the start: no shorter one of {noun} kept its "
            "state. Those trained with `training: {keep_state: true}` do."
        )
    return "\n".join(paragraph(line, WIDTH) for line in lines)


def elsewhere(runs: Sequence[StoredRun], torch: str) -> str:
    """Names finished runs that another version of torch trained."""
    versions = [str(run.result.environment.get("torch")).partition("+")[0] for run in runs]
    others = [version for version in versions if version != torch]
    if not others:
        return ""
    listed = ", ".join(sorted(set(others)))
    return paragraph(
        f"{count(len(others), 'finished run')} came from torch {listed}; here is {torch}. "
        "--force trains again.",
        WIDTH,
    )


def interrupted_line(
    done: int,
    runs: int,
    committed: Sequence[float],
    *,
    gained: bool = True,
    anew: bool = False,
) -> str:
    """What a stopped command leaves; where nothing was `gained`, that more time is needed.

    `committed` has the epoch that each run under way was last stored at. One that trains `anew`
    what is stored goes on from nothing.
    """
    head = f"Stopped: {done:,} of {count(runs, 'run')} finished."
    if anew:
        return f"{head} The same command trains all of them anew."
    if not gained:
        return f"{head} No run got beyond where it began: give it more time than it takes to start."
    if not committed:
        return f"{head} The same command goes on from here."
    low, high = min(committed), max(committed)
    span = f"epoch {low:,g}" if low == high else f"epochs {low:,g} to {high:,g}"
    return (
        f"{head} The same command goes on from the last commits, {count(len(committed), 'run')} "
        f"{f'after {span}' if high else 'from the start'}; what came after is trained again."
    )


def busy_line(directories: Sequence[Path]) -> str:
    """What was left to other processes."""
    others = len(directories) - 1
    more = f" and {count(others, 'other run')}" if others else ""
    return (
        f"{directories[0]}{more}: being trained by another process, so left to it. The same "
        "command shows all of them once they have ended."
    )


def unbegun_line(runs: int, reason: str) -> str:
    """What can't be trained on these data."""
    return f"{count(runs, 'run')} did not begin: {reason}"


def closing_line(
    directories: Sequence[Path], experiments: Sequence[Experiment], store: Path
) -> str:
    """Where the runs are, and the command that draws those of these experiments."""
    own = list(dict.fromkeys(store / experiment.name for experiment in experiments))
    drawn = " ".join(shlex.quote(str(one)) for one in (own if len(own) <= MOST_DRAWN else [store]))
    picture = f"Picture: optbench compare {drawn} --chart curves.png"
    return f"Runs:    {_folders(directories)}\n{picture}"


def _folders(directories: Sequence[Path]) -> str:
    return ", ".join(str(folder) for folder in dict.fromkeys(d.parent for d in directories))


def smoke_line(settings: int, described: int, most: int) -> str:
    """How much of the experiments a smoke run trains; `most` settings are taken of each."""
    part = count(settings, "setting")
    if settings < described:
        part = f"{settings:,} of {described:,} settings (the first of every grid, at most {most})"
    return paragraph(f"Smoke run: {part}, one seed, a few hundred examples.", WIDTH)


def smoke_closing(directories: Sequence[Path], *, works: bool) -> str:
    """Where the runs of a smoke run are, and what it shows: nothing of how optimizers compare."""
    where = f"Runs:    {_folders(directories)}"
    if not works:
        return where
    told = (
        f"It works: {count(len(directories), 'run')} came to an end. A smoke run shows that file, "
        "data and code work, and says nothing about the optimizers."
    )
    return f"{paragraph(told, WIDTH)}\n\n{where}"


def result_line(run: StoredRun) -> dict[str, Any]:
    """The object that `--json` prints of a finished run: result.json and the directory."""
    result: dict[str, Any] = without_non_finite(run.result)
    return {"schema": 1, "directory": str(run.path), **result}
