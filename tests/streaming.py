"""Runs on data that stay in files: what a worker tells of them, and how little memory they take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.execution.data import load_data
from optbench.execution.plan import Planned
from optbench.execution.signals import Interruptions
from optbench.execution.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.config.spec import Run
    from optbench.training.events import Event

LIMITED = """
import json
import os
import resource
import sys
from pathlib import Path

import numpy as np
from experiments import make_learner, make_runs, train_all
from optbench.training.device import finish_imports

folder, room, dataset = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
(run,) = make_runs(
    folder, dataset=dataset, model={"name": "linear"}, training={"epochs": 1, "batch_size": 500}
)
os.chdir(folder)  # which is the data directory too
finish_imports()
(line,) = (line for line in open("/proc/self/status") if line.startswith("VmData"))
limit = room + 1024 * int(line.split()[1])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
learner = make_learner(run)
train_all(learner)
assert learner.failure is None, learner.failure
assert [row["epoch"] for row in learner.rows] == [0, 1]
try:
    (inputs,) = folder.glob(sys.argv[4])
    np.load(inputs)
except MemoryError:
    print("does not fit")
"""


def events(runs: tuple[Run, ...], store: Path) -> Iterator[Event]:
    """What a worker tells that trains runs together; it waits while nobody asks."""
    planned = [Planned(run, store / run.directory_name) for run in runs]
    return Worker(partial(load_data, data_dir=store), Interruptions()).train(planned, force=False)


def assert_trains_within(room: int, folder: Path, dataset: dict[str, Any], inputs: str) -> None:
    """A process loads and trains in so many bytes, which the file of the inputs is larger than."""
    tests = Path(__file__).parent
    process = subprocess.run(
        [sys.executable, "-c", LIMITED, folder, str(room), json.dumps(dataset), inputs],
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join([str(tests), *sys.path]),
            "XDG_CACHE_HOME": str(folder),
            "MALLOC_MMAP_THRESHOLD_": "1000000",  # what is freed is gone, not fragmented
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.stdout, process.returncode) == ("does not fit\n", 0), process.stderr
    (found,) = folder.glob(inputs)
    assert found.stat().st_size > room
