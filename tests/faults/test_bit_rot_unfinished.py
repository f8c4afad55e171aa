"""A bit that flips in an unfinished run, a file of it that is cut: it ends with the same bytes."""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from experiments import TINY_EPOCH_STEPS, only_directory

from faults.known_study import KnownStudy
from faults.sabotage import Sabotage
from faults.test_bit_rot import damages
from optbench.errors import StoreError
from optbench.execution.repair import repair
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.injections import Injection

pytestmark = pytest.mark.faults

FILES = ["config.yaml", "metrics.csv", "timing.csv", "result.json", "lock", "log.txt"]
CHECKPOINTS = ["checkpoint.pt", "checkpoint.prev.pt"]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> KnownStudy:
    return KnownStudy(tmp_path_factory.mktemp("whole"), epochs=3)


@pytest.fixture(scope="module")
def killed(known: KnownStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose run was killed in its third epoch, with checkpoints of the two before."""
    folder = tmp_path_factory.mktemp("killed")
    known.begin_and_be_killed(folder)
    directory = only_directory(folder / "runs")
    (directory / "log.txt").write_text("a warning\n")
    (directory / "lock").write_text("nothing reads it\n")
    assert {path.name for path in directory.iterdir()} == {*FILES, *CHECKPOINTS}
    return folder


@pytest.mark.parametrize("name", [*FILES, *CHECKPOINTS])
def test_a_damaged_file_of_a_killed_run_costs_no_byte_of_its_end(
    tmp_path: Path,
    known: KnownStudy,
    killed: Path,
    name: str,
    injecting: Callable[[str, str], Injection],
) -> None:
    fault = injecting("bit-rot", f"bits of a killed run's {name}, and lengths; it goes on")
    folder = tmp_path / "damaged"
    many = (400, 100) if name in CHECKPOINTS else (40, 10)  # the others are written again
    for _ in damages(only_directory(killed / "runs") / name, *many):
        shutil.copytree(killed, folder)
        with fault.holds():
            step = known.go_on(folder)
            known.assert_whole(folder)
            if name == "checkpoint.pt":
                log = only_directory(folder / "runs") / "log.txt"
                assert step == TINY_EPOCH_STEPS
                assert "checkpoint.pt is left aside: its digest is not" in log.read_text()
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_without_a_whole_checkpoint_a_run_starts_over_and_says_so(
    tmp_path: Path,
    known: KnownStudy,
    killed: Path,
    name: str,
    injecting: Callable[[str, str], Injection],
) -> None:
    fault = injecting("bit-rot", "both checkpoints of a killed run; it starts over")
    folder = tmp_path / "damaged"
    shutil.copytree(killed, folder)
    directory = only_directory(folder / "runs")
    for path in (directory / one for one in CHECKPOINTS):
        path.write_bytes(path.read_bytes()[: 1 if path.name == name else -1])
    (found,) = repair(folder / "runs", dry=True)
    with fault.holds():
        assert "no checkpoint is whole" in found.fault
        assert known.go_on(folder) == 0
        known.assert_whole(folder)
        assert (directory / "log.txt").read_text().count("is left aside: its digest is not") == 2


@pytest.mark.parametrize("name", ["metrics.csv", "timing.csv", "result.json"])
def test_a_damaged_file_of_a_killed_run_shows_no_other_number(
    killed: Path, name: str, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("bit-rot", f"400 bits of a killed run's {name}, and 100 lengths; it is shown")
    directory = only_directory(killed / "runs")
    (whole,) = scan(directory).runs
    for _ in damages(directory / name):
        with fault.holds():
            found = scan(directory)
            if not found.runs:
                assert [note.kind for note in found.notes] == ["damaged"]
                continue
            assert found.runs[0].result == whole.result
            with suppress(StoreError):  # which names the file
                assert found.runs[0].rows == whole.rows


SABOTAGE = [
    Sabotage(
        "bit-rot",
        "the digest of checkpoints",
        "optbench/training/checkpoint.py",
        "if sealed[:HEADER_BYTES] != header(content):",
        "if False:",
        "test_a_damaged_file_of_a_killed_run_costs_no_byte_of_its_end[checkpoint.pt]",
    ),
    Sabotage(
        "bit-rot",
        "the rows that a killed run is known to have",
        "optbench/store/stored_run.py",
        'if expected and self.status != "running":',
        "if expected and not self.killed:",
        "test_a_damaged_file_of_a_killed_run_shows_no_other_number[metrics.csv]",
    ),
]
