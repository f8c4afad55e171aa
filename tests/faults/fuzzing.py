"""Feeding a reader with files that nobody wrote."""

from __future__ import annotations

import re
import resource
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from faults.mutation import Mutator
from faults.readers import READERS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from types import FrameType

CORPUS = Path(__file__).parent / "corpus"
PATIENCE = 10.0  # processor seconds for one input
MEMORY = 1 << 30  # bytes beyond what the process has


class TooSlow(BaseException):
    """A reader has not come to an end."""


class Fuzzer:
    """Inputs for one reader. Whatever leads to another outcome is changed further."""

    def __init__(self, name: str, folder: Path, draw: random.Random) -> None:
        self.name = name
        self.folder = folder
        self._reader = READERS[name]
        self._mutator = Mutator([*self._reader.seeds(), *map(Path.read_bytes, corpus(name))], draw)
        self._outcomes: set[str] = set()

    @property
    def outcomes(self) -> int:
        """How many kinds of answers and refusals were seen."""
        return len(self._outcomes)

    def step(self) -> bytes:
        """Feed the reader once; the input. Raises what the reader must not raise."""
        content = self._mutator.next()
        self.feed(content)
        return content

    def feed(self, content: bytes) -> None:
        try:
            with bounded():
                outcome = _kind(self._reader.read(content, self.folder))
        except BaseException as error:
            error.add_note(f"{self.name} was given {content[:2000]!r}")
            error.content = content  # type: ignore[attr-defined]
            raise
        if outcome not in self._outcomes:
            self._outcomes.add(outcome)
            self._mutator.keep(content)


def corpus(name: str) -> list[Path]:
    """What a reader once did wrong on."""
    folder = CORPUS / name
    return sorted(folder.iterdir()) if folder.is_dir() else []


@contextmanager
def bounded() -> Iterator[None]:
    """Raise TooSlow after a while, and MemoryError where an input asks for too much."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    resource.setrlimit(resource.RLIMIT_DATA, (pages * resource.getpagesize() + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise TooSlow(f"not done after {PATIENCE:g} s of processor time")


def _kind(outcome: str) -> str:
    """A message without what it quotes and counts."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|[0-9.]+|got .*", "", outcome)[:80]
