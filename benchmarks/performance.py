"""All that docs/performance.md says in numbers, measured again, with its pictures.

    python benchmarks/performance.py DATA_DIR [--quick] [--peers PYTHON] [--parts race floor …]

Writes the page's tables between their markers, the results beside it as JSON, and the pictures.
Takes about ten minutes on two idle cores, with --quick four. DATA_DIR holds MNIST/raw.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import children
from children import HERE, ROOT
from page import write_page
from plots import draw


@dataclass(frozen=True)
class Measurement:
    """A script that prints JSON in the end; `quick` is told to it for a glance."""

    script: str
    files: tuple[str, ...]  # the options of ours that it takes too
    words: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()


GLANCE = ("--rounds", "1")
PARTS = {
    "race": Measurement("race.py", ("study", "peers"), ("--peer-rounds", "2"), GLANCE),
    "single": Measurement("single_run.py", ("config",), ("--rounds", "3"), GLANCE),
    "floor": Measurement("floor.py", ("study",), (), ("--rows", "2")),
    "profile": Measurement("step_profile.py", ("study",), (), ("--rows", "2")),
    "cost": Measurement("cohort_cost.py", ("study",), ("--rows", "2"), ("--sizes", "1", "5", "25")),
    "small": Measurement("small_models.py", (), (), ("--rows", "2")),
    "tuning": Measurement("tuning_speed.py", ("peers", "search"), ("--rounds", "2"), GLANCE),
    "process": Measurement("process_cost.py", ("study",), (), GLANCE),
    "commit": Measurement("commit_cost.py", ("config",), (), GLANCE),
    "decide": Measurement("decide_cost.py", (), (), GLANCE),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data_dir", type=Path)
    arguments.add_argument("--quick", action="store_true", help="fewer rounds: a glance")
    arguments.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    arguments.add_argument("--peers", default=sys.executable, help="a Python that has the peers")
    arguments.add_argument("--study", type=Path, default=HERE / "study.yaml")
    arguments.add_argument("--search", type=Path, default=HERE / "tuning.yaml")
    arguments.add_argument("--config", type=Path, default=ROOT / "configs" / "adam_mnist.yaml")
    arguments.add_argument("--page", type=Path, default=ROOT / "docs" / "performance.md")
    given = arguments.parse_args()
    stored = given.page.with_suffix(".json")
    results: dict[str, Any] = json.loads(stored.read_text()) if stored.exists() else {}
    results["machine"] = machine()
    for name in given.parts:
        results[name] = measured(PARTS[name], given)
        print(f"{name}: {json.dumps(results[name])}", flush=True)
        stored.write_text(json.dumps(results, indent=1) + "\n")
    write_page(given.page, results)
    draw(results, given.page.parent)


def measured(part: Measurement, given: argparse.Namespace) -> Any:
    command: list[str | Path] = [sys.executable, HERE / part.script]
    if part.script not in ("small_models.py", "decide_cost.py"):  # their data come with optbench
        command.append(given.data_dir.resolve())
    for option in part.files:
        value = getattr(given, option)
        command += [f"--{option}", value.resolve() if isinstance(value, Path) else value]
    child = children.run([*command, *part.words, *(part.quick if given.quick else ())])
    return json.loads(child.out.splitlines()[-1])


def machine() -> dict[str, str | int | None]:
    import torch

    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def processor() -> str:
    """Its model's name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


if __name__ == "__main__":
    main()
