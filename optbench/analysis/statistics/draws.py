"""Random numbers that are the same in every call: each use has a generator of its own name."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.random import Generator


def named_generator(name: str) -> Generator:
    """numpy's PCG64, seeded by the first eight bytes of the name's SHA-256."""
    from numpy.random import PCG64, Generator

    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return Generator(PCG64(seed))
