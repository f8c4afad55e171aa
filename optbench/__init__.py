"""optbench tells, with evidence, which optimizer and which learning rate to use.

from optbench import compare, load_experiment, load_runs, run

run("configs/adam_mnist.yaml", "configs/sgd_mnist.yaml")
frame = load_runs("runs/")        # a tidy polars data frame, a row an evaluation
comparison = compare("runs/")     # what `optbench compare` shows, as data
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from optbench.version import VERSION

if TYPE_CHECKING:
    from optbench.api import compare, load_runs
    from optbench.catalog.experiment import load_experiment
    from optbench.config.spec import Experiment, Run, Setting
    from optbench.errors import ConfigError, OptbenchError, UsageError
    from optbench.execution.study import run
    from optbench.store.scan import StoredRun

__version__ = VERSION

__all__ = [
    "ConfigError",
    "Experiment",
    "OptbenchError",
    "Run",
    "Setting",
    "StoredRun",
    "UsageError",
    "compare",
    "load_experiment",
    "load_runs",
    "run",
]

_HOMES = {
    "ConfigError": "optbench.errors",
    "Experiment": "optbench.config.spec",
    "OptbenchError": "optbench.errors",
    "Run": "optbench.config.spec",
    "Setting": "optbench.config.spec",
    "StoredRun": "optbench.store.scan",
    "UsageError": "optbench.errors",
    "compare": "optbench.api",
    "load_experiment": "optbench.catalog.experiment",
    "load_runs": "optbench.api",
    "run": "optbench.execution.study",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is: `import optbench` alone costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'optbench' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
