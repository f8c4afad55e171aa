"""One writer a run directory: a lock that its process can't leave behind."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING, Self

from optbench.errors import StoreError
from optbench.store.atomic import write_error
from optbench.store.bounded import open_regular

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

# Whoever lists runs holds the lock for microseconds to see whether it is free; that must not
# turn a writer away, so a writer asks again for a tenth of a second.
_ATTEMPTS = 11
_PAUSE = 0.01


class HeldError(StoreError):
    """Another process trains the run."""


class RunLock:
    """flock on the directory's `lock` file; free at once when the holder dies, however it dies.

    Raises `HeldError` where another process holds it, `StoreError` where there can't be one.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / "lock"
        try:
            self._descriptor = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644
            )
        except OSError as error:
            raise write_error(path, error) from error
        for _ in range(_ATTEMPTS):
            if _try_lock(self._descriptor):
                return
            time.sleep(_PAUSE)
        os.close(self._descriptor)
        raise HeldError(f"{directory} is being trained by another process; wait for it, or stop it")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)


def is_locked(directory: Path) -> bool:
    """Whether a live process holds a directory's lock; never makes the file."""
    try:
        descriptor = open_regular(directory / "lock")
    except StoreError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
