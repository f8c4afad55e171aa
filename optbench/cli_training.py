"""The commands that train: what is written, or what a search proposes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optbench import terminal
from optbench.options import (
    Assignments,
    Configs,
    DataDirOption,
    DeviceOption,
    ExecutorOption,
    ExtendOption,
    FallbackOption,
    ForceOption,
    MaxTimeOption,
    QuietOption,
    RayAddressOption,
    RayGpusOption,
    RayInsecureOption,
    RunsDir,
    Seeds,
    SharedStoreOption,
    TrackOption,
    WorkersOption,
)

if TYPE_CHECKING:
    from typer import Typer


def add_to(app: Typer) -> None:
    """Add the commands to those of optbench."""
    app.command()(run)
    app.command()(tune)


def _samplers() -> tuple[str, ...]:
    from optbench.config.tuning import SAMPLERS

    return SAMPLERS


def _pruners() -> tuple[str, ...]:
    from optbench.config.tuning import PRUNERS

    return PRUNERS


def run(
    configs: Configs,
    assignments: Assignments = None,
    seeds: Seeds = None,
    device: DeviceOption = None,
    fallback: FallbackOption = True,
    data_dir: DataDirOption = None,
    runs_dir: RunsDir = Path("runs"),
    workers: WorkersOption = None,
    max_time: MaxTimeOption = None,
    executor: ExecutorOption = "local",
    ray_address: RayAddressOption = None,
    ray_gpus: RayGpusOption = None,
    ray_insecure: RayInsecureOption = False,
    shared_store: SharedStoreOption = False,
    force: ForceOption = False,
    extend: ExtendOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the runs, train none.")] = False,
    quiet: QuietOption = False,
    json: Annotated[
        bool, typer.Option("--json", help="A JSON object a finished run on standard output.")
    ] = False,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="A few hundred examples and steps: does it work?")
    ] = False,
    track: TrackOption = None,
) -> None:
    """Train every run of experiments that is not finished, and compare them.

    A run that was stopped goes on from its last commit; a finished one is not trained again. One of
    more epochs goes on from a shorter one, where that was trained with `keep_state: true`.

    Examples:

    * `optbench run experiment.yaml`

    * `optbench run my.yaml --seeds 8 --set training.epochs=2`

    * `optbench run my.yaml --smoke`
    """
    from optbench.commands.run import run_command
    from optbench.commands.screen import Screen
    from optbench.execution.study import asked

    options = asked(
        overrides=assignments,
        seeds=seeds,
        device=device,
        data_dir=data_dir,
        runs_dir=runs_dir,
        allow_fallback=fallback,
        force=force,
        extend=extend,
        smoke=smoke,
        workers=workers,
        max_time=max_time,
        executor=executor,
        ray_address=ray_address,
        ray_gpus=ray_gpus,
        ray_insecure=ray_insecure,
        shared_store=shared_store,
    )
    stream = sys.stderr if json else sys.stdout
    screen = Screen(stream, terminal.width(), terminal.colour() and not json, quiet)
    code = run_command(configs, options, screen, dry_run=dry_run, json=json, track=track or ())
    raise typer.Exit(code)


def tune(
    config: Annotated[
        Path,
        typer.Argument(help="An experiment file (YAML).", show_default=False, readable=False),
    ],
    trials: Annotated[
        int | None,
        typer.Option(metavar="N", help="Trials of each optimizer.  [default: the file's, else 30]"),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="tpe, random, gp, cmaes or grid.  [default: the file's, else tpe]",
            autocompletion=_samplers,
        ),
    ] = None,
    pruner: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="none, hyperband or median.  [default: the file's, else none]",
            autocompletion=_pruners,
        ),
    ] = None,
    extend: Annotated[
        bool,
        typer.Option(
            "--extend", help="Widen a space whose best lies at its end, and search again."
        ),
    ] = False,
    export_study: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Write an Optuna storage too: sqlite:///study.db."),
    ] = None,
    assignments: Assignments = None,
    seeds: Seeds = None,
    device: DeviceOption = None,
    fallback: FallbackOption = True,
    data_dir: DataDirOption = None,
    runs_dir: RunsDir = Path("runs"),
    workers: WorkersOption = None,
    max_time: MaxTimeOption = None,
    executor: ExecutorOption = "local",
    ray_address: RayAddressOption = None,
    ray_gpus: RayGpusOption = None,
    ray_insecure: RayInsecureOption = False,
    shared_store: SharedStoreOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the search, train none.")
    ] = False,
    quiet: QuietOption = False,
    json: Annotated[
        bool, typer.Option("--json", help="A JSON object a finished run on standard output.")
    ] = False,
) -> None:
    """Search the spaces of an experiment, then compare the best settings beside the defaults.

    Every optimizer gets the same number of trials and of epochs. Trials are chosen by validation,
    on seeds of their own; what is chosen is trained on the experiment's. A search that was stopped
    goes on where it was. Needs `pip install 'optbench[tune]'`.

    The files in configs/ come from `optbench init --examples`.

    Examples:

    * `optbench tune configs/tune_adam_vs_sgd.yaml`

    * `optbench tune my.yaml --trials 50 --sampler random --workers 2`

    * `optbench tune my.yaml --pruner hyperband --extend`
    """
    from optbench.commands.screen import Screen
    from optbench.commands.tune import Request, tune_command
    from optbench.execution.study import asked

    options = asked(
        overrides=assignments,
        seeds=seeds,
        device=device,
        data_dir=data_dir,
        runs_dir=runs_dir,
        allow_fallback=fallback,
        workers=workers,
        max_time=max_time,
        executor=executor,
        ray_address=ray_address,
        ray_gpus=ray_gpus,
        ray_insecure=ray_insecure,
        shared_store=shared_store,
    )
    request = Request(trials, sampler, pruner, extend, export_study)
    stream = sys.stderr if json else sys.stdout
    screen = Screen(stream, terminal.width(), terminal.colour() and not json, quiet)
    raise typer.Exit(tune_command(config, request, options, screen, dry_run=dry_run, json=json))
