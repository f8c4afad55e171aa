"""Rows that stay in a file: what is selected is what numpy selects, and a change is noticed."""

from __future__ import annotations

import os
import pickle
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from optbench.catalog.datasets.mapped import Mapped, is_map
from optbench.errors import StreamError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def stored(path: Path, array: NDArray[Any]) -> Any:
    np.save(path, array)
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize(
    ("stored_as", "wanted"),
    [("u1", "u1"), ("<f4", "f4"), (">f4", "f4"), ("f8", "f4"), ("f2", "f4"), ("?", "f4")],
)
def test_selecting_again_and_again_gives_the_rows_that_numpy_gives(
    stored_as: str, wanted: str, tmp_path: Path
) -> None:
    array = np.random.RandomState(0).uniform(0, 9, (50, 3, 2)).astype(stored_as)
    rows = Mapped.of(stored(tmp_path / "x.npy", array), wanted)
    chosen, again = np.array([7, 3, 40, 11, 11]), np.array([4, 0])
    plain = array.astype(wanted)
    for ours, numpys in (
        (rows, plain),
        (rows[5:20], plain[5:20]),
        (rows[5:20][again], plain[5:20][again]),
        (rows[chosen], plain[chosen]),
        (rows[chosen][1:4], plain[chosen][1:4]),
        (rows[chosen][again], plain[chosen][again]),
    ):
        found = np.asarray(ours)
        assert ours.shape == found.shape
        assert found.dtype == np.dtype(wanted)
        assert np.array_equal(found, numpys)
        assert found.flags.writeable  # it is the reader's own


def test_what_is_no_map_of_rows_one_after_the_other_is_read_whole(tmp_path: Path) -> None:
    array = stored(tmp_path / "x.npy", np.zeros((4, 6)))
    assert is_map(array)
    assert is_map(array[1:])
    assert not is_map(array[:, ::2])
    assert not is_map(array + 1)
    assert not is_map(np.zeros((4, 6)))


def test_another_process_gets_the_place_of_the_rows_not_the_rows(tmp_path: Path) -> None:
    array = np.arange(6000.0).reshape(1000, 6)
    rows = Mapped.of(stored(tmp_path / "x.npy", array)[100:], "f4")[np.array([5, 800])]
    sent = pickle.dumps(rows)
    assert len(sent) < 1000
    assert np.array_equal(np.asarray(pickle.loads(sent)), array[[105, 900]])  # noqa: S301
    shutil.copy2(tmp_path / "x.npy", tmp_path / "copy.npy")
    (tmp_path / "copy.npy").replace(tmp_path / "x.npy")
    assert np.array_equal(np.asarray(pickle.loads(sent)), array[[105, 900]])  # noqa: S301
    for content in (b"another file", None):
        (tmp_path / "x.npy").unlink()
        if content is not None:
            (tmp_path / "x.npy").write_bytes(content)
        received = pickle.loads(sent)  # noqa: S301
        assert len(received) == 2
        with pytest.raises(StreamError, match=r"x\.npy (has changed|can't be read)"):
            np.asarray(received)


def test_a_file_that_is_cut_written_to_replaced_or_gone_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    array = np.ones((1000, 6))

    def cut() -> None:
        os.truncate(path, 4096)

    def write_to() -> None:
        with path.open("r+b") as stream:
            stream.seek(5000)
            stream.write(b"other")

    def put_another() -> None:
        status = path.stat()
        np.save(tmp_path / "new.npy", array)
        os.utime(tmp_path / "new.npy", ns=(status.st_atime_ns, status.st_mtime_ns))
        (tmp_path / "new.npy").replace(path)

    for change, reason in (
        (cut, "has changed"),
        (write_to, "has changed"),
        (put_another, "has changed"),
        (path.unlink, "can't be read any more"),
    ):
        stored(path, array)
        os.utime(path, ns=(10**18, 10**18))  # long ago
        rows = Mapped.of(np.load(path, mmap_mode="r"), "f4")
        assert np.asarray(rows[:2]).sum() == 12
        change()
        with pytest.raises(StreamError, match=rf"x\.npy {reason}"):
            np.asarray(rows[np.array([999])])


def test_a_file_that_is_written_to_in_the_moment_of_reading_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    stored(path, np.ones((100, 6)))

    class Slow(np.ndarray[Any, Any]):
        def take(self, *arguments: Any, **named: Any) -> Any:
            path.touch()
            return super().take(*arguments, **named)

    os.utime(path, ns=(10**18, 10**18))  # long ago
    rows = Mapped.of(np.load(path, mmap_mode="r"), "f4")
    slow = replace(rows, array=rows.array.view(Slow))
    with pytest.raises(StreamError, match=r"x\.npy has changed"):
        np.asarray(slow[np.array([3, 1])])


def test_an_example_that_is_no_number_is_named_when_it_is_read(tmp_path: Path) -> None:
    array = np.ones((100, 6))
    array[42, 3], array[50, 0] = 1e300, np.nan
    rows = Mapped.of(stored(tmp_path / "x.npy", array), "f4")
    assert np.isfinite(np.asarray(rows[:42])).all()
    with pytest.raises(
        StreamError, match=r"x\.npy holds inputs that are NaN.* example 42, counted"
    ):
        np.asarray(rows[30:60])
    with pytest.raises(StreamError, match="example 50,"):
        np.asarray(rows[40:][np.array([3, 10, 2])])
