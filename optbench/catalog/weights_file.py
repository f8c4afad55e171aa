"""The files of torchvision's weights: in the data directory, or downloaded into it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optbench.catalog.datasets.content import first_file
from optbench.catalog.datasets.remote import Remote, UnavailableError
from optbench.errors import DataError, StoreError
from optbench.store.bounded import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from optbench.config.spec import Weights

_PREFIX = re.compile(r"-([0-9a-f]{8,64})\.")


@dataclass(frozen=True)
class WeightsFile:
    """A file known, as torch.hub knows it, by the first digits of its SHA-256 in its name."""

    name: str

    @property
    def archive(self) -> str:
        return self.name

    def locate(self, folder: Path) -> Path | None:
        return first_file(folder, (self.name,))

    def check(self, path: Path) -> None:
        try:
            digest = sha256_of(path)
        except StoreError as error:
            raise DataError(str(error)) from error
        found = _PREFIX.search(self.name)
        if found is None or not digest.startswith(found[1]):
            raise DataError(
                f"{path} is damaged or another file: its SHA-256 is {digest}.\n"
                "  Delete it, and it is downloaded again; or put the genuine file there."
            )


def obtain(weights: Weights, data_dir: Path, announce: Callable[[str], None]) -> Weights:
    """The same with the path of a file that is there and whole, downloaded where it was missing.

    `announce` is told, in lines for people, what goes on. Raises DataError where it can't be had.
    """
    located = replace(weights, path=data_dir / weights.path)
    if weights.address and not located.path.exists():
        from optbench.catalog.datasets.download import download

        file, folder = WeightsFile(located.path.name), located.path.parent
        mirror = weights.address.removesuffix(file.name)
        try:
            download([file], folder, Remote((mirror,), {}), announce)
        except UnavailableError as fault:
            reason = f"nor downloadable ({fault.reason})."
            raise _absence(located, f"neither in {folder} {reason}", *fault.details) from fault
        except OSError as error:
            raise _absence(located, f"not to be stored in {folder} ({error.strerror}).") from error
    return locate(weights, data_dir)


def locate(weights: Weights, data_dir: Path) -> Weights:
    """The same without a download; raises DataError for a file that isn't there or is damaged."""
    located = replace(weights, path=data_dir / weights.path)
    if weights.address:
        if not located.path.exists():
            raise _absence(located, f"not in {located.path.parent}.")
        WeightsFile(located.path.name).check(located.path)
    return located


def _absence(weights: Weights, what: str, *details: str) -> DataError:
    lines = (
        f"The weights {weights.path.name} are {what}",
        *details,
        f"They are at {weights.address}.",
        "Put them there, or name the data directory by --data-dir or $OPTBENCH_DATA.",
    )
    return DataError("\n  ".join(lines))
