"""optbench tells, with evidence, which optimizer and which learning rate to use.

from optbench import compare, load_experiment, load_runs, run

run("configs/adam_mnist.yaml", "configs/sgd_mnist.yaml")
frame = load_runs("runs/")        # a tidy polars data frame, a row an evaluation
comparison = compare("runs/")     # what `optbench compare` shows, as data
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optbench.api import compare, load_runs
    from optbench.catalog.experiment import load_experiment
    from optbench.config.spec import Experiment, Run, Setting
    from optbench.errors import ConfigError, OptbenchError, UsageError
    from optbench.execution.study import run
    from optbench.store.stored_run import StoredRun

__version__: str  # found by __getattr__, as the others

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
    "ConfigError": "optbench.errors:ConfigError",
    "Experiment": "optbench.config.spec:Experiment",
    "OptbenchError": "optbench.errors:OptbenchError",
    "Run": "optbench.config.spec:Run",
    "Setting": "optbench.config.spec:Setting",
    "StoredRun": "optbench.store.stored_run:StoredRun",
    "UsageError": "optbench.errors:UsageError",
    "__version__": "optbench.version:VERSION",
    "compare": "optbench.api:compare",
    "load_experiment": "optbench.catalog.experiment:load_experiment",
    "load_runs": "optbench.api:load_runs",
    "run": "optbench.execution.study:run",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is: `import optbench` alone costs nothing.

    Raises `EnvironmentFault` where there is no POSIX system.
    """
    if name not in _HOMES:
        raise AttributeError(f"module 'optbench' has no attribute {name!r}")
    from optbench.systems import require_posix

    require_posix()
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
