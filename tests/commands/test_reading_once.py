"""What `compare` costs grows with the number of runs: it opens each of their files once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from stored_runs import ADAM, SGD, write_seeds

ROOT = Path(__file__).parents[2]
# An audit hook can't be taken away again, so it gets a process of its own.
COUNTING = """
import atexit, json, os, sys
places = []
def hook(event, arguments):
    if event in ("open", "os.scandir", "os.listdir") and not isinstance(arguments[0], int):
        places.append(os.fspath(arguments[0]))
sys.addaudithook(hook)
atexit.register(lambda: print(json.dumps(places), file=sys.stderr))
from optbench.__main__ import main
main()
"""


def opened(store: Path, *options: str) -> Counter[str]:
    """How often `compare` opened each file and listed each folder of a store."""
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, "compare", store, *options],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    places = map(Path, json.loads(done.stderr.splitlines()[-1]))
    return Counter(str(place) for place in places if place.is_relative_to(store))


@pytest.mark.parametrize("options", [(), ("--format", "json"), ("--by", "setting")], ids=" ".join)
def test_every_file_of_a_run_is_opened_once(tmp_path: Path, options: tuple[str, ...]) -> None:
    for lr, optimizer in ((0.001, ADAM), (0.01, ADAM), (0.01, SGD)):
        accuracies = [0.95 + lr + 0.001 * seed for seed in range(8)]
        write_seeds(tmp_path, accuracies, optimizer=optimizer | {"lr": lr})
    found = opened(tmp_path, *options)
    files = [path for path in tmp_path.rglob("*") if path.suffix in (".json", ".csv")]
    assert len(files) == 3 * 8 * 2
    assert found.pop(str(tmp_path)) <= 3  # for runs, for searches, for what both leave out
    assert found == Counter(map(str, [*files, tmp_path / "adam_mnist"]))
