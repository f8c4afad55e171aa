"""`optbench verify`: train what is missing, then judge every claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.claims.judge import Case, judge
from optbench.catalog.selectors import check_selectors, chosen, sides
from optbench.commands.screen import Screen, deliver
from optbench.commands.training import stored_runs, train
from optbench.config.node import Problems
from optbench.errors import EXIT_CLAIM, EXIT_OK, UsageError
from optbench.execution.study import Options, load_experiments, plan_runs
from optbench.report.formats import check_format
from optbench.report.judgements import FORMATS, render_judgements
from optbench.report.plan import finished_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from optbench.config.spec import Experiment, Setting
    from optbench.execution.plan import Plan
    from optbench.store.scan import StoredRun


def verify_command(
    configs: Sequence[Path],
    options: Options,
    output_format: str,
    output: Path | None,
    screen: Screen,
    progress: Screen,
) -> int:
    """Judge the claims of experiments, training what is missing; the exit code.

    0 where every verdict is the one that its file expects. `progress` shows the training.
    """
    check_format(output_format, FORMATS)
    experiments = load_experiments(experiment_files(configs), options)
    _check_claims(experiments)
    plan = plan_runs(experiments, options, progress.announce)
    if plan.to_train:
        progress.say(finished_line(len(plan.finished), len(plan.runs)))
    code = train(plan, options, progress).complain()
    if plan.to_train:
        progress.write("\n")
    judgements = [found for case in _cases(experiments, plan) for found in judge(case)]
    colour = screen.colour and output is None
    text = render_judgements(judgements, output_format, colour=colour, width=screen.width)
    deliver(text, output, screen)
    if code != EXIT_OK:
        return code
    return EXIT_OK if all(judgement.as_expected for judgement in judgements) else EXIT_CLAIM


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


def _cases(experiments: Sequence[Experiment], plan: Plan) -> Iterator[Case]:
    """Every claim with the runs of the settings that it chooses."""
    stored = stored_runs(plan)
    for asked, used in zip(experiments, plan.experiments, strict=True):
        everything = _runs(used, used.settings, stored)
        for claim in asked.claims:
            ours, *theirs = (
                _runs(used, _in_use(chosen(claim, side, asked), asked, used), stored)
                for side in sides(claim)
            )
            yield Case(used.name, claim, ours, theirs[0] if theirs else (), everything)


def _in_use(
    settings: Sequence[Setting], asked: Experiment, used: Experiment
) -> tuple[Setting, ...]:
    """The settings with the data that was decided on for them."""
    hashes = {setting.setting_hash for setting in settings}
    pairs = zip(asked.settings, used.settings, strict=True)
    return tuple(decided for wanted, decided in pairs if wanted.setting_hash in hashes)


def _runs(
    experiment: Experiment, settings: Sequence[Setting], stored: Mapping[str, StoredRun]
) -> list[StoredRun]:
    """The runs of some settings, each once."""
    hashes = {setting.setting_hash for setting in settings}
    runs = {run.hash: run for run in experiment.runs() if run.setting.setting_hash in hashes}
    return [stored[key] for key in runs if key in stored]
