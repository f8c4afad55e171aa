"""Mends run directories: what a checkpoint still holds is written again, the rest is named."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from typing import TYPE_CHECKING

from optbench.errors import StoreError
from optbench.store.damage import Repair
from optbench.store.leftovers import find_leftovers, put_back
from optbench.store.lock import RunLock, is_locked
from optbench.store.metrics import best_row
from optbench.store.own_config import CONFIG, check_config
from optbench.store.result import read_result
from optbench.store.rundir import RunDirectory
from optbench.store.scan import StoredRun, run_directories

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from optbench.store.result import Result


def repair(root: Path, *, dry: bool = False) -> Iterator[Repair]:
    """Mend the runs of a store, of an experiment or of one directory; a `dry` one changes nothing.

    Runs that are being trained are left alone. Raises StoreError where the disk refuses.
    """
    for leftover in find_leftovers(root):
        if leftover.kind == "aside" and leftover.run is not None:
            if not dry:
                put_back(leftover)
            yield Repair(leftover.run, "was put aside for a newer one", "it is back in its place")
    for directory in run_directories(root):
        with ExitStack() as held:
            if not _held(directory, held, dry=dry):
                continue
            found = _repair(directory, dry=dry)
            if found is not None:
                yield found


def _held(directory: Path, held: ExitStack, *, dry: bool) -> bool:
    """Whether the directory is ours to change, as long as `held` is."""
    if is_locked(directory):
        return False
    if dry:
        return True
    try:
        held.enter_context(RunLock(directory))
    except StoreError:
        return False
    return True


def _repair(directory: Path, *, dry: bool) -> Repair | None:
    try:
        result = read_result(directory / "result.json")
    except StoreError as error:
        return Repair(directory, str(error).removeprefix(f"{directory}/"), None)
    if result.status in ("completed", "diverged"):
        fault = _fault(directory, result) or _config_fault(directory)
        return None if fault is None else Repair(directory, fault, None)
    if result.status == "failed" or (
        result.status != "running" and _fault(directory, result) is None
    ):
        return None
    fault = _fault(directory, result) or "its process is gone"
    state = _newest(directory, result)
    if state is None:
        return Repair(directory, f"{fault}, and no checkpoint is whole", "it will start over")
    if not dry:
        _write_again(directory, result, state)
    rows = state["rows"]
    epoch = f"{rows[-1]['epoch']:g}" if rows else "0"
    return Repair(directory, fault, f"it goes on after epoch {epoch}")


def _fault(directory: Path, result: Result) -> str | None:
    """What is wrong with the files that a result names."""
    stored = StoredRun(directory, result)
    try:
        stored.check_every_file()
        _ = stored.rows
    except StoreError as error:
        return str(error).removeprefix(f"{directory}/")
    return None


def _config_fault(directory: Path) -> str | None:
    """The same of config.yaml, which an unfinished run writes again as it goes on."""
    try:
        check_config(directory / CONFIG)
    except StoreError as error:
        return str(error).removeprefix(f"{directory}/").partition("\n")[0]
    return None


def _newest(directory: Path, result: Result) -> dict[str, Any] | None:
    """What the newest whole checkpoint holds."""
    from optbench.training.checkpoint import from_bytes  # torch is needed here alone

    folder = RunDirectory(directory)
    for path in folder.checkpoints():
        try:
            return from_bytes(folder.read_checkpoint(path), result.run)
        except Exception:  # noqa: BLE001, S112 (whatever a stranger's file makes fail)
            continue
    return None


def _write_again(directory: Path, result: Result, state: dict[str, Any]) -> None:
    rows = [dict(row) for row in state["rows"]]
    timings = [tuple(timing) for timing in state["timings"]]
    interrupted = dataclasses.replace(
        result,
        status="interrupted",
        reason="its process ended without a word",
        last=rows[-1] if rows else None,
        best=best_row(rows),
        seconds=sum(train + rest for _, train, rest in timings),
    )
    RunDirectory(directory).write_progress(rows, timings, interrupted)
