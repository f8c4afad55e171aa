"""Digests of files: always those of the content, read again only where they may have changed."""

from __future__ import annotations

import hashlib
import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from optbench.catalog.datasets import digests
from optbench.catalog.datasets.digests import Stamp, file_digest, stamp_digest
from optbench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = 10**18  # 2001, in ns


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that counts as large, written long ago; what is remembered goes to `tmp_path`."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")
    monkeypatch.setattr("optbench.catalog.datasets.digests.REMEMBERED", 10)
    path = tmp_path / "large.bin"
    path.write_bytes(b"some content that is large enough")
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def change_unnoticed(path: Path) -> None:
    """Other bytes, with the size and the time stamps of those before."""
    with path.open("r+b") as stream:
        stream.write(b"SOME")
    os.utime(path, ns=(LONG_AGO, LONG_AGO))


def test_a_large_file_is_read_again_only_once_it_looks_another(large: Path) -> None:
    first = file_digest(large)
    assert first == sha256(large)
    change_unnoticed(large)
    assert file_digest(large) == first != sha256(large)  # it wasn't read
    os.utime(large, ns=(LONG_AGO, LONG_AGO + 1))
    assert file_digest(large) == sha256(large)


def test_a_file_that_was_just_written_is_not_remembered(large: Path) -> None:
    now = time.time_ns()
    os.utime(large, ns=(now, now))
    file_digest(large)
    with large.open("r+b") as stream:
        stream.write(b"SOME")
    os.utime(large, ns=(now, now))  # as within one tick of a coarse clock
    assert file_digest(large) == sha256(large)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"7", b'{"version": [1, 2, 3]}'])
def test_what_is_remembered_may_be_damaged_or_not_be_kept_at_all(
    large: Path, tmp_path: Path, damage: bytes
) -> None:
    file_digest(large)
    (note,) = (tmp_path / "cache").rglob("*.json")
    note.write_bytes(damage)
    assert file_digest(large) == sha256(large)
    note.unlink()
    note.parent.rmdir()
    note.parent.write_text("in the way")
    assert file_digest(large) == sha256(large)


def test_of_a_very_large_file_is_told_how_far_it_is(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(digests, "ANNOUNCED", 10)
    monkeypatch.setattr(digests, "BLOCK", 20)
    monkeypatch.setattr(digests, "INTERVAL", -1)
    assert file_digest(large, said.append) == sha256(large)
    assert said[0].startswith(f"Reading all 0.0 GB of {large}")
    assert said[1:] == ["0.0 GB of 0.0 GB are read."] * 2
    said.clear()
    assert file_digest(large, said.append) == sha256(large)
    assert not said


def test_a_file_that_grows_while_it_is_read_has_no_digest(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grow(_: str) -> None:
        with large.open("ab") as stream:
            stream.write(b"more")

    monkeypatch.setattr(digests, "ANNOUNCED", 10)
    with pytest.raises(DataError, match=r"large\.bin changes while it is read"):
        file_digest(large, grow)


def many(folder: Path) -> Stamp:
    """Five files, long ago written, which together count as large."""
    folder.mkdir()
    for name in "abcde":
        (folder / name).write_text(name)
        os.utime(folder / name, ns=(LONG_AGO, LONG_AGO))
    return tuple((str(folder / name), LONG_AGO, 1) for name in "abcde")


def test_that_of_many_small_files_is_of_their_names_and_bytes_and_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")
    monkeypatch.setattr(digests, "REMEMBERED", 5)
    stamp = many(tmp_path / "many")
    listing = [[name, sha256(tmp_path / "many" / name)] for name in "abcde"]
    expected = hashlib.sha256(json.dumps(listing).encode()).hexdigest()
    assert stamp_digest(tmp_path / "many", stamp) == expected
    (tmp_path / "many" / "c").write_text("C")
    assert stamp_digest(tmp_path / "many", stamp) == expected  # it wasn't read
    changed = (*stamp[:2], (stamp[2][0], LONG_AGO + 1, 1), *stamp[3:])
    assert stamp_digest(tmp_path / "many", changed) != expected


def test_of_very_many_files_is_told_how_far_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(digests, "ANNOUNCED", 5)
    monkeypatch.setattr(digests, "INTERVAL", -1)
    stamp_digest(tmp_path / "many", many(tmp_path / "many"), said.append)
    assert said[0].startswith(f"Reading all 0.0 GB of {tmp_path / 'many'}")
    assert said[1:] == ["0.0 GB of 0.0 GB are read."] * 5
