"""Decoded images that nothing asks for any more: their folder is gone, or holds others by now."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.datasets.decoded import FOLDER, Decoded
from optbench.catalog.datasets.held import unheld
from optbench.catalog.datasets.image_folder import image_folder
from optbench.catalog.datasets.pixels import decoder_version
from optbench.errors import DataError, StoreError, UsageError
from optbench.store.leftovers import delete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_NAME = re.compile(r"[0-9a-f]{32}|\.[0-9a-f]{32}\.gone", re.ASCII)


@dataclass(frozen=True)
class Outdated:
    """A folder of decoded images, and why nothing asks for it."""

    path: Path
    why: str

    def delete(self) -> None:
        """Delete it. Raises StoreError where that can't be, or a process uses it by now."""
        with _unused(self.path) as free:
            if not free:
                raise StoreError(f"{self.path} is used by another process by now; it stays")
            delete(self.path)


def outdated(data_dir: Path, announce: Callable[[str], None]) -> Iterator[Outdated]:
    """Those in a data directory that no process uses.

    To see whether images have changed they are read, of which `announce` is told where that takes
    long. What can't be read may be needed. Raises DataError where the directory can't be listed.
    """
    root = data_dir / FOLDER
    try:
        folders = sorted(path for path in root.iterdir() if _is_ours(path))
    except FileNotFoundError:
        return
    except OSError as error:
        raise DataError(f"{root} can't be read: {error.strerror}.") from error
    for folder in folders:
        with _unused(folder) as free:
            pass  # for nobody is to wait while images are read
        if free and (why := _why(folder, data_dir, announce)):
            yield Outdated(folder, why)


def _is_ours(path: Path) -> bool:
    """Whether it is a folder that decoding has made, or what a kill has left of deleting one."""
    return bool(_NAME.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def _unused(folder: Path) -> AbstractContextManager[bool]:
    """Whether no process decodes into it, or reads what is there."""
    return unheld(folder / "lock", folder / "images.npy")


def _why(folder: Path, data_dir: Path, announce: Callable[[str], None]) -> str | None:
    """None for what is needed, or may be."""
    try:
        about = json.loads((folder / "about.json").read_bytes())
        images, decoder = about["folder"], about["decoder"]
        _, channels, *size = about["shape"]
        source = image_folder(images, size, channels)
    except (FileNotFoundError, ValueError, TypeError, LookupError, UsageError):
        return "unfinished or damaged"
    except OSError:
        return None
    try:
        if not Path(images).exists():
            return f"{images} is gone"
        if decoder != decoder_version():
            return "decoded by another version of Pillow"
        source.identify(announce)
        is_current = Decoded(source.images(), data_dir).folder == folder
    except (OSError, DataError):
        return None
    return None if is_current else f"{images} has changed"
