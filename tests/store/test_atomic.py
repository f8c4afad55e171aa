from __future__ import annotations

import hashlib
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from stored_runs import make_rows, write_run

from optbench.errors import StoreError, UsageError
from optbench.store import atomic
from optbench.store.atomic import write_atomic, write_output, write_together
from optbench.store.staged import Content, Staged


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_made_and_replaced_and_nothing_is_left_beside(
    tmp_path: Path, durable: bool
) -> None:
    path = tmp_path / "metrics.csv"
    for content in (b"one", b"another", b""):
        write_atomic(path, content, durable=durable)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("started", [0, 1])
def test_files_are_written_one_after_the_other_where_no_thread_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: int
) -> None:
    start, left = threading.Thread.start, [None] * started

    def refused(thread: threading.Thread) -> None:
        if not left:
            raise RuntimeError("can't start new thread")  # as Python does without memory
        left.pop()
        start(thread)

    atomic._threads.cache_clear()  # others may have been had before
    monkeypatch.setattr(threading.Thread, "start", refused)
    contents = {tmp_path / name: name.encode() for name in ("one", "two", "three")}
    write_together(contents)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == contents


def test_a_fork_has_threads_of_its_own(tmp_path: Path) -> None:
    contents = {tmp_path / name: name.encode() for name in ("one", "two")}
    write_together(contents)
    forked = multiprocessing.get_context("fork").Process(target=write_together, args=(contents,))
    forked.start()
    forked.join(60)
    assert forked.exitcode == 0


def test_a_reader_that_has_the_old_file_open_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    write_atomic(path, b"old")
    with path.open("rb") as stream:
        write_atomic(path, b"new")
        assert stream.read() == b"old"


def test_a_disk_that_takes_no_more_leaves_the_old_file_and_names_it(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    write_atomic(path, b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(StoreError, match=rf"can't write {path}: File too large") as told:
            write_atomic(path, b"n" * 2_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert told.value.exit_code == 4
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"can't write .*file/result\.json: Not a directory"):
        write_atomic(tmp_path / "file" / "result.json", b"")


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    path = tmp_path / "result.json"
    path.symlink_to(elsewhere)
    write_atomic(path, b"new")
    assert elsewhere.read_bytes() == b"precious"
    assert path.read_bytes() == b"new"
    assert not path.is_symlink()


def test_the_content_reaches_the_disk_before_the_name_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result.json"
    calls: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        calls.append("content" if not path.exists() else "name")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    write_atomic(path, b"new")
    assert calls == ["content", "name"]


def test_a_users_file_is_made_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    for content in (b"one", b"another", b""):
        write_output(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("dangling", [False, True])
def test_a_users_link_stays_and_its_target_is_replaced(tmp_path: Path, dangling: bool) -> None:
    target, path = tmp_path / "shared" / "table.csv", tmp_path / "table.csv"
    target.parent.mkdir()
    path.symlink_to("shared/table.csv")
    if not dangling:
        target.write_bytes(b"old")
        os.link(target, tmp_path / "reader")
    write_output(path, b"new")
    assert path.is_symlink()
    assert list(target.parent.iterdir()) == [target]
    assert target.read_bytes() == b"new"
    if not dangling:  # replaced in one step: who has the old file open keeps it
        assert (tmp_path / "reader").read_bytes() == b"old"


def test_a_fifo_is_written_to_and_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(path.read_bytes()), daemon=True)
    reader.start()
    write_output(path, b"new")
    reader.join(60)
    assert received == [b"new"]
    assert path.is_fifo()


def test_a_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="can't write /dev/full: No space left on device"):
        write_output(Path("/dev/full"), b"new")
    link = tmp_path / "null"
    link.symlink_to(os.devnull)
    write_output(link, b"new")
    assert link.is_symlink()
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_name_is_appended_to_where_it_stands(tmp_path: Path, name: str) -> None:
    written = tmp_path / "out.txt"
    program = f"""
import os
from pathlib import Path
from optbench.store.atomic import write_output
write_output(Path({name!r}), b"new\\n")
os.write(1, b"last\\n")
"""
    with written.open("wb") as stream:
        stream.write(b"first\n")
        stream.flush()
        subprocess.run([sys.executable, "-c", program], stdout=stream, check=True)
    assert written.read_bytes() == b"first\nnew\nlast\n"


def test_a_directory_in_place_of_a_users_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{tmp_path} is a directory; name a file in it"):
        write_output(tmp_path, b"new")


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    with pytest.raises(StoreError, match=f"there is no folder {folder}; make it"):
        write_output(folder / "table.csv", b"new")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x" * 300, "File name too long"),
        ("file/table.csv", "Not a directory"),
        ("loop", "Too many levels of symbolic links"),
        ("/dev/fd/987654", "Bad file descriptor"),
    ],
)
def test_what_the_system_refuses_is_told(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(StoreError, match=message):
        write_output(tmp_path / name, b"new")


def test_a_link_into_a_run_directory_is_refused_and_its_file_stays(tmp_path: Path) -> None:
    run = write_run(tmp_path, make_rows([0.1, 0.9]))
    before = (run / "metrics.csv").read_bytes()
    link = tmp_path / "table.csv"
    link.symlink_to(run / "metrics.csv")
    with pytest.raises(UsageError, match="leads to a run's own file"):
        write_output(link, b"new")
    assert (run / "metrics.csv").read_bytes() == before


def test_a_reader_that_leaves_is_no_error() -> None:
    program = "from pathlib import Path; from optbench.store.atomic import write_output\n"
    program += "write_output(Path('-'), b'line\\n' * 100_000)"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def staged(folder: Path, content: bytes) -> Staged:
    path = folder / "staged" / "1"
    path.parent.mkdir()
    path.write_bytes(content)
    return Staged(path, len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("durable", [True, False])
def test_a_staged_file_is_moved_into_its_place_among_those_written(
    tmp_path: Path, *, durable: bool
) -> None:
    (tmp_path / "weights.pt").write_bytes(b"old")
    waiting = staged(tmp_path, b"new")
    file = waiting.path.stat().st_ino
    contents: dict[Path, Content] = {
        tmp_path / "weights.pt": waiting,
        tmp_path / "a": b"1",
        tmp_path / "b": b"2",
    }
    write_together(contents, durable=durable)
    assert (tmp_path / "weights.pt").read_bytes() == b"new"
    assert (tmp_path / "weights.pt").stat().st_ino == file
    assert (tmp_path / "a").read_bytes() + (tmp_path / "b").read_bytes() == b"12"
    assert {path.name for path in tmp_path.iterdir()} == {"weights.pt", "a", "b", "staged"}
    assert not list((tmp_path / "staged").iterdir())


def test_a_staged_file_that_is_gone_leaves_all_as_it_was(tmp_path: Path) -> None:
    waiting = staged(tmp_path, b"new")
    waiting.path.unlink()
    with pytest.raises(StoreError, match=f"can't write {tmp_path / 'weights.pt'}: No such file"):
        write_together({tmp_path / "a": b"1", tmp_path / "weights.pt": waiting})
    assert [path.name for path in tmp_path.iterdir()] == ["staged"]
