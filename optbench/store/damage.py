"""What was amiss with a run directory, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Repair:
    """What was amiss with a run directory, and what was done about it; None: nothing can be.

    What can't be mended is trained again, if its configuration is there.
    """

    directory: Path
    fault: str
    done: str | None

    @property
    def config(self) -> Path | None:
        path = self.directory / "config.yaml"
        return path if path.is_file() and not path.is_symlink() else None
