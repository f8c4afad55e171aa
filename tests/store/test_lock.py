from __future__ import annotations

import os
from pathlib import Path

import pytest

from optbench.errors import StoreError
from optbench.store.lock import RunLock


def test_a_second_writer_is_refused_with_the_directorys_name(tmp_path: Path) -> None:
    with (
        RunLock(tmp_path),
        pytest.raises(StoreError, match=f"{tmp_path} is being trained by another process") as told,
        RunLock(tmp_path),
    ):
        pass
    assert told.value.exit_code == 4


def test_the_lock_is_free_again_afterwards_even_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), RunLock(tmp_path):
        raise KeyError
    with RunLock(tmp_path):
        pass


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"can't write .*lock"), RunLock(tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_child_process_does_not_inherit_the_lock(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        lock = (tmp_path / "lock").resolve()
        held = [int(fd.name) for fd in Path("/proc/self/fd").iterdir() if fd.resolve() == lock]
        assert held
        assert not any(os.get_inheritable(descriptor) for descriptor in held)
