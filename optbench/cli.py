"""The command line: parse, call one function, turn the result into an exit code."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optbench.errors import EXIT_OK

if TYPE_CHECKING:
    from optbench.commands.screen import Screen

app = typer.Typer(
    name="optbench",
    help="Tells, with evidence, which optimizer and which learning rate to use.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog="Begin with: `optbench run configs/adam_mnist.yaml configs/sgd_mnist.yaml`",
)
runs_app = typer.Typer(no_args_is_help=True, help="List runs, or show one.")
app.add_typer(runs_app, name="runs")


def _formats() -> tuple[str, ...]:
    from optbench.report.formats import FORMATS

    return FORMATS


def _listings() -> tuple[str, ...]:
    from optbench.catalog.listing import KINDS

    return tuple(KINDS)


Configs = Annotated[list[Path], typer.Argument(help="Experiment files (YAML).", show_default=False)]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a value, e.g. optimizer.lr=1e-2."),
]
Seeds = Annotated[
    str | None, typer.Option(metavar="SEEDS", help="A count (5), a list (0,3,7; 0-4) or +5.")
]
RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Where run directories are.")]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="table, markdown, csv or json.",
        autocompletion=_formats,
    ),
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to this file instead.")
]


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        from optbench import __version__

        _say(f"optbench {__version__}")
        raise typer.Exit(EXIT_OK)


@app.command()
def run(
    configs: Configs,
    assignments: Assignments = None,
    seeds: Seeds = None,
    device: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps.")
    ] = None,
    fallback: Annotated[
        bool,
        typer.Option("--fallback/--no-fallback", help="Let `fallback` data stand in."),
    ] = True,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Where data sets are; else $OPTBENCH_DATA, else the user's cache."),
    ] = None,
    runs_dir: RunsDir = Path("runs"),
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes to train in.  [default: one a core]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Train finished runs again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the runs, train none.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only errors.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="A JSON object a finished run on standard output.")
    ] = False,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="A few hundred examples and steps: does it work?")
    ] = False,
) -> None:
    """Train every run of experiments that is not finished, and compare them.

    A run that was stopped goes on where it was; a finished one is not trained again.

    Examples:

    * `optbench run configs/adam_mnist.yaml configs/sgd_mnist.yaml`

    * `optbench run configs/adam_vs_sgd_mnist.yaml --seeds 3 --set training.epochs=2`

    * `optbench run my.yaml --smoke`
    """
    from optbench.commands.run import run_command
    from optbench.commands.screen import Screen
    from optbench.execution.study import Options

    options = Options(
        overrides=tuple(assignments or ()),
        seeds=seeds,
        device=device,
        data_dir=data_dir,
        runs_dir=runs_dir,
        allow_fallback=fallback,
        force=force,
        smoke=smoke,
        workers=workers,
    )
    stream = sys.stderr if json else sys.stdout
    screen = Screen(stream, _width(), _colour() and not json, quiet)
    code = run_command(configs, options, screen, dry_run=dry_run, json=json)
    raise typer.Exit(code)


@app.command()
def compare(
    runs_dirs: Annotated[
        list[Path] | None, typer.Argument(help="Where run directories are.  [default: runs]")
    ] = None,
    output_format: FormatOption = "table",
    output: OutputOption = None,
    reference: Annotated[
        str | None, typer.Option(help="What the others are compared with, e.g. sgd.")
    ] = None,
    metric: Annotated[str, typer.Option(help="The metric that is compared.")] = "test_accuracy",
    target: Annotated[
        float | None, typer.Option(help="When was it reached? In the metric's unit, e.g. 0.95.")
    ] = None,
    chart: Annotated[
        Path | None, typer.Option(help="Draw the curves too: .png, .svg or .html.")
    ] = None,
) -> None:
    """Tabulate optimizers against each other, best setting of each first.

    Examples:

    * `optbench compare runs/ --reference sgd --target 0.95`

    * `optbench compare runs/ --format csv --output table.csv`

    * `optbench compare runs/ --chart curves.png`
    """
    from optbench.analysis.question import Question
    from optbench.commands.compare import Page, compare_command

    question = Question(metric, reference, target)
    page = Page(output_format, output, chart)
    roots = runs_dirs or [Path("runs")]
    raise typer.Exit(compare_command(roots, question, page, _screen(), _errors()))


@app.command()
def validate(configs: Configs, assignments: Assignments = None) -> None:
    """Check experiment files without training; every mistake at once.

    Example: `optbench validate configs/*.yaml`
    """
    from optbench.catalog.experiment import load_experiment
    from optbench.errors import ConfigError, Problem
    from optbench.report.plan import describe_experiment

    problems: list[Problem] = []
    for config in configs:
        try:
            experiment = load_experiment(config, overrides=assignments or ())
        except ConfigError as error:
            problems += error.problems
        else:
            _say(describe_experiment(experiment))
    if problems:
        raise ConfigError(problems)


@app.command("list")
def list_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="datasets, models, optimizers or schedules.",
            show_default=False,
            autocompletion=_listings,
        ),
    ],
    output_format: FormatOption = "table",
) -> None:
    """List what an experiment file can name.

    Example: `optbench list optimizers`
    """
    from optbench.catalog.listing import listing
    from optbench.report.catalogue import render_catalogue

    _write(render_catalogue(listing(what), output_format, width=_width()))


@runs_app.command("list")
def runs_list(runs_dir: RunsDir = Path("runs"), output_format: FormatOption = "table") -> None:
    """List all runs with their state."""
    from optbench.report.runs import render_notes, render_runs
    from optbench.store.scan import scan

    found = scan(runs_dir)
    width = _width() if sys.stdout.isatty() else None  # a pipe gets every column
    _write(render_runs(found.runs, output_format, colour=_colour(), width=width))
    _complain(render_notes(found.notes, width=_notes_width()))


@runs_app.command("show")
def runs_show(
    run: Annotated[str, typer.Argument(help="Its directory, its name or the start of its hash.")],
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Show one run: configuration, last rows, environment and files."""
    from optbench.report.runs import render_run
    from optbench.store.scan import find_run, is_run_directory, scan

    directory = Path(run)
    root = directory if is_run_directory(directory) else runs_dir
    found = find_run(scan(root).runs, str(directory))
    _write(render_run(found, colour=_colour(), width=_width()))


def _screen() -> Screen:
    from optbench.commands.screen import Screen

    return Screen(sys.stdout, _width(), _colour())


def _errors() -> Screen:
    from optbench.commands.screen import Screen

    return Screen(sys.stderr, _notes_width(), colour=False)


def _write(text: str) -> None:
    sys.stdout.write(text)


def _say(text: str) -> None:
    _write(f"{text}\n")


def _complain(text: str) -> None:
    if text:
        sys.stderr.write(f"{text.rstrip()}\n")


def _width() -> int:
    return shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 80


def _notes_width() -> int | None:
    return shutil.get_terminal_size((80, 24)).columns if sys.stderr.isatty() else None


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
