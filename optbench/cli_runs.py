"""The command line of `optbench runs`: likewise, about what a store holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from optbench import terminal
from optbench.options import (
    DataDirOption,
    ExecutorOption,
    FormatOption,
    QuietOption,
    RayAddressOption,
    RayGpusOption,
    RayInsecureOption,
    RunsDir,
    RunsDirArgument,
    RunsDirs,
    SelectedOption,
    SharedStoreOption,
    StatusOption,
    WorkersOption,
)

runs_app = typer.Typer(
    no_args_is_help=True, help="List, show, mend, delete or try again what a store holds."
)


@runs_app.command("list")
def runs_list(
    runs_dir: RunsDirArgument = Path("runs"),
    runs_dir_option: Annotated[
        Path | None, typer.Option("--runs-dir", hidden=True)  # as it was once given
    ] = None,
    status: StatusOption = None,
    where: SelectedOption = None,
    output_format: FormatOption = "table",
) -> None:
    """List runs with their state and how far they are, also while they train.

    Examples:

    * `optbench runs list --status running,failed`

    * `optbench runs list runs/tune.tuning --where optimizer=adam --format csv`
    """
    from optbench.commands.runs import list_command
    from optbench.commands.screen import Screen

    width = terminal.width() if sys.stdout.isatty() else None  # a pipe gets every column
    screen = Screen(sys.stdout, width, terminal.colour())
    root = runs_dir_option or runs_dir
    code = list_command(root, status or (), where or (), output_format, screen, terminal.errors())
    raise typer.Exit(code)


@runs_app.command("show")
def runs_show(
    run: Annotated[str, typer.Argument(help="Its directory, its name or the start of its hash.")],
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Show one run: state, last rows, configuration, environment, files, how to repeat it.

    Examples:

    * `optbench runs show adam-lr0.001-s0-00b26b89`

    * `optbench runs show 00b26b89 --runs-dir old_runs`
    """
    from optbench.commands.runs import show_command

    raise typer.Exit(show_command(Path(run), runs_dir, terminal.output()))


@runs_app.command("repair")
def runs_repair(
    runs_dir: RunsDirArgument = Path("runs"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what, change nothing.")] = False,
) -> None:
    """Mend what a kill or a bad disk left, from checkpoints; name what has to train again.

    Runs that are being trained are left alone, and nothing is deleted. The exit code is 1 where
    something is lost.

    Example: `optbench runs repair runs/ --dry-run`
    """
    from optbench.commands.upkeep import repair_command

    raise typer.Exit(repair_command(runs_dir, terminal.output(), dry_run=dry_run))


@runs_app.command("prune")
def runs_prune(
    runs_dir: RunsDirArgument = Path("runs"),
    status: StatusOption = None,
    where: SelectedOption = None,
    states: Annotated[
        bool,
        typer.Option("--states", help="Also the last states that finished runs keep."),
    ] = False,
    decoded: Annotated[
        bool,
        typer.Option("--decoded", help="Also decoded images whose folder is gone or has changed."),
    ] = False,
    data_dir: DataDirOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete; without it they are listed.")] = False,
) -> None:
    """Delete leftovers of killed processes, and runs by status and condition.

    Decoded images are those that the data directory keeps of folders of yours; what a process reads
    stays.

    Examples:

    * `optbench runs prune`

    * `optbench runs prune --status failed --where optimizer=adam --yes`

    * `optbench runs prune --states --where dataset=mnist --yes`

    * `optbench runs prune --decoded`
    """
    from optbench.catalog.datasets import default_data_dir
    from optbench.commands.runs import read_statuses
    from optbench.commands.upkeep import prune_command

    statuses = read_statuses(status or ())
    raise typer.Exit(
        prune_command(
            runs_dir,
            statuses,
            where or (),
            terminal.output(),
            states=states,
            decoded=(data_dir or default_data_dir()) if decoded else None,
            delete_them=yes,
        )
    )


@runs_app.command("retry")
def runs_retry(
    runs_dir: RunsDirArgument = Path("runs"),
    status: StatusOption = None,
    where: SelectedOption = None,
    data_dir: DataDirOption = None,
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    ray_address: RayAddressOption = None,
    ray_gpus: RayGpusOption = None,
    ray_insecure: RayInsecureOption = False,
    shared_store: SharedStoreOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train failed runs again, or those of other statuses, under their experiments.

    Examples:

    * `optbench runs retry`

    * `optbench runs retry --status interrupted --where dataset=mnist`
    """
    from optbench.commands.runs import read_statuses
    from optbench.commands.screen import Screen
    from optbench.commands.upkeep import retry_command
    from optbench.execution.study import asked

    options = asked(
        data_dir=data_dir,
        runs_dir=runs_dir,
        workers=workers,
        executor=executor,
        ray_address=ray_address,
        ray_gpus=ray_gpus,
        ray_insecure=ray_insecure,
        shared_store=shared_store,
    )
    screen = Screen(sys.stdout, terminal.width(), terminal.colour(), quiet)
    raise typer.Exit(
        retry_command(runs_dir, read_statuses(status or ()), where or (), options, screen)
    )


@runs_app.command("export")
def runs_export(
    runs_dirs: RunsDirs = None,
    to: Annotated[
        str,
        typer.Option(
            metavar="TRACKER", help="tensorboard[=FOLDER], mlflow[=URI] or wandb[=PROJECT]."
        ),
    ] = "tensorboard",
    status: StatusOption = None,
    where: SelectedOption = None,
) -> None:
    """Tell a tracker about stored runs; what it has of them already stays.

    Examples:

    * `optbench runs export runs/ --to mlflow=sqlite:///mlflow.db`

    * `optbench runs export runs/adam_mnist --to tensorboard=logs`
    """
    from optbench.commands.export import export_command
    from optbench.commands.runs import read_statuses

    roots = runs_dirs or [Path("runs")]
    statuses = read_statuses(status or ())
    screen = terminal.output()
    raise typer.Exit(export_command(roots, to, statuses, where or (), screen, terminal.errors()))
