"""Damaged files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def flip_bit(path: Path, bit: int) -> None:
    """Invert one bit of a file, counted from its first byte's lowest."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def truncate(path: Path, length: int) -> None:
    """Leave the first bytes of a file alone."""
    path.write_bytes(path.read_bytes()[:length])
