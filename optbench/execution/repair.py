"""Mends run directories: what a checkpoint still holds is written again, the rest is named."""

from __future__ import annotations

import dataclasses
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from optbench.errors import StoreError
from optbench.store.checkpoint_header import fault_of
from optbench.store.damage import Repair
from optbench.store.leftovers import find_leftovers, put_back
from optbench.store.lock import RunLock, is_locked
from optbench.store.metrics import best_row
from optbench.store.own_config import CONFIG, check_config
from optbench.store.result import parse_result, read_result
from optbench.store.rundir import STATE, RunDirectory
from optbench.store.scan import run_directories
from optbench.store.stored_run import StoredRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from optbench.store.metrics import Row
    from optbench.store.result import Result
    from optbench.store.rundir import Timing


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
        unreadable = str(error).removeprefix(f"{directory}/")
        again = _from_checkpoint(directory, unreadable, None, dry=dry)
        return again or Repair(directory, unreadable, None)
    fault = _fault(directory, result)
    if result.status in ("completed", "diverged"):
        fault = fault or _config_fault(directory)
        return _of_state(directory) if fault is None else Repair(directory, fault, None)
    if result.status == "failed":
        return None
    if result.status != "running" and fault is None:
        return _of_checkpoints(directory, result.run)
    fault = fault or "its process is gone"
    return _from_checkpoint(directory, fault, result.run, dry=dry) or Repair(
        directory, f"{fault}, and no checkpoint is whole", "it will start over"
    )


def _from_checkpoint(
    directory: Path, fault: str, run_hash: str | None, *, dry: bool
) -> Repair | None:
    """Write the readable files again from the newest whole checkpoint; None without one."""
    newest, damaged = _newest(directory, run_hash)
    if newest is None:
        return None
    result, rows, timings = newest
    if not dry:
        RunDirectory(directory).write_progress(rows, timings, result)
    return Repair(directory, ", ".join([fault, *damaged]), _goes_on(rows))


def _of_checkpoints(directory: Path, run_hash: str) -> Repair | None:
    """What is amiss with an unfinished run of which all else is whole; nothing is to be written."""
    newest, damaged = _newest(directory, run_hash)
    if not damaged:
        return None
    done = "it will start over" if newest is None else _goes_on(newest[1])
    return Repair(directory, ", ".join(damaged), done)


def _of_state(directory: Path) -> Repair | None:
    """What is amiss with the last state that a finished run has kept, which is whole otherwise."""
    path = directory / STATE
    fault = fault_of(path) if os.path.lexists(path) else ""
    done = "no longer run goes on from it; optbench runs prune --states deletes it"
    return Repair(directory, f"{STATE} is damaged: {fault}", done) if fault else None


def _goes_on(rows: list[Row]) -> str:
    epoch = f"{rows[-1]['epoch']:g}" if rows else "0"
    return f"it goes on after epoch {epoch}"


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


def _newest(
    directory: Path, run_hash: str | None
) -> tuple[tuple[Result, list[Row], list[Timing]] | None, list[str]]:
    """What the newest whole checkpoint holds of that run, or of the one that the folder names.

    The second part says which newer ones are damaged.
    """
    folder, damaged = RunDirectory(directory), list[str]()
    if not folder.checkpoints():
        return None, damaged
    from optbench.training.checkpoint import from_bytes  # torch is needed here alone

    for path in folder.checkpoints():
        try:
            state = from_bytes(folder.read_checkpoint(path), run_hash)
            result = parse_result(state["result"].encode(), path.name)
            rows = [dict(row) for row in state["rows"]]
            timings: list[Timing] = [tuple(timing) for timing in state["timings"]]
        except Exception:  # noqa: BLE001 (whatever a stranger's file makes fail)
            damaged.append(f"{path.name} is damaged")
            continue
        if run_hash or directory.name.endswith(result.run[:8]):
            return (_interrupted(result, rows, timings), rows, timings), damaged
    return None, damaged


def _interrupted(result: Result, rows: list[Row], timings: list[Timing]) -> Result:
    return dataclasses.replace(
        result,
        status="interrupted",
        reason="its process ended without a word",
        last=rows[-1] if rows else None,
        best=best_row(rows),
        seconds=sum(train + rest for _, train, rest in timings),
    )
