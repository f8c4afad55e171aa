"""The commands to start from: an experiment of one's own, and an editor that knows such files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optbench import terminal
from optbench.options import OutputOption

if TYPE_CHECKING:
    from typer import Typer


def add_to(app: Typer) -> None:
    """Add the commands to those of optbench."""
    app.command()(init)
    app.command()(schema)


def init(
    file: Annotated[Path, typer.Argument(help="What to write.")] = Path("experiment.yaml"),
    optimizers: Annotated[
        list[str] | None,
        typer.Option(
            "--optimizer",
            metavar="NAME",
            help="What to compare with adam and sgd, e.g. ./mine.py:MyAdam. Repeatable.",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A name, or a file or folder of your own.  [mnist]"),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="A name or import path.  [one that fits]")
    ] = None,
    examples: Annotated[
        bool, typer.Option("--examples", help="Copy the shipped experiments and claims, too.")
    ] = False,
) -> None:
    """Write an experiment to start from, with comments, and the schema for your editor.

    In a terminal, without options, it asks.

    Examples:

    * `optbench init`

    * `optbench init mine.yaml --optimizer ./mine.py:MyAdam --dataset cifar10`

    * `optbench init --dataset measurements.csv --examples`
    """
    from optbench.commands.init import Wishes, init_command

    asks = not (optimizers or dataset or model) and sys.stdin.isatty() and sys.stdout.isatty()
    if asks:
        dataset = typer.prompt("Train on (a name, or your file or folder)", default="mnist")
        answer = typer.prompt("Compare with adam and sgd (names, or ./file.py:Class)", default="")
        optimizers = answer.replace(",", " ").split()
    wishes = Wishes(optimizers or (), dataset or "mnist", model)
    raise typer.Exit(init_command(file, wishes, terminal.output(), examples=examples))


def schema(output: OutputOption = None) -> None:
    """Write the JSON Schema of experiment files, by which editors check and complete them.

    It knows the optimizers and schedules of the torch that is installed. With the YAML language
    server (VS Code, Neovim, Emacs…) a file is checked that begins with
    `# yaml-language-server: $schema=experiment.schema.json`.

    Example: `optbench schema -o experiment.schema.json`
    """
    from optbench.commands.schema import schema_command

    raise typer.Exit(schema_command(output, terminal.output()))
