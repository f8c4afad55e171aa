"""`optbench tune`: search, train what was found on other seeds, compare."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from optbench.analysis.edges import Edge, widened
from optbench.catalog.search import load_search
from optbench.commands.run import JsonLines, compare_runs, tried_here
from optbench.commands.searching import Stage, reported
from optbench.config.suggest import did_you_mean
from optbench.config.tuning import MAX_TRIALS, PRUNERS, SAMPLERS
from optbench.errors import EXIT_OK, UsageError
from optbench.execution.data import DataChoice
from optbench.execution.plan import make_plan
from optbench.report.plan import closing_line
from optbench.report.search import (
    dry_lines,
    edge_line,
    found_lines,
    search_heading,
    space_lines,
    widened_line,
)
from optbench.tuning.export import check_export, export
from optbench.tuning.search import Tuner

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.analysis.trials import Outcome
    from optbench.catalog.search import Search
    from optbench.commands.screen import Screen
    from optbench.execution.study import Options

MOST_ROUNDS = 3  # times that --extend widens the spaces

Word = TypeVar("Word", bound=str)


@dataclass(frozen=True)
class Request:
    """What the command line says of the search, over what the file does."""

    trials: int | None = None
    sampler: str | None = None
    pruner: str | None = None
    extend: bool = False
    export: str | None = None


def tune_command(
    config: Path,
    request: Request,
    options: Options,
    screen: Screen,
    *,
    dry_run: bool,
    json: bool,
) -> int:
    """Search, train the best and the default settings on the reporting seeds, compare them.

    With `json`, standard output carries a line a finished run; the screen is to be elsewhere.
    """
    search = _load(config, request, options)
    data = DataChoice(
        options.data_folder, allow_fallback=options.allow_fallback, announce=screen.announce
    )
    stage = Stage(options, screen, JsonLines(sys.stdout) if json else None)
    if dry_run:
        return _dry_run(Tuner(search, data.locate, options.store, stage), options, screen)
    with stage:
        tuner = Tuner(search, data.settle, options.store, stage)
        if request.export is not None:
            check_export(tuner.study(), request.export)
        tuner = _search(tuner, request, stage)
        if request.export is not None:
            screen.say(export(tuner.study(), tuner.outcomes(), request.export))
        return _report(tuner, stage)


def _load(config: Path, request: Request, options: Options) -> Search:
    search = load_search(
        config, overrides=options.overrides, seeds=options.seeds, device=options.device
    )
    changes: dict[str, object] = {}
    if request.trials is not None:
        if not 1 <= request.trials <= MAX_TRIALS:
            raise UsageError(f"--trials: must be from 1 to {MAX_TRIALS:,}, got {request.trials}")
        changes["trials"] = request.trials
    if request.sampler is not None:
        changes["sampler"] = _known("--sampler", request.sampler, SAMPLERS)
    if request.pruner is not None:
        changes["pruner"] = _known("--pruner", request.pruner, PRUNERS)
    tuning = dataclasses.replace(search.tuning, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(search, tuning=tuning)


def _known(option: str, word: str, known: tuple[Word, ...]) -> Word:
    for one in known:
        if one == word:
            return one
    hint = did_you_mean(word, known)
    told = f"{option}: must be one of {', '.join(known)}, got {word!r}"
    raise UsageError(f"{told}; {hint}" if hint else told)


def _search(tuner: Tuner, request: Request, stage: Stage) -> Tuner:
    """Search, and again in wider spaces as long as that is asked for and of use."""
    screen = stage.screen
    screen.say(search_heading(tuner.study(), screen.width))
    while True:
        screen.say(space_lines(tuner.study(), screen.width))
        tuner.run()
        stage.tell(run for one in _every(tuner) for run in one.runs)
        screen.say(found_lines(tuner.study(), tuner.outcomes()))
        edges = tuner.edges()
        screen.say("\n".join(edge_line(edge, screen.width) for edge in edges))
        movable = tuple(edge for edge in edges if edge.wider is not None)
        if not movable or not request.extend or tuner.round == MOST_ROUNDS:
            break
        screen.say(widened_line(tuner.round + 1, MOST_ROUNDS, screen.width))
        search = dataclasses.replace(
            tuner.search,
            contenders=tuple(
                widened(one, tuple(edge for edge in movable if edge.label == one.label))
                for one in tuner.search.contenders
            ),
        )
        tuner = Tuner(search, tuner.settle, tuner.store, stage, tuner.round + 1)
    screen.say(_advice(edges, request, tuner))
    return tuner


def _every(tuner: Tuner) -> list[Outcome]:
    return [one for tried in tuner.outcomes().values() for one in tried]


def _advice(edges: tuple[Edge, ...], request: Request, tuner: Tuner) -> str:
    if not any(edge.wider for edge in edges):
        return ""
    if not request.extend:
        return "A better one may lie beyond: --extend widens these spaces and searches again."
    return f"Widened {tuner.round} times, which is the most; write wider spaces to go on."


def _report(tuner: Tuner, stage: Stage) -> int:
    """The best setting of each optimizer beside its default, on the reporting seeds."""
    screen = stage.screen
    plan = make_plan([reported(tuner)], tuner.settle, stage.options.store, force=False)
    stored = list(stage.carry_out(plan).values())
    if any(run.finished for run in stored):
        compare_runs(stored, screen, (tuner.folder,))
    directories = [*(run.path for run in stored), tuner.folder / "trial"]
    screen.write(f"{closing_line(directories, plan.experiments, stage.options.store)}\n")
    return stage.trained.complain()


def _dry_run(tuner: Tuner, options: Options, screen: Screen) -> int:
    """What would be searched, and what its first batch takes; trains nothing."""
    plan = tuner.first_plan()
    study = tuner.study()
    screen.say(search_heading(study, screen.width))
    screen.say(space_lines(study, screen.width))
    own = any(planned.run.setting.own_code for planned in plan.to_train)
    seconds = None
    if plan.to_train and not own:
        seconds = tried_here(plan, options, screen).seconds
    screen.say(dry_lines(study, len(plan.runs), len(plan.finished), seconds))
    return EXIT_OK
