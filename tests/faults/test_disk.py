"""A disk that takes no more: what is said, and that nothing is lost by it."""

from __future__ import annotations

import errno
import itertools
import random
import re
import resource
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from experiments import only_directory, run_module, status_of

from faults.counts import is_full, times
from faults.known_study import KnownStudy, results
from faults.mounts import read_only, resize, tmpfs
from faults.sabotage import Sabotage
from faults.storage_calls import fail_at
from optbench.errors import StoreError
from optbench.store.result import read_result
from optbench.store.rundir import RunDirectory
from optbench.training.checkpoint import from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.injections import Injection

pytestmark = pytest.mark.faults

REASONS = {
    errno.ENOSPC: "No space left on device",
    errno.EIO: "Input/output error",
    errno.EDQUOT: "Disk quota exceeded",
}
MEGABYTE = 1 << 20
WIDE: dict[str, Any] = {"model": {"name": "mlp", "hidden": [40_000]}}  # two checkpoints take 9.6 MB


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> KnownStudy:
    return KnownStudy(tmp_path_factory.mktemp("whole"), epochs=3)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> KnownStudy:
    return KnownStudy(tmp_path_factory.mktemp("whole"), epochs=3, **WIDE)


def stopped(run: KnownStudy, folder: Path, prepare: Callable[[], object] = int) -> tuple[int, str]:
    """The exit code of the command, and what it printed."""
    with run.begin(folder, prepare) as process:
        said = " ".join(process.lines())
        return process.wait(), said


def assert_goes_on(run: KnownStudy, folder: Path, said: str, reason: str) -> None:
    """What was said, where it stopped, and that it ends as if nothing had been."""
    assert re.search(rf"can't (write|read) \S+: {reason}", said), said
    committed = last_commit(folder)
    assert run.go_on(folder) == committed
    run.assert_whole(folder)


def last_commit(folder: Path) -> int:
    """The step that the newest whole checkpoint was stored at; of a completed run, the last."""
    found = [path.parent for path in folder.glob("runs/*/[!.]*/result.json")]
    if not found:
        return 0
    if status_of(found[0]) == "completed":
        # Only what comes after result.json may have failed: it is said of a run that is whole.
        assert {path.rpartition("/")[2] for path in results(folder)} == {
            "metrics.csv",
            "weights.pt",
        }
        return 12
    directory = RunDirectory(found[0])
    for path in directory.checkpoints():
        try:
            run_hash = read_result(found[0] / "result.json").run
            return int(from_bytes(directory.read_checkpoint(path), run_hash)["steps"])
        except StoreError:
            continue
    assert not directory.checkpoints()
    return 0


@pytest.mark.parametrize("number", REASONS, ids=errno.errorcode.get)
def test_a_disk_that_fails_at_any_change_is_named_and_costs_nothing(
    tmp_path: Path, run: KnownStudy, number: int, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("disk", "every change of the disk from the nth on fails")
    for call in itertools.count(1, 1 if is_full() else 15):
        folder = tmp_path / str(call)
        code, said = stopped(run, folder, partial(fail_at, call, number))
        if code == 0:
            assert call > 30
            break
        with fault.holds():
            assert code == 4, said
            assert_goes_on(run, folder, said, REASONS[number])


def test_a_full_disk_is_named_and_the_run_goes_on_once_there_is_room(
    tmp_path: Path, wide: KnownStudy, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("disk", "a file system of 1 to 8 MB in memory")
    draw = random.Random(0)
    for trial in range(times(20)):
        folder = tmp_path / str(trial)
        (folder / "runs").mkdir(parents=True)
        size = draw.randint(MEGABYTE, 8 * MEGABYTE)
        with tmpfs(folder / "runs", size):
            code, said = stopped(wide, folder)
            with fault.holds():
                assert code == 4, (size, said)
                assert status_of(only_directory(folder / "runs")) != "completed"
                resize(folder / "runs", 32 * MEGABYTE)
                assert_goes_on(wide, folder, said, "No space left on device")


def test_a_limit_on_file_sizes_is_named_and_the_run_goes_on_without_it(
    tmp_path: Path, run: KnownStudy, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("disk", "RLIMIT_FSIZE (`ulimit -f`) at random sizes")
    draw = random.Random(1)
    for trial in range(times(40)):
        folder = tmp_path / str(trial)
        size = draw.randint(100, 6000)  # a checkpoint has more
        code, said = stopped(run, folder, partial(limit_files, size))
        with fault.holds():
            assert code == 4, (size, said)
            assert_goes_on(run, folder, said, "File too large")


def limit_files(size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def refused_before_torch(folder: Path, store: Path) -> str:
    """What a command in a fresh interpreter says that imports no torch and trains nothing."""
    done = run_module(
        "run", folder / "tiny.yaml", "--runs-dir", store, cwd=folder,
        environment={"PYTHONPROFILEIMPORTTIME": "1"},
    )  # fmt: skip
    imported = set(re.findall(r"\| +(\S+)$", done.err, re.MULTILINE))
    assert "optbench.cli" in imported
    assert "torch" not in imported
    assert done.code == 4
    return "".join(line for line in done.err.splitlines() if not line.startswith("import time:"))


def test_a_read_only_store_is_refused_before_torch_is_imported(
    tmp_path: Path, run: KnownStudy, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("read-only", "remounted read-only")
    run.write(tmp_path)
    store = tmp_path / "runs"
    store.mkdir()
    with read_only(store), fault.holds():
        said = refused_before_torch(tmp_path, store)
        assert f"can't write {store}: Read-only file system" in said
        assert not list(store.iterdir())


@pytest.mark.parametrize("place", ["file", "file/runs", "/proc/optbench", "/dev/null"])
def test_a_store_that_cannot_be_made_is_refused_before_torch_is_imported(
    tmp_path: Path, run: KnownStudy, place: str, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("read-only", "a store that is missing and can't be made")
    run.write(tmp_path)
    (tmp_path / "file").touch()
    with fault.holds():
        assert "can't write" in refused_before_torch(tmp_path, tmp_path / place)


SABOTAGE = [
    Sabotage(
        "disk",
        "errors of writing are passed over",
        "optbench/store/atomic.py",
        "        raise write_error(path, error) from error\n\n\ndef half_written",
        "        pass\n\n\ndef half_written",
        "test_a_limit_on_file_sizes_is_named_and_the_run_goes_on_without_it",
    ),
    Sabotage(
        "disk",
        "the file that is written beside",
        "optbench/store/atomic.py",
        'return path.with_name(f".{path.name}.{os.getpid()}.tmp")',
        "return path",
        "test_a_disk_that_fails_at_any_change_is_named_and_costs_nothing",
    ),
    Sabotage(
        "read-only",
        "the look whether a store can be written",
        "optbench/execution/study.py",
        "    check_writable(options.store)",
        "    pass",
        "test_a_read_only_store_is_refused_before_torch_is_imported",
    ),
]
