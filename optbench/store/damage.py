"""What was amiss with a run directory, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.errors import StoreError
from optbench.store.own_config import CONFIG, check_config

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Repair:
    """What was amiss with a run directory, and what was done about it; None: nothing can be.

    What can't be mended is trained again, if its configuration is there and whole.
    """

    directory: Path
    fault: str
    done: str | None

    @property
    def config(self) -> Path | None:
        path = self.directory / CONFIG
        try:
            check_config(path)
        except StoreError:
            return None
        return path if path.is_file() and not path.is_symlink() else None
