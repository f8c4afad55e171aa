"""Decoded images that nothing asks for are told from those that are needed, or in use."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from experiments import DEADLINE, command
from PIL import Image

from optbench.catalog.datasets import outdated as module
from optbench.catalog.datasets.alone import alone
from optbench.catalog.datasets.image_folder import ImageFolder, image_folder
from optbench.catalog.datasets.outdated import Outdated, outdated
from optbench.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

FORK = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def _all_stay_in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[ImageFolder.__module__], "IN_MEMORY", 0)


def save(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((5, 7, 3), shade, np.uint8)).save(path)


def decoded(folder: Path, data_dir: Path) -> Path:
    """Where the ten images are kept that are now in the folder."""
    for i in range(10):
        save(folder / ("cat", "dog")[i % 2] / f"{i}.png", i)
    before = set(data_dir.glob("decoded/*"))
    load(folder, data_dir)
    (made,) = {*data_dir.glob("decoded/*")} - before
    return made


def load(folder: Path, data_dir: Path) -> Any:
    return image_folder(str(folder), size=[4, 6]).load(data_dir)[0].inputs


def found(data_dir: Path) -> list[Outdated]:
    return list(outdated(data_dir, pytest.fail))


def test_those_of_folders_that_are_gone_or_have_changed_are_outdated(tmp_path: Path) -> None:
    gone = decoded(tmp_path / "gone", tmp_path)
    shutil.rmtree(tmp_path / "gone")
    save(tmp_path / "changed" / "cat" / "more.png", 99)
    changed = decoded(tmp_path / "changed", tmp_path)
    save(tmp_path / "changed" / "dog" / "3.png", 100)
    save(tmp_path / "kept" / "dog" / "more.png", 101)
    kept = decoded(tmp_path / "kept", tmp_path)
    told = {one.path: one.why for one in found(tmp_path)}
    assert told == {
        gone: f"{tmp_path / 'gone'} is gone",
        changed: f"{tmp_path / 'changed'} has changed",
    }
    for one in found(tmp_path):
        one.delete()
    assert list(tmp_path.glob("decoded/*")) == [kept]
    load(tmp_path / "changed", tmp_path)
    assert found(tmp_path) == []


def test_those_of_another_decoder_are_outdated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded(tmp_path / "photos", tmp_path)
    monkeypatch.setattr(module, "decoder_version", lambda: ["99.0", "None"])
    assert [one.why for one in found(tmp_path)] == ["decoded by another version of Pillow"]


@pytest.mark.parametrize(
    "about", [None, "{", "[]", '{"folder": 3}', '{"folder": "/", "decoder": [], "shape": [1, 3]}']
)
def test_what_no_run_could_use_is_outdated(tmp_path: Path, about: str | None) -> None:
    note = decoded(tmp_path / "photos", tmp_path) / "about.json"
    note.unlink()
    if about is not None:
        note.write_text(about)
    assert [one.why for one in found(tmp_path)] == ["unfinished or damaged"]


def test_what_can_not_be_read_may_be_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded(tmp_path / "photos", tmp_path)

    def refusing(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ImageFolder, "files", refusing)
    assert found(tmp_path) == []


def test_a_strangers_folder_and_a_link_are_left_alone(tmp_path: Path) -> None:
    made = decoded(tmp_path / "photos", tmp_path)
    shutil.rmtree(tmp_path / "photos")
    made.rename(tmp_path / "decoded" / "mine")
    made.symlink_to(tmp_path / "decoded" / "mine")
    assert found(tmp_path) == []
    assert list(outdated(tmp_path / "nothing", pytest.fail)) == []


def test_what_a_kill_amid_deleting_has_left_is_deleted(tmp_path: Path) -> None:
    made = decoded(tmp_path / "photos", tmp_path)
    left = made.rename(made.with_name(f".{made.name}.gone"))
    (one,) = found(tmp_path)
    one.delete()
    assert not left.exists()


def test_what_this_process_reads_is_in_use_until_its_last_rows_are_gone(tmp_path: Path) -> None:
    decoded(tmp_path / "photos", tmp_path)
    rows = load(tmp_path / "photos", tmp_path)[2:5]
    shutil.rmtree(tmp_path / "photos")
    assert found(tmp_path) == []
    del rows
    assert len(found(tmp_path)) == 1


def reading(folder: Path, data_dir: Path, begun: Any, end: Any) -> None:
    rows = load(folder, data_dir)
    begun.set()
    end.wait(DEADLINE)
    sys.exit(0 if np.asarray(rows).any() else 1)


def test_what_another_process_reads_stays_readable_and_is_not_deleted(tmp_path: Path) -> None:
    made = decoded(tmp_path / "photos", tmp_path)
    shutil.move(tmp_path / "photos", tmp_path / "moved")
    (before,) = found(tmp_path)
    begun, end = FORK.Event(), FORK.Event()
    process = FORK.Process(target=reading, args=(tmp_path / "moved", tmp_path, begun, end))
    process.start()
    assert begun.wait(DEADLINE)
    assert found(tmp_path) == []
    with pytest.raises(StoreError, match="is used by another process by now; it stays"):
        before.delete()
    end.set()
    process.join(DEADLINE)
    assert process.exitcode == 0
    before.delete()
    assert not made.exists()


def test_what_is_being_decoded_is_in_use(tmp_path: Path) -> None:
    made = decoded(tmp_path / "photos", tmp_path)
    (made / "about.json").unlink()
    with alone(made / "lock", "decoding", pytest.fail):
        assert found(tmp_path) == []
    assert len(found(tmp_path)) == 1


def test_the_command_lists_them_with_the_reason_and_deletes_them_when_told_to(
    tmp_path: Path,
) -> None:
    made = decoded(tmp_path / "photos", tmp_path)
    told = json.loads((made / "about.json").read_bytes())["folder"]
    shutil.rmtree(tmp_path / "photos")
    arguments = ("runs", "prune", tmp_path / "runs", "--data-dir", tmp_path)
    assert command(*arguments, "--yes").out == "Nothing to delete.\n"
    listed = command(*arguments, "--decoded").out.splitlines()
    assert listed[0] == f"  {made} ({told} is gone)"
    assert listed[1].startswith("1 decoded data set, 1.")
    assert made.exists()
    deleted = command(*arguments, "--decoded", "--yes").out.splitlines()
    assert deleted[-1].startswith("Deleted 1 decoded data set, 1.")
    assert list(tmp_path.glob("decoded/*")) == []
