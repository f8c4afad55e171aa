"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache, partial
from typing import TYPE_CHECKING

from optbench.errors import StoreError, UsageError
from optbench.store.staged import Staged

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from optbench.store.staged import Content

_THREADS = 16
_STREAMS = {"-": 1, "/dev/stdout": 1, "/dev/stderr": 2}
_BESIDE = re.compile(r"\.(.+)\.\d+\.tmp", re.ASCII | re.DOTALL)
_DESCRIPTOR = re.compile(r"(?:/dev|/proc/self)/fd/([0-9]{1,9})")


def write_atomic(path: Path, content: Content, *, durable: bool = True) -> None:
    """Replace a file's content in one step; `durable` waits until the disk has it.

    Whoever reads meanwhile, and whatever stops this, sees the old content or the new. Raises
    `StoreError` naming the file where the disk does not take it.
    """
    write_together({path: content}, durable=durable)


def write_together(contents: Mapping[Path, Content], *, durable: bool = True) -> None:
    """Replace files of one folder, each in one step and in this order.

    All are written, or moved from where they were staged, before the first is replaced, and reach
    the disk at the same time, which takes little longer than one. Raises as `write_atomic`; what
    was replaced by then stays so.
    """
    write = partial(_write_beside, durable=durable)
    files = {path: content for path, content in contents.items() if isinstance(content, bytes)}
    try:
        for path, content in contents.items():
            if isinstance(content, Staged):
                with _naming(path):
                    content.path.replace(_beside(path))
        if durable and len(files) > 1:
            _at_once(write, files)
        else:
            list(map(write, files, files.values()))
        for path in contents:
            with _naming(path):
                _beside(path).replace(path)
        if durable:
            with _naming(path):
                sync_directory(path.parent)
    except BaseException:
        for path in contents:
            with contextlib.suppress(OSError):
                _beside(path).unlink(missing_ok=True)
        raise


def _at_once(write: Callable[[Path, bytes], None], contents: Mapping[Path, bytes]) -> None:
    """Write all files, each in a thread; one after the other where memory is too short for that."""
    threads = _threads()
    try:
        writing = [threads.submit(write, path, content) for path, content in contents.items()]
    except RuntimeError:  # can't start new thread
        _threads.cache_clear()
        threads.shutdown()  # waits for those that there are, which have begun
        list(map(write, contents, contents.values()))
        return
    try:
        for each in writing:
            each.result()
    finally:
        wait(writing)  # nothing may write any more once its file is removed


@cache
def _threads() -> ThreadPoolExecutor:
    """Those that wait for the disk; making them anew for each run takes longer than it does."""
    return ThreadPoolExecutor(_THREADS)


os.register_at_fork(after_in_child=_threads.cache_clear)  # a fork has none of them


def _write_beside(path: Path, content: bytes, *, durable: bool) -> None:
    with _naming(path), _beside(path).open("wb") as stream:
        stream.write(content)
        if durable:
            stream.flush()
            os.fsync(stream.fileno())


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """What the system refuses in it is a `StoreError` that names the file."""
    try:
        yield
    except OSError as error:
        raise write_error(path, error) from error


def half_written(folder: Path, names: Collection[str]) -> list[Path]:
    """What a kill left of files with these names while `write_atomic` wrote them."""
    found = ((path, _BESIDE.fullmatch(path.name)) for path in sorted(folder.glob(".*.tmp")))
    return [path for path, match in found if match and match[1] in names]


def write_output(path: Path, content: bytes) -> None:
    """Write what a user wants in a place of their choice: a file whole, anything else straight.

    A symbolic link stays and its target is replaced; a device, a FIFO and an open descriptor
    (/dev/stdout, or `-` for it) are written to. Raises UsageError for a directory and for a link
    into a run's directory, StoreError where the folder is missing or the content is not taken.
    """
    try:
        descriptor = _open_special(path)
        if descriptor is not None:
            with contextlib.suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as stream:
                stream.write(content)  # a reader that leaves is no error, as of all other output
            return
        target = path.resolve()
        if path.is_symlink() and (target.parent / "result.json").is_file():
            raise UsageError(f"{path} leads to a run's own file, {target}; name another file")
        if not target.parent.is_dir():
            raise StoreError(f"can't write {path}: there is no folder {target.parent}; make it")
    except OSError as error:
        raise write_error(path, error) from error
    write_atomic(target, content)


def _open_special(path: Path) -> int | None:
    """A descriptor to write to, where a path means no regular file; None where it does or may."""
    named = _DESCRIPTOR.fullmatch(str(path))
    number = int(named[1]) if named else _STREAMS.get(str(path))
    if number is not None:
        return os.dup(number)  # opening it by name would begin at the file's start
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise UsageError(f"{path} is a directory; name a file in it")
    return None if stat.S_ISREG(mode) else os.open(path, os.O_WRONLY | os.O_CLOEXEC)


def sync(path: Path) -> None:
    """Wait until the disk has a file, by its name; raises `StoreError`."""
    with _naming(path):
        _sync(path)
        _sync(path.parent)


def sync_directory(path: Path) -> None:
    """Wait until the disk knows a directory's entries."""
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_error(path: Path, error: OSError) -> StoreError:
    """A `StoreError` that says what could not be written where, and why."""
    return StoreError(f"can't write {path}: {error.strerror or error}")
