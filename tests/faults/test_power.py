"""Power that fails at any moment: what the disk has by then is enough to go on."""

from __future__ import annotations

import itertools
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from faults.counts import is_full
from faults.known_study import KnownStudy, tell_steps, told_steps
from faults.power import lose_contents, lose_names, note_syncs
from faults.sabotage import Sabotage
from faults.storage_calls import kill_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.injections import Injection

pytestmark = [pytest.mark.faults, pytest.mark.slow]
LOSSES = {
    "what no fsync was waited for is empty": lose_contents,
    "names that no fsync of their folder was waited for are not there": lose_names,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> KnownStudy:
    return KnownStudy(tmp_path_factory.mktemp("whole"), epochs=4)


def prepared(folder: Path, call: int) -> None:
    """In the process that is cut off."""
    tell_steps(folder / "steps")
    note_syncs(folder / "synced")
    kill_at(call)


@pytest.mark.parametrize("by", LOSSES)
def test_power_that_fails_costs_two_epochs_at_most(
    tmp_path: Path, run: KnownStudy, by: str, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("power", f"at every fifth change of the disk: {by}")
    for call in itertools.count(1, 5 if is_full() else 25):
        folder = tmp_path / str(call)
        with run.begin(folder, partial(prepared, folder, call)) as process:
            code = process.wait()
        assert code in (0, -signal.SIGKILL)
        LOSSES[by](folder / "runs", folder / "synced")
        with fault.holds():
            twice = told_steps(folder / "steps") - run.go_on(folder)
            assert twice <= (2 * run.commit_steps if code else 0)  # what has ended stays so
            run.assert_whole(folder)
        if code == 0:  # it has fewer changes than that
            assert call > 50
            break


SABOTAGE = (
    Sabotage(
        "power",
        "waiting for the disk to have a file's content",
        "optbench/store/atomic.py",
        "            os.fsync(stream.fileno())\n",
        "            pass\n",
        "test_power_that_fails_costs_two_epochs_at_most",
    ),
    Sabotage(
        "power",
        "waiting for the disk to have a file's name",
        "optbench/store/atomic.py",
        "                sync_directory(path.parent)\n",
        "                pass\n",
        "test_power_that_fails_costs_two_epochs_at_most",
    ),
    Sabotage(
        "power",
        "waiting for the disk to have a checkpoint",
        "optbench/execution/recorder.py",
        "            self.directory.sync_checkpoint()\n",
        "            pass\n",
        "test_power_that_fails_costs_two_epochs_at_most",
    ),
)
