from __future__ import annotations

import os
import resource
import signal
from typing import TYPE_CHECKING

import pytest

from optbench.errors import StoreError
from optbench.store.atomic import write_atomic

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_made_and_replaced_and_nothing_is_left_beside(
    tmp_path: Path, durable: bool
) -> None:
    path = tmp_path / "metrics.csv"
    for content in (b"one", b"another", b""):
        write_atomic(path, content, durable=durable)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_that_has_the_old_file_open_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    write_atomic(path, b"old")
    with path.open("rb") as stream:
        write_atomic(path, b"new")
        assert stream.read() == b"old"


def test_a_disk_that_takes_no_more_leaves_the_old_file_and_names_it(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    write_atomic(path, b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(StoreError, match=rf"can't write {path}: File too large") as told:
            write_atomic(path, b"n" * 2_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert told.value.exit_code == 4
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"can't write .*file/result\.json: Not a directory"):
        write_atomic(tmp_path / "file" / "result.json", b"")


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    path = tmp_path / "result.json"
    path.symlink_to(elsewhere)
    write_atomic(path, b"new")
    assert elsewhere.read_bytes() == b"precious"
    assert path.read_bytes() == b"new"
    assert not path.is_symlink()


def test_the_content_reaches_the_disk_before_the_name_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result.json"
    calls: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        calls.append("content" if not path.exists() else "name")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    write_atomic(path, b"new")
    assert calls == ["content", "name"]
