"""Loads experiment files, each in a process of its own that is killed where it takes too much.

Its arguments are paths; it prints a line of JSON for each.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from optbench.catalog.experiment import load_experiment
from optbench.errors import ConfigError

SECONDS = 2


def main() -> None:
    for path in sys.argv[1:]:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            os.write(writer, json.dumps(loaded(Path(path))).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as stream:
            told = stream.read()
        _, status = os.waitpid(child, 0)
        print(json.dumps({"status": status, **json.loads(told or b"{}")}))  # noqa: T201


def loaded(path: Path) -> dict[str, Any]:
    """What became of a file, and the peak of memory in kB."""
    problems: list[dict[str, Any]] = []
    try:
        load_experiment(path)
    except ConfigError as error:
        problems = [
            {"file": p.mark.file, "line": p.mark.line, "key": p.key, "text": str(p)[:500]}
            for p in error.problems
        ]
    peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
    return {"problems": problems, "peak": int(peak)}


if __name__ == "__main__":
    main()
