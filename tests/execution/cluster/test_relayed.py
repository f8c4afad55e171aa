"""What a node writes is written here: the same calls, in the same order."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from optbench.errors import StoreError
from optbench.execution.cluster.relayed import WRITES, RelayedDirectory, pointless
from optbench.store.rundir import RunDirectory

if TYPE_CHECKING:
    from pathlib import Path

# What the side that has the store does itself.
DRIVERS_OWN = {"create", "beside", "fail", "leftovers"}


def test_no_method_of_a_directory_reaches_the_disk_of_a_node() -> None:
    public = {name for name in vars(RunDirectory) if not name.startswith("_")}
    assert public - DRIVERS_OWN == {n for n in vars(RelayedDirectory) if not n.startswith("_")}


def test_each_write_is_told_by_its_name_with_its_arguments(tmp_path: Path) -> None:
    told: list[tuple[str, tuple[Any, ...]]] = []
    directory = RelayedDirectory(tmp_path, lambda *call: told.append(call), None, {})
    for name in WRITES:
        method = getattr(directory, name)
        method(*([] for _ in inspect.signature(method).parameters))
    assert [name for name, _ in told] == list(WRITES)
    for name, arguments in told:
        assert len(arguments) == len(inspect.signature(getattr(RunDirectory, name)).parameters) - 1


def test_rows_that_come_later_are_not_among_those_told(tmp_path: Path) -> None:
    told: list[tuple[str, tuple[Any, ...]]] = []
    directory = RelayedDirectory(tmp_path, lambda *call: told.append(call), None, {})
    rows: list[Any] = [{"steps": 0}]
    directory.write_progress(rows, [], None)  # type: ignore[arg-type]
    rows.append({"steps": 4})
    assert told[0][1][0] == [{"steps": 0}]


def test_checkpoints_are_those_sent_along(tmp_path: Path) -> None:
    kept = {tmp_path / "checkpoint.pt": b"new", tmp_path / "checkpoint.prev.pt": b"old"}
    directory = RelayedDirectory(tmp_path, lambda *_: None, None, kept)
    assert [directory.read_checkpoint(path) for path in directory.checkpoints()] == [b"new", b"old"]


def test_the_last_state_of_a_shorter_run_is_read_and_is_no_checkpoint(tmp_path: Path) -> None:
    base = tmp_path / "shorter" / "state.pt"
    sent = {tmp_path / "checkpoint.pt": b"new", base: b"last"}
    directory = RelayedDirectory(tmp_path / "run", lambda *_: None, None, sent)
    assert directory.checkpoints() == (tmp_path / "checkpoint.pt",)
    assert directory.read_checkpoint(base) == b"last"
    with pytest.raises(StoreError, match="can't be read"):
        directory.read_checkpoint(tmp_path / "state.pt")


@pytest.mark.parametrize(
    ("status", "left"),
    [
        ("completed", ["write_config", "write_end"]),
        ("diverged", ["write_config", "write_end"]),
        ("failed", ["write_config", "write_checkpoint", "log", "write_end"]),
    ],
)
def test_a_run_that_ended_before_anything_was_sent_is_told_by_its_end(
    status: str, left: list[str]
) -> None:
    result: Any = SimpleNamespace(status=status)
    calls: list[tuple[str, tuple[Any, ...]]] = [
        ("write_config", ("",)),
        ("write_progress", ([], [], result)),
        ("write_checkpoint", (b"1",)),
        ("write_progress", ([], [], result)),
        ("write_checkpoint", (b"2",)),
        ("write_progress", ([], [], result)),
        *([("log", ("trace",))] if status == "failed" else []),
        ("write_end", ([], [], result, None)),
    ]
    kept: list[tuple[str, tuple[Any, ...]]] = []
    for method, arguments in calls:
        kept = [call for call in kept if call[0] not in pointless(method, arguments)]
        kept.append((method, arguments))
    assert [name for name, _ in kept] == left
    assert all(arguments == (b"2",) for name, arguments in kept if name == "write_checkpoint")
