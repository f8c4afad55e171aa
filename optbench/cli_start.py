"""The commands to start from: an experiment of one's own, and an editor that knows such files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from optbench import terminal
from optbench.options import OutputOption

if TYPE_CHECKING:
    from typer import Typer


def add_to(app: Typer) -> None:
    """Add the commands to those of optbench."""
    app.command()(schema)


def schema(output: OutputOption = None) -> None:
    """Write the JSON Schema of experiment files, by which editors check and complete them.

    It knows the optimizers and schedules of the torch that is installed. With the YAML language
    server (VS Code, Neovim, Emacs…) a file is checked that begins with
    `# yaml-language-server: $schema=experiment.schema.json`.

    Example: `optbench schema -o experiment.schema.json`
    """
    from optbench.commands.schema import schema_command

    raise typer.Exit(schema_command(output, terminal.output()))
