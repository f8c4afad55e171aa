"""The command line: parse, call one function, turn the result into an exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from optbench import cli_start, cli_training, terminal
from optbench.cli_runs import runs_app
from optbench.errors import EXIT_OK
from optbench.options import (
    PAGE,
    PICTURE,
    TRUST,
    Assignments,
    ByOption,
    Configs,
    DataDirOption,
    DeviceOption,
    ExecutorOption,
    FallbackOption,
    ForceOption,
    FormatOption,
    JudgingFormatOption,
    MarginOption,
    MetricOption,
    OutputOption,
    RayAddressOption,
    RayGpusOption,
    RayInsecureOption,
    ReferenceOption,
    RunsDir,
    RunsDirs,
    Seeds,
    SharedStoreOption,
    TargetOption,
    UnitOption,
    WhereOption,
    WorkersOption,
)

app = typer.Typer(
    name="optbench",
    help="Tells, with evidence, which optimizer and which learning rate to use.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog="Begin with: `optbench init` (`optbench init --examples` writes configs/, too)",
)
app.add_typer(runs_app, name="runs")


def _listings() -> tuple[str, ...]:
    from optbench.catalog.listing import KINDS

    return tuple(KINDS)


def _objectives() -> tuple[str, ...]:
    from optbench.catalog.objectives import OBJECTIVES

    return tuple(OBJECTIVES)


def _optimizers() -> tuple[str, ...]:
    from optbench.catalog.optimizers import optimizers

    return tuple(optimizers())


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        from optbench import __version__

        sys.stdout.write(f"optbench {__version__}\n")
        raise typer.Exit(EXIT_OK)


cli_training.add_to(app)


@app.command()
def compare(
    runs_dirs: RunsDirs = None,
    output_format: JudgingFormatOption = "table",
    output: OutputOption = None,
    reference: ReferenceOption = None,
    metric: MetricOption = "test_accuracy",
    target: TargetOption = None,
    where: WhereOption = None,
    margin: MarginOption = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            help="Earlier runs: compare each setting with itself; 1 if one is worse.",
            rich_help_panel=TRUST,
        ),
    ] = None,
    methods: Annotated[
        bool,
        typer.Option(
            "--methods",
            help="How it was done: a paragraph and BibTeX for a paper.",
            rich_help_panel=TRUST,
        ),
    ] = False,
    audit: Annotated[
        bool,
        typer.Option(
            "--audit", help="Everything that is unfair, and what mends it.", rich_help_panel=TRUST
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Exit code 1 where the audit finds something.", rich_help_panel=TRUST
        ),
    ] = False,
    by: ByOption = "optimizer",
    unit: UnitOption = "steps",
    sort_by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Sort rows, e.g. by test_loss or lr.", rich_help_panel=PAGE
        ),
    ] = None,
    all_seeds: Annotated[
        bool, typer.Option("--all-seeds", help="A row a seed.", rich_help_panel=PAGE)
    ] = False,
    all_columns: Annotated[
        bool,
        typer.Option(
            "--all-columns/--only-changed",
            help="Columns that do not differ, too.",
            rich_help_panel=PAGE,
        ),
    ] = False,
    chart: Annotated[
        Path | None,
        typer.Option(
            help="Draw a picture too: .png, .svg, .pdf or .html.", rich_help_panel=PICTURE
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="Of what: curves, sensitivity, seeds, target, profile or heatmap; of a search: "
            "tuning, importances, slices or parallel.",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    x: Annotated[
        str | None,
        typer.Option(
            help="Its time in steps, epochs, examples or seconds.", rich_help_panel=PICTURE
        ),
    ] = None,
    log: Annotated[
        bool | None,
        typer.Option("--log/--linear", help="Its losses on such a scale.", rich_help_panel=PICTURE),
    ] = None,
) -> None:
    """Tabulate optimizers against each other, best setting of each first.

    Examples:

    * `optbench compare runs/ --reference sgd --target 0.95`

    * `optbench compare runs/ --format csv --output table.csv`

    * `optbench compare runs/ --chart curves.png`
    """
    from optbench.analysis.question import Question
    from optbench.commands.chart import asked_chart
    from optbench.commands.compare import Page, compare_command
    from optbench.report.view import View

    question = Question(metric, reference, target, tuple(where or ()), margin, by, unit)
    picture = asked_chart(chart, kind, x, log)
    view = View(sort_by, all_seeds, all_columns)
    page = Page(output_format, output, picture, view, methods, audit, strict)
    roots = runs_dirs or [Path("runs")]
    if baseline is not None:
        from optbench.commands.baseline import baseline_command

        raise typer.Exit(
            baseline_command(roots, baseline, question, page, terminal.output(), terminal.errors())
        )
    raise typer.Exit(compare_command(roots, question, page, terminal.output(), terminal.errors()))


@app.command()
def report(
    runs_dirs: RunsDirs = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page.")] = Path("report.html"),
    reference: ReferenceOption = None,
    metric: MetricOption = "test_accuracy",
    target: TargetOption = None,
    where: WhereOption = None,
    margin: MarginOption = None,
    by: ByOption = "optimizer",
    unit: UnitOption = "steps",
) -> None:
    """Write what finished runs show as one page for browsers, which needs no network.

    Example: `optbench report runs/ -o report.html`
    """
    from optbench.analysis.question import Question
    from optbench.commands.report import report_command

    question = Question(metric, reference, target, tuple(where or ()), margin, by, unit)
    roots = runs_dirs or [Path("runs")]
    raise typer.Exit(report_command(roots, question, output, terminal.errors()))


@app.command()
def verify(
    configs: Annotated[
        list[Path],
        typer.Argument(
            help="Experiment files with claims, or folders of them.",
            show_default=False,
            readable=False,
        ),
    ],
    assignments: Assignments = None,
    seeds: Seeds = None,
    device: DeviceOption = None,
    fallback: FallbackOption = True,
    data_dir: DataDirOption = None,
    runs_dir: RunsDir = Path("runs"),
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    ray_address: RayAddressOption = None,
    ray_gpus: RayGpusOption = None,
    ray_insecure: RayInsecureOption = False,
    shared_store: SharedStoreOption = False,
    force: ForceOption = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show only verdicts and errors.")
    ] = False,
    output_format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="table, markdown, json or junit.")
    ] = "table",
    output: OutputOption = None,
) -> None:
    """Judge the claims of experiments: supported, refuted or undecided.

    What is missing is trained first. Ends with 1 unless every verdict is the one that the
    claim's file expects.

    The files in configs/ come from `optbench init --examples`.

    Examples:

    * `optbench verify configs/claims/`

    * `optbench verify my.yaml --format junit --output claims.xml`
    """
    from optbench.commands.screen import Screen
    from optbench.commands.verify import verify_command
    from optbench.execution.study import asked

    options = asked(
        overrides=assignments,
        seeds=seeds,
        device=device,
        data_dir=data_dir,
        runs_dir=runs_dir,
        allow_fallback=fallback,
        workers=workers,
        executor=executor,
        ray_address=ray_address,
        ray_gpus=ray_gpus,
        ray_insecure=ray_insecure,
        shared_store=shared_store,
        force=force,
    )
    stream = sys.stdout if output_format == "table" and output is None else sys.stderr
    progress = Screen(stream, terminal.width(), terminal.colour(), quiet)
    raise typer.Exit(
        verify_command(configs, options, output_format, output, terminal.output(), progress)
    )


@app.command()
def validate(configs: Configs, assignments: Assignments = None) -> None:
    """Check experiment files without training; every mistake at once.

    Whether a model fits its data takes torch, and is left to `optbench run --dry-run`.

    The files in configs/ come from `optbench init --examples`.

    Examples:

    * `optbench validate experiment.yaml`

    * `optbench validate configs/*.yaml`
    """
    from optbench.commands.validate import validate_command

    raise typer.Exit(
        validate_command(configs, assignments or (), terminal.output(), terminal.errors())
    )


@app.command()
def check(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="OPTIMIZER",
            help="A name (adam), package.module:Class or ./file.py:Class.",
            show_default=False,
            autocompletion=_optimizers,
        ),
    ],
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="An argument, e.g. lr=0.01. Repeatable."),
    ] = None,
    limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="The longest that one check may take.")
    ] = 60,
    output_format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="table, markdown, csv or json.")
    ] = "table",
) -> None:
    """Test optimizers: do they learn, survive saving, respect groups, schedules and so on?

    Each in a process of its own. Ends with 1 unless all can be used: they construct, learn,
    resume and repeat to the byte. Several give a line each.

    Examples:

    * `optbench check ./mine.py:MyOptimizer --set lr=0.01`

    * `optbench check pytorch_optimizer:Lion pytorch_optimizer:SOAP`

    * `optbench check adam --format json`
    """
    from optbench.commands.check import check_command

    raise typer.Exit(
        check_command(targets, assignments or (), limit, output_format, terminal.output())
    )


@app.command()
def trajectory(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="A trajectory file (YAML), or an objective's name.",
            show_default=False,
            autocompletion=_objectives,
        ),
    ],
    assignments: Assignments = None,
    outputs: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write .gif, .mp4, .html, .png, .svg, .pdf, or rows as .csv, .json. Repeatable.",
        ),
    ] = None,
    output_format: FormatOption = "table",
) -> None:
    """Draw the paths of optimizers on a test function, and tell who is at a minimum first.

    Without a file: sgd, momentum, rmsprop and adam at lr=0.1 from the objective's usual start.

    The files in configs/ come from `optbench init --examples`.

    Examples:

    * `optbench trajectory sphere -o sphere.gif`

    * `optbench trajectory configs/trajectories/beale.yaml -o beale.html`

    * `optbench trajectory rosenbrock --set optimizer=adam --set steps=2000`
    """
    from optbench.commands.trajectory import trajectory_command

    code = trajectory_command(
        what, assignments or (), outputs or (), output_format, terminal.output(), terminal.errors()
    )
    raise typer.Exit(code)


@app.command("list")
def list_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="datasets, models, optimizers, schedules, losses, metrics or objectives.",
            show_default=False,
            autocompletion=_listings,
        ),
    ],
    output_format: FormatOption = "table",
) -> None:
    """List what an experiment file can name.

    Example: `optbench list optimizers`
    """
    from optbench.catalog.listing import headings, listing
    from optbench.report.catalogue import render_catalogue

    entries = listing(what)
    sys.stdout.write(
        render_catalogue(entries, output_format, headings=headings(what), width=terminal.width())
    )


cli_start.add_to(app)
