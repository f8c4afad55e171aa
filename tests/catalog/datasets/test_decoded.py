"""Images decoded into a file: once, whole or not at all, with the pixels they have in memory."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from experiments import DEADLINE, command, write_experiment
from faults.mounts import tmpfs
from PIL import Image

from optbench.catalog.datasets import decoded
from optbench.catalog.datasets.image_folder import ImageFolder, image_folder
from optbench.catalog.datasets.mapped import Mapped
from optbench.catalog.datasets.pixels import decode_all
from optbench.errors import EXIT_ENVIRONMENT, EXIT_USAGE, ContentError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

RANDOM = np.random.RandomState(0)
MODULE = sys.modules[ImageFolder.__module__]  # whose name the package gives to the function
FORK = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def _all_stay_in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "IN_MEMORY", 0)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(10):
            save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


def save(path: Path) -> None:
    Image.fromarray(RANDOM.randint(0, 256, (5, 7, 3)).astype(np.uint8)).save(path)


def source_of(folder: Path) -> ImageFolder:
    return image_folder(str(folder), size=[4, 6])


def pixels_of(source: ImageFolder, data_dir: Path) -> list[NDArray[Any]]:
    return [np.asarray(part.inputs) for part in source.load(data_dir)]


def assert_right(source: ImageFolder, data_dir: Path) -> None:
    """What is read from the file is what Pillow makes of the images now."""
    for ours, plain in zip(source.load(data_dir), source.read(), strict=True):
        assert isinstance(ours.inputs, Mapped)
        assert ours.inputs.dtype == np.uint8
        assert np.array_equal(np.asarray(ours.inputs), plain.inputs)
        assert np.array_equal(ours.targets, plain.targets)


def kept(data_dir: Path) -> list[Path]:
    return sorted(path for path in data_dir.glob("decoded/*/*") if path.name != "lock")


def array_in(data_dir: Path) -> Path:
    (array,) = data_dir.glob("decoded/*/images.npy")
    return array


@pytest.mark.parametrize("parts", [("train", "test"), None])
def test_pixels_and_classes_are_those_of_the_images_in_memory(
    parts: tuple[str, ...] | None, photos: Path, tmp_path: Path
) -> None:
    for part in parts or ():
        shutil.copytree(photos, tmp_path / "parts" / part)
    source = source_of(tmp_path / "parts" if parts else photos)
    assert source.mapped_bytes == (40 if parts else 20) * 3 * 4 * 6
    assert_right(source, tmp_path / "data")
    assert (source.train_size, source.test_size) == ((20, 20) if parts else (16, 4))


def test_they_are_decoded_once_for_all_that_ask_later(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    source_of(photos).unpack(tmp_path, said.append)
    assert said == []  # it took no two seconds
    monkeypatch.setattr(decoded, "decode_all", pytest.fail)
    pixels_of(source_of(photos), tmp_path)
    shutil.copytree(photos, tmp_path / "elsewhere")
    pixels_of(source_of(tmp_path / "elsewhere"), tmp_path)  # the same content


def test_what_is_not_there_is_not_decoded(tmp_path: Path) -> None:
    source_of(tmp_path / "none").unpack(tmp_path, pytest.fail)
    assert kept(tmp_path) == []


def test_an_image_that_has_changed_since_is_noticed(photos: Path, tmp_path: Path) -> None:
    before = pixels_of(source_of(photos), tmp_path)
    save(photos / "cat" / "3.png")
    assert_right(source_of(photos), tmp_path)
    after = pixels_of(source_of(photos), tmp_path)
    assert sum((a != b).any() for a, b in zip(before, after, strict=True)) == 1
    assert len(kept(tmp_path)) == 4  # a running study may need the first


def test_an_image_that_changes_while_it_is_decoded_leaves_nothing(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meddling(*arguments: Any) -> Iterator[Any]:
        save(photos / "dog" / "3.png")
        yield from decode_all(*arguments)

    source = source_of(photos)
    with monkeypatch.context() as patch:
        patch.setattr(decoded, "decode_all", meddling)
        with pytest.raises(DataError, match="photos changes while it is read; wait until"):
            source.load(tmp_path)
    assert kept(tmp_path) == []
    assert_right(source, tmp_path)


def test_an_image_that_comes_while_they_are_listed_is_no_part_of_them(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels_of(source_of(photos), tmp_path)
    look = ImageFolder.images

    def meddling(source: ImageFolder) -> decoded.Images:
        found = look(source)
        save(photos / "dog" / "late.png")
        return found

    monkeypatch.setattr(ImageFolder, "images", meddling)
    with pytest.raises(DataError, match="photos changes while it is read"):
        source_of(photos).load(tmp_path)


def cut(array: Path, about: Path) -> None:
    os.truncate(array, 300)


def write_to(array: Path, about: Path) -> None:
    with array.open("r+b") as stream:
        stream.seek(200)
        stream.write(b"other")


def lose(array: Path, about: Path) -> None:
    array.unlink()


def spoil_the_note(array: Path, about: Path) -> None:
    about.write_text('{"sha256": 3}')


@pytest.mark.parametrize("damage", [cut, write_to, lose, spoil_the_note])
def test_damage_is_noticed_and_mended(
    damage: Callable[[Path, Path], None], photos: Path, tmp_path: Path
) -> None:
    pixels_of(source_of(photos), tmp_path)
    array = array_in(tmp_path)
    os.utime(array, ns=(10**18, 10**18))  # long ago, or a write within a tick were not seen
    assert_right(source_of(photos), tmp_path)
    damage(array, array.with_name("about.json"))
    said: list[str] = []
    source_of(photos).unpack(tmp_path, said.append)
    assert said == [f"{array} is damaged; the images are decoded again."]
    assert_right(source_of(photos), tmp_path)


def test_a_copy_of_the_file_is_as_good(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels_of(source_of(photos), tmp_path)
    shutil.copytree(tmp_path / "decoded", tmp_path / "moved" / "decoded")
    monkeypatch.setattr(decoded, "decode_all", pytest.fail)
    pixels_of(source_of(photos), tmp_path / "moved")


def killed_amid(folder: Path, data_dir: Path) -> None:
    def deadly(*arguments: Any) -> Iterator[Any]:
        for position, found in enumerate(decode_all(*arguments)):
            if position == 15:
                os.kill(os.getpid(), signal.SIGKILL)
            yield found

    pytest.MonkeyPatch().setattr(decoded, "decode_all", deadly)
    source_of(folder).load(data_dir)


def test_what_a_killed_process_has_written_is_not_used(photos: Path, tmp_path: Path) -> None:
    process = FORK.Process(target=killed_amid, args=(photos, tmp_path))
    process.start()
    process.join(DEADLINE)
    assert process.exitcode == -signal.SIGKILL
    assert [path.name for path in kept(tmp_path)] == ["images.npy.part"]
    assert_right(source_of(photos), tmp_path)
    assert [path.name for path in kept(tmp_path)] == ["about.json", "images.npy"]


def counting(folder: Path, data_dir: Path, barrier: Any, decodings: Any) -> None:
    def counted(*arguments: Any) -> Iterator[Any]:
        with decodings.get_lock():
            decodings.value += 1
        return decode_all(*arguments)

    pytest.MonkeyPatch().setattr(decoded, "decode_all", counted)
    barrier.wait(DEADLINE)
    assert_right_once(source_of(folder), data_dir)


def assert_right_once(source: ImageFolder, data_dir: Path) -> None:
    train, _ = source.load(data_dir)
    assert np.asarray(train.inputs).any(axis=(1, 2, 3)).all()  # none is still to come


def test_of_processes_that_ask_at_once_one_decodes(photos: Path, tmp_path: Path) -> None:
    barrier, decodings = FORK.Barrier(4), FORK.Value("i", 0)
    processes = [
        FORK.Process(target=counting, args=(photos, tmp_path, barrier, decodings)) for _ in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(DEADLINE)
    assert [process.exitcode for process in processes] == [0] * 4
    assert decodings.value == 1
    assert_right(source_of(photos), tmp_path)


def test_what_finds_no_room_is_refused_before_it_is_decoded(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    monkeypatch.setattr(decoded, "decode_all", pytest.fail)
    source = image_folder(str(photos), size=1024)  # 20 of 3 MB each
    with pytest.raises(DataError) as caught:
        source.load(tmp_path)
    told = str(caught.value)
    assert told.startswith(f"{photos} takes 0.1 GB once it is decoded; {tmp_path}/decoded/")
    assert "has room for 0.0 GB.\n  Make room there, name another data directory by" in told
    assert caught.value.exit_code == EXIT_ENVIRONMENT


def test_a_disk_that_gets_full_meanwhile_leaves_nothing(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    source = image_folder(str(photos), size=256)  # 3.9 MB
    with tmpfs(tmp_path / "data", 1 << 20):
        monkeypatch.setattr(
            shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 0, 10**9)
        )
        with pytest.raises(DataError) as caught:
            source.load(tmp_path / "data")
        assert "can't be kept decoded in" in str(caught.value)
        assert "No space left on device.\n  Mend that, or name another data" in str(caught.value)
        assert kept(tmp_path / "data") == []
    assert_right(source, tmp_path / "data")


def test_a_data_directory_that_can_not_be_is_named(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(DataError, match=r"photos can't be kept decoded in \S+: Not a directory\."):
        source_of(photos).load(tmp_path / "data")


def test_of_what_takes_long_is_told_how_far_it_is(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([0.0, *(300.0 * i for i in range(1, 21))])
    monkeypatch.setattr(decoded, "monotonic", lambda: next(moments))
    monkeypatch.setattr(decoded, "INTERVAL", 1500)
    said: list[str] = []
    source_of(photos).unpack(tmp_path, said.append)
    place = array_in(tmp_path).parent
    assert said == [
        f"Decoding 20 images of {photos} once, 0.0 GB, to {place}.",
        "1 of 20 images are decoded; 95 min left.",
        "6 of 20 images are decoded; 70 min left.",
        "11 of 20 images are decoded; 45 min left.",
        "16 of 20 images are decoded; 20 min left.",
    ]


@pytest.mark.parametrize("in_memory", [0, 1 << 20], ids=["file", "memory"])
def test_a_broken_image_ends_the_command_with_its_name_and_nothing_is_left(
    in_memory: int, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "IN_MEMORY", in_memory)
    MODULE._facts.cache_clear()
    broken = photos / "dog" / "7.png"
    broken.write_bytes(broken.read_bytes()[:40])
    with pytest.raises(ContentError, match=r"7\.png can't be read as an image"):
        source_of(photos).load(tmp_path)
    assert kept(tmp_path) == []
    dataset = {"name": "image-folder", "path": "photos", "size": 4}
    path = write_experiment(tmp_path, dataset=dataset)
    places = "--runs-dir", tmp_path / "runs", "--data-dir", tmp_path / "data"
    for how in ([], ["--dry-run"]):
        outcome = command("run", path, *places, *how)
        assert outcome.code == EXIT_USAGE
        assert f"{broken} can't be read as an image" in outcome.err
        assert kept(tmp_path / "data") == []
        assert not list((tmp_path / "runs").rglob("*-s0-*"))


def test_a_note_tells_people_what_a_folder_holds(photos: Path, tmp_path: Path) -> None:
    source_of(photos).unpack(tmp_path, pytest.fail)
    about = json.loads(array_in(tmp_path).with_name("about.json").read_bytes())
    assert about["folder"] == str(photos)
    assert about["shape"] == [20, 3, 4, 6]
