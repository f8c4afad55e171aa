"""One run by what a person calls it."""

from __future__ import annotations

from pathlib import Path

from optbench.errors import StoreError, UsageError
from optbench.store.scan import StoredRun, scan

_MOST_NAMED = 5


def find_run(name: str, root: Path) -> StoredRun:
    """A run by its directory, its directory's name (or a part of it) or the start of its hash.

    Raises `UsageError` where none or several fit, `StoreError` where it can't be read.
    """
    path = Path(name)
    if (path / "result.json").is_file():
        return _only(path)
    runs = scan(root).runs
    exact = [run for run in runs if run.path.name == name]
    fitting = exact or [r for r in runs if name in r.path.name or r.result.run.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise UsageError(f"no run under {root} is called {name!r}; see `optbench runs list`")
    listed = "\n".join(f"  {run.path}" for run in fitting[:_MOST_NAMED])
    raise UsageError(f"{name!r} fits {len(fitting)} runs; name one of them:\n{listed}")


def _only(path: Path) -> StoredRun:
    found = scan(path)
    if not found.runs:
        raise StoreError(str(found.notes[0]))
    return found.runs[0]
