"""Where a data set can be downloaded from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class UnavailableError(Exception):
    """A download isn't possible: `reason` in a few words, `details` a line for each mirror."""

    def __init__(self, reason: str, details: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.details = tuple(details)


class RemoteFile(Protocol):
    """A file of a data set that can be downloaded, and recognized."""

    @property
    def name(self) -> str:
        """What people know it by."""

    @property
    def archive(self) -> str:
        """What it is called on the mirrors, and in the folder once it was downloaded."""

    def locate(self, folder: Path) -> Path | None:
        """Where it is in `folder`, in any form that can be read; None where it isn't.

        Raises DataError where `folder` can't be looked into.
        """

    def check(self, path: Path) -> None:
        """Raises DataError unless the file at `path` is the genuine one."""


@dataclass(frozen=True)
class Remote:
    """Mirrors (addresses that end in a slash) and the MD5 of those files that it is known of."""

    mirrors: tuple[str, ...]
    md5: Mapping[str, str]

    def urls(self, name: str) -> tuple[str, ...]:
        """The addresses of one file, the preferred one first."""
        return tuple(f"{mirror}{name}" for mirror in self.mirrors)


def torchvision_remote(class_name: str) -> Remote:
    """What `torchvision.datasets.<class_name>` states, read from its source.

    Importing torchvision takes seconds, and torch, to learn two addresses.
    Raises UnavailableError where torchvision isn't installed or doesn't state them.
    """
    from optbench.catalog.signatures import SourceNotFoundError, class_attribute

    source = f"torchvision.datasets.mnist:{class_name}"
    try:
        mirrors: Any = class_attribute(source, "mirrors")
        resources: Any = class_attribute(source, "resources")
    except SourceNotFoundError as error:
        raise UnavailableError(f"torchvision names no mirrors: {error}") from error
    return Remote(mirrors=tuple(mirrors), md5=dict(resources))
