"""A store of ten thousand runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from experiments import PACKAGE
from stored_runs import ADAM, SGD, make_rows, write_run

from faults.counts import is_full, times
from faults.sabotage import Sabotage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.injections import Injection

pytestmark = [pytest.mark.faults, pytest.mark.slow]

SECONDS, MEGABYTES = 15, 500  # what docs/reliability.md states: of processor, of memory
SEEDS = 10
MEASURED = """
import resource, subprocess, sys, time
began = time.monotonic()
done = subprocess.run([sys.executable, "-m", "optbench", *sys.argv[1:]], stdout=sys.stdout)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss // 1024, done.returncode, file=sys.stderr)
"""


def test_ten_thousand_runs_are_compared_within_what_is_stated(
    tmp_path: Path, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("many", "finished runs in one store, of two optimizers and ten seeds")
    runs = times(10_000)
    for index in range(runs):
        number, seed = divmod(index, SEEDS)
        optimizer = (ADAM if number % 2 else SGD) | {"lr": 0.001 * (1 + number // 2)}
        rows = make_rows([0.1, 0.5, 0.7, 0.8, 0.85, 0.9 + 0.0001 * (number % 7) + 0.001 * seed])
        write_run(tmp_path, rows, optimizer=optimizer, seed=seed)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "compare", tmp_path, "--format", "json"],
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, megabytes, code = map(float, done.stderr.splitlines()[-1].split())
    with fault.holds(runs):
        assert code == 0, done.stderr
        (problem,) = json.loads(done.stdout)["problems"]
        assert sum(setting["completed"] for setting in problem["settings"]) == runs
        if is_full():
            assert seconds < SECONDS
            assert megabytes < MEGABYTES
    print(f"{runs:,} runs: {seconds:.1f} s of processor, {megabytes:.0f} MB")  # noqa: T201


SABOTAGE = (
    Sabotage(
        "many",
        "reading each run's rows once",
        "optbench/store/stored_run.py",
        "    @cached_property\n    def rows(",
        "    @property\n    def rows(",
        "test_ten_thousand_runs_are_compared_within_what_is_stated",
        full=True,
    ),
)
