"""Where the paths that an experiment file names start."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optbench.config.node import Node

PATHS_START = "a path in a YAML file starts at the folder of that file, in a command at yours"


def folder_of(node: Node) -> Path:
    """The folder of the file that a value stands in, or where the command is given."""
    return Path(node.mark.file).parent if node.mark.line else Path()


def beside(node: Node) -> Path:
    """The path that a value names, from the folder of its file."""
    path = Path(str(node.value))
    with suppress(RuntimeError):  # ~somebody who isn't here
        path = path.expanduser()
    return (folder_of(node) / path).resolve()
