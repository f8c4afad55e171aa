"""Whether a run directory's config.yaml is still what the run was trained by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.errors import StoreError
from optbench.store.bounded import sha256_of
from optbench.store.result import read_result

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "config.yaml"


def check_config(path: Path) -> None:
    """Raise StoreError where a file is a run's own and not the one that result.json knows.

    Any other file, and one whose SHA-256 isn't recorded, is left to those who read it.
    """
    if path.name != CONFIG:
        return
    try:
        expected = read_result(path.with_name("result.json")).files.get(CONFIG)
    except StoreError:  # there is none, or it is of no use
        return
    if expected is not None and sha256_of(path) != expected:
        raise StoreError(
            f"{path}: damaged: its SHA-256 is not the one in result.json\n"
            "  To train something else than this run, copy it to another place and change it there."
        )
