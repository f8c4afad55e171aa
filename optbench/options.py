"""The options that several commands take, as typer reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# Parts of --help.
QUESTION, PAGE, TRUST, PICTURE, CLUSTER = "Question", "Page", "Trust", "Picture", "Cluster"

_WHERE = "Only these runs, e.g. lr=1e-3,1e-2. Repeatable."


def _formats() -> tuple[str, ...]:
    from optbench.report.formats import FORMATS

    return FORMATS


def _judging_formats() -> tuple[str, ...]:
    from optbench.report.formats import JUDGING_FORMATS

    return JUDGING_FORMATS


# What of a file can't be read is told by whoever reads it, as all else of it is: `readable=False`.
Configs = Annotated[
    list[Path],
    typer.Argument(help="Experiment files (YAML).", show_default=False, readable=False),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Set a value, e.g. optimizer.lr=1e-2. Repeatable."
    ),
]
Seeds = Annotated[
    str | None, typer.Option(metavar="SEEDS", help="A count (5), a list (0,3,7; 0-4) or +5.")
]
DeviceOption = Annotated[
    str | None, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps.")
]
FallbackOption = Annotated[
    bool, typer.Option("--fallback/--no-fallback", help="Let `fallback` data stand in.")
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(help="Where data sets are; else $OPTBENCH_DATA, else the user's cache."),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Train finished runs again.")]
ExtendOption = Annotated[
    bool,
    typer.Option(
        "--extend",
        help="Refuse longer runs that can't go on from shorter ones: tied to length, or damaged.",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show only errors.")]
WorkersOption = Annotated[
    int | None, typer.Option(metavar="N", help="Processes to train in.  [default: one a core]")
]
TrackOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TRACKER",
        help="Tell tensorboard[=FOLDER], mlflow[=URI] or wandb[=PROJECT] too. Repeatable.",
    ),
]
MaxTimeOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Stop after 90s, 45m or 1h30m; the same command goes on."),
]
ExecutorOption = Annotated[
    str,
    typer.Option(
        "--executor",
        metavar="WHAT",
        help="local processes, or ray: a Ray cluster.",
        rich_help_panel=CLUSTER,
    ),
]
RayAddressOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="auto or HOST:PORT.  [default: a cluster of this machine's own]",
        rich_help_panel=CLUSTER,
    ),
]
RayGpusOption = Annotated[
    float | None,
    typer.Option(
        metavar="N",
        help="GPUs a cohort, up to 1; 0.5 lets two share one.  [default: 1]",
        rich_help_panel=CLUSTER,
    ),
]
RayInsecureOption = Annotated[
    bool,
    typer.Option(
        "--ray-insecure",
        help="Allow a cluster that asks nobody for a token.",
        rich_help_panel=CLUSTER,
    ),
]
SharedStoreOption = Annotated[
    bool,
    typer.Option(
        "--shared-store",
        help="All nodes see the runs directory: what is big is put there, not sent.",
        rich_help_panel=CLUSTER,
    ),
]
RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Where run directories are.")]
RunsDirArgument = Annotated[Path, typer.Argument(help="Where run directories are.")]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="table, markdown, csv, json or latex.",
        autocompletion=_formats,
    ),
]
JudgingFormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="table, markdown, csv, json, latex or junit.",
        autocompletion=_judging_formats,
        rich_help_panel=PAGE,
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write to this file instead; - is standard output."),
]
RunsDirs = Annotated[
    list[Path] | None, typer.Argument(help="Where run directories are.  [default: runs]")
]
ReferenceOption = Annotated[
    str | None,
    typer.Option(
        help="What the others are compared with; else the first found of sgd, momentum, adam.",
        rich_help_panel=QUESTION,
    ),
]
MetricOption = Annotated[
    str, typer.Option(help="The metric that is compared.", rich_help_panel=QUESTION)
]
TargetOption = Annotated[
    float | None,
    typer.Option(
        help="When was it reached? In the metric's unit, e.g. 0.95.", rich_help_panel=QUESTION
    ),
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help=_WHERE, rich_help_panel=QUESTION),
]
SelectedOption = Annotated[  # of commands that ask nothing of the runs
    list[str] | None, typer.Option("--where", metavar="KEY=VALUE", help=_WHERE)
]
StatusOption = Annotated[
    list[str] | None,
    typer.Option(metavar="STATUS", help="Only these runs, e.g. running,failed. Repeatable."),
]
MarginOption = Annotated[
    float | None,
    typer.Option(
        help="Differences within it count as equivalent, e.g. 0.005.", rich_help_panel=QUESTION
    ),
]
ByOption = Annotated[
    str,
    typer.Option(
        metavar="WHAT",
        help="Judge the best of each optimizer, or each setting.",
        rich_help_panel=QUESTION,
    ),
]
UnitOption = Annotated[
    str,
    typer.Option(
        metavar="UNIT",
        help="Time to target: steps, epochs, examples or seconds.",
        rich_help_panel=QUESTION,
    ),
]
