"""`optbench schema`: what editors check and complete experiment files by."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING

from optbench.catalog.json_schema import experiment_schema
from optbench.commands.screen import deliver
from optbench.errors import EXIT_OK

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.commands.screen import Screen

FILE = "experiment.schema.json"


def schema_command(output: Path | None, screen: Screen) -> int:
    """Write the JSON Schema of experiment files; the exit code."""
    deliver(schema_text(), output, screen)
    return EXIT_OK


def schema_text() -> str:
    """The schema, with the torch whose optimizers and schedules it knows."""
    made = f"Made by `optbench schema` with torch {'.'.join(version('torch').split('.')[:2])}."
    schema = {"$comment": made, **experiment_schema()}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
