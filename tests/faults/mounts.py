"""File systems that are small or read-only; tests skip where the machine allows no mounts."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def tmpfs(folder: Path, size: int) -> Iterator[None]:
    """A file system in memory of so many bytes over a folder."""
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield
    finally:
        _unmount(folder)


def resize(folder: Path, size: int) -> None:
    """Give a mounted file system in memory another size."""
    _mount("-o", f"remount,size={size}", folder)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder that root can't write to either."""
    _mount("--bind", folder, folder)
    try:
        _mount("-o", "remount,ro,bind", folder)
        yield
    finally:
        _unmount(folder)


def _mount(*arguments: str | Path) -> None:
    try:
        done = subprocess.run(
            ["mount", *map(str, arguments)], check=False, capture_output=True, text=True
        )
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", folder], check=True)
