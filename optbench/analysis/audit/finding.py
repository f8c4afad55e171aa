"""One thing that makes a comparison unfair, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """What is unfair, in one sentence, and where.

    `kind` is a stable name for programs, `why` says in a clause why it matters; `settings` are
    labels of rows; `command` can be pasted into a shell and mends it, None where no command can.
    """

    kind: str
    message: str
    problem: str
    settings: tuple[str, ...]
    runs: tuple[Path, ...]
    command: str | None = None
    why: str = ""
