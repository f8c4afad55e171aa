"""What data sets kept in downloaded files have in common: to be missing, fetched and found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.catalog.datasets.content import check_file, first_file
from optbench.catalog.datasets.remote import UnavailableError
from optbench.catalog.datasets.shapes import Shapes
from optbench.config.spec import format_value
from optbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from optbench.catalog.datasets.remote import Remote, RemoteFile

REMEDY = "Delete it, and it is downloaded again; or put the genuine file there."


@dataclass(frozen=True)
class Downloaded:
    """The files of one data set in a folder below the data directory.

    `stand_in` is what a `fallback` may say: the set of the same shape that needs no files.
    """

    name: str
    folder: str
    files: Sequence[RemoteFile]
    remote: Callable[[], Remote]
    stand_in: Mapping[str, object]

    def missing(self, data_dir: Path) -> tuple[Path, ...]:
        """Those of the files that aren't there."""
        folder = data_dir / self.folder
        return tuple(folder / file.name for file in self.files if file.locate(folder) is None)

    def fetch(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        """Download what is missing; see `Source.fetch`."""
        if not self.missing(data_dir):
            return
        from optbench.catalog.datasets.download import download

        try:
            download(self.files, data_dir / self.folder, self.remote(), announce)
        except UnavailableError as fault:
            headline = f"{self.name} is neither in {data_dir} nor downloadable ({fault.reason})."
            raise self._absence(headline, data_dir, *fault.details) from fault
        except OSError as error:
            headline = f"{self.name} can't be stored in {data_dir} ({error.strerror})."
            raise self._absence(headline, data_dir) from error

    def find(self, data_dir: Path, file: RemoteFile) -> Path:
        """Where one of the files is; raises DataError where it isn't."""
        path = file.locate(data_dir / self.folder)
        if path is None:
            raise self._absence(f"{self.name} is not in {data_dir}.", data_dir)
        return path

    def _absence(self, headline: str, data_dir: Path, *details: str) -> DataError:
        names = [path.name for path in self.missing(data_dir)]
        forms = ", raw or .gz" if any(f.archive != f.name for f in self.files) else ""
        lines = (
            headline,
            *details,
            f"Expected in {data_dir / self.folder}{forms}: {', '.join(names)}.",
            "Put them there, or name the data directory by --data-dir or $OPTBENCH_DATA;",
            f"or allow a stand-in by `fallback: {format_value(dict(self.stand_in))}` under "
            "`dataset`;",
            f"or use the data set {self.stand_in['name']}, which comes with optbench.",
        )
        return DataError("\n  ".join(lines))


@dataclass(frozen=True)
class WholeFile:
    """A file that is used as it was downloaded, known by the MD5 that its publishers list."""

    name: str
    md5: str

    @property
    def archive(self) -> str:
        return self.name

    def locate(self, folder: Path) -> Path | None:
        return first_file(folder, (self.name,))

    def check(self, path: Path) -> None:
        check_file(path, "md5", self.md5, remedy=REMEDY)


def generated_like(input_shape: tuple[int, ...], classes: int) -> dict[str, object]:
    """The generated data set of that shape, as YAML would name it: images, if those fit."""
    if (input_shape, classes) == (Shapes.input_shape, Shapes.classes):
        return {"name": Shapes.NAME}
    return {"name": "synthetic", "features": list(input_shape), "classes": classes}
