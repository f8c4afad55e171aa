"""`optbench verify`: search and train what is missing, then judge every claim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.claims.judge import Case, judge
from optbench.catalog.search import load_search
from optbench.catalog.selectors import check_selectors, chosen, sides
from optbench.commands.screen import Screen, deliver
from optbench.commands.searching import Stage, reported
from optbench.commands.training import train
from optbench.config.node import Problems
from optbench.errors import EXIT_CLAIM, EXIT_OK, UsageError
from optbench.execution.data import DataChoice
from optbench.execution.plan import stored_runs
from optbench.execution.study import Options, load_experiments, plan_runs
from optbench.report.formats import check_format
from optbench.report.judgements import FORMATS, render_judgements, verdict_line
from optbench.report.plan import finished_line
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from optbench.config.claims import Claim
    from optbench.config.spec import Experiment, Setting
    from optbench.execution.plan import Plan
    from optbench.store.stored_run import StoredRun
    from optbench.training.events import Ended


def verify_command(
    configs: Sequence[Path],
    options: Options,
    output_format: str,
    output: Path | None,
    screen: Screen,
    progress: Screen,
) -> int:
    """Judge the claims of experiments, training what is missing; the exit code.

    0 where every verdict is the one that its file expects. `progress` shows the training; in a
    terminal also each verdict, as soon as the claim's runs have ended.
    """
    check_format(output_format, FORMATS)
    loaded = load_experiments(experiment_files(configs), options, searches=True)
    _check_claims(loaded)
    experiments = [_searched(experiment, options, progress) for experiment in loaded]
    _check_claims(experiments)
    plan = plan_runs(experiments, options, progress.announce)
    if plan.to_train:
        progress.say(finished_line(len(plan.finished), len(plan.runs)))
    questions = tuple(_questions(experiments, plan))
    is_watched = output_format == "table" and output is None and progress.stream.isatty()
    ended = _AsTheyCome(questions, plan).ended if is_watched else lambda _: None
    code = train(plan, options, progress, ended).complain()
    if plan.to_train:
        progress.write("\n")
    stored = stored_runs(plan)
    judgements = [found for asked in questions for found in judge(asked.case(stored))]
    colour = screen.colour and output is None
    text = render_judgements(judgements, output_format, colour=colour, width=screen.width)
    deliver(text, output, screen)
    if code != EXIT_OK:
        return code
    return EXIT_OK if all(judgement.as_expected for judgement in judgements) else EXIT_CLAIM


def _searched(experiment: Experiment, options: Options, progress: Screen) -> Experiment:
    """The experiment; one with ranges is searched first, as far as it has not been."""
    if not experiment.searches:
        return experiment
    from optbench.tuning.search import Tuner

    search = load_search(experiment.file, overrides=options.overrides, device=options.device)
    data = DataChoice(
        options.data_folder, allow_fallback=options.allow_fallback, announce=progress.announce
    )
    with Stage(options, progress) as stage:
        tuner = Tuner(search, data.settle, options.store, stage)
        tuner.run()
    return reported(tuner)


def experiment_files(paths: Sequence[Path]) -> list[Path]:
    """The files, and those under folders in the order of their names.

    Raises UsageError for a folder without any.
    """
    files: list[Path] = []
    for path in paths:
        found = sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]) if path.is_dir() else [path]
        if not found:
            raise UsageError(f"{path}: no experiment file (*.yaml) in it")
        files += found
    return files


def _check_claims(experiments: Sequence[Experiment]) -> None:
    """Refuse files without claims, and claims about settings that `--set` took away."""
    problems = Problems()
    for experiment in experiments:
        check_selectors(experiment, problems)
        if not experiment.claims:
            raise UsageError(
                f"{experiment.file}: claims nothing, so there is nothing to judge; add\n"
                "  expect:\n"
                "    - {metric: train_loss, setting: {optimizer: adam}, "
                "better_than: {optimizer: sgd}}"
            )
    problems.raise_if_any()


@dataclass(frozen=True)
class _Question:
    """A claim and the hashes of the runs that it is about: of its sides, and of its experiment."""

    experiment: str
    claim: Claim
    ours: Sequence[str]
    theirs: Sequence[str]
    everything: Sequence[str]

    @property
    def needed(self) -> frozenset[str]:
        """What it can't be judged without."""
        if self.claim.metric == "lr_decades":  # measured from the best of all
            return frozenset(self.everything)
        return frozenset([*self.ours, *self.theirs])

    def case(self, stored: Mapping[str, StoredRun]) -> Case:
        ours, theirs, everything = (
            [stored[key] for key in keys if key in stored]
            for keys in (self.ours, self.theirs, self.everything)
        )
        return Case(self.experiment, self.claim, ours, theirs, everything)


class _AsTheyCome:
    """Says each claim's verdict when the last of its runs has ended."""

    def __init__(self, questions: Sequence[_Question], plan: Plan) -> None:
        self._stored = {p.run.hash: p.stored for p in plan.finished if p.stored}
        missing = {planned.run.hash for planned in plan.to_train}
        self._waiting = [(q, set(q.needed & missing)) for q in questions if q.needed & missing]

    def ended(self, event: Ended) -> str:
        """The verdicts that this run was the last one for, a line each."""
        self._stored[event.run.hash] = scan(event.directory).runs[0]
        for _, missing in self._waiting:
            missing.discard(event.run.hash)
        ready = [question for question, missing in self._waiting if not missing]
        self._waiting = [(question, missing) for question, missing in self._waiting if missing]
        return "\n".join(
            verdict_line(found)
            for question in ready
            for found in judge(question.case(self._stored))
        )


def _questions(experiments: Sequence[Experiment], plan: Plan) -> Iterator[_Question]:
    """Every claim with the runs of the settings that it chooses."""
    for asked, used in zip(experiments, plan.experiments, strict=True):
        everything = _runs(used, used.settings)
        for claim in asked.claims:
            ours, *theirs = (
                _runs(used, _in_use(chosen(claim, side, asked), asked, used))
                for side in sides(claim)
            )
            yield _Question(used.name, claim, ours, theirs[0] if theirs else (), everything)


def _in_use(
    settings: Sequence[Setting], asked: Experiment, used: Experiment
) -> tuple[Setting, ...]:
    """The settings with the data that was decided on for them."""
    hashes = {setting.setting_hash for setting in settings}
    pairs = zip(asked.settings, used.settings, strict=True)
    return tuple(decided for wanted, decided in pairs if wanted.setting_hash in hashes)


def _runs(experiment: Experiment, settings: Sequence[Setting]) -> tuple[str, ...]:
    """The hashes of some settings' runs, each once."""
    hashes = {setting.setting_hash for setting in settings}
    runs = (run for run in experiment.runs() if run.setting.setting_hash in hashes)
    return tuple(dict.fromkeys(run.hash for run in runs))
