from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from optbench.catalog.datasets.image_folder import image_folder
from optbench.errors import EXIT_ENVIRONMENT, DataError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


def paint(folder: Path, colour: str, n: int, suffix: str = ".png") -> None:
    """`n` images of one colour, each of another size, in the folder of their class."""
    (folder / colour).mkdir(parents=True)
    for i in range(n):
        image = Image.new("RGB", (10 + i, 20), COLOURS[colour])
        image.save(folder / colour / f"{i}{suffix}", quality=95)


def test_classes_are_the_folders_in_alphabetical_order(tmp_path: Path) -> None:
    for colour in COLOURS:
        paint(tmp_path / "train", colour, 3)
        paint(tmp_path / "test", colour, 2, ".JPG")
    source = image_folder(str(tmp_path), size=[4, 6])
    train, test = source.load(tmp_path)
    assert train.inputs.shape == (9, 3, 4, 6)
    assert train.inputs.dtype == np.uint8
    assert train.targets.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]  # blue, green, red
    for colour in (train.inputs[0].min(axis=(1, 2)), train.inputs[0].max(axis=(1, 2))):
        assert colour.tolist() == [0, 0, 255]
    assert test.inputs[-1].mean(axis=(1, 2)).round() == pytest.approx([255, 0, 0], abs=3)  # JPEG
    assert (source.train_size, source.test_size, source.classes) == (9, 6, 3)
    assert source.input_shape == (3, 4, 6)


def test_one_part_is_divided_by_class(tmp_path: Path) -> None:
    paint(tmp_path, "red", 10)
    paint(tmp_path, "blue", 5)
    train, test = image_folder(str(tmp_path), size=8, channels=1).load(tmp_path)
    assert train.inputs.shape == (12, 1, 8, 8)
    assert np.bincount(test.targets).tolist() == [1, 2]  # a fifth of each class
    # Pillow's grey of pure red and blue: 299 and 114 thousandths (ITU-R 601).
    assert sorted(set(test.inputs[:, 0, 0, 0])) == [29, 76]


def test_hidden_and_other_files_are_passed_over(tmp_path: Path) -> None:
    paint(tmp_path, "red", 5)
    paint(tmp_path, "blue", 5)
    (tmp_path / ".cache").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "red" / ".DS_Store.png").write_bytes(b"")
    (tmp_path / "red" / "notes.txt").write_text("mine")
    source = image_folder(str(tmp_path))
    assert source.train_size + source.test_size == 10


def test_the_content_hash_is_of_names_and_bytes_wherever_they_are(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        paint(tmp_path / folder, "red", 5)
        paint(tmp_path / folder, "blue", 5)
    one, two = (image_folder(str(tmp_path / folder)) for folder in ("one", "two"))
    assert one.content_hash() == two.content_hash()
    (tmp_path / "two" / "red" / "0.png").rename(tmp_path / "two" / "blue" / "9.png")
    assert one.content_hash() != two.content_hash()


def test_what_is_not_there_is_missing_and_can_be_replaced(tmp_path: Path) -> None:
    source = image_folder(str(tmp_path / "none"))
    assert source.missing(tmp_path) == (tmp_path / "none",)
    with pytest.raises(DataError, match="none isn't there") as caught:
        source.fetch(tmp_path, lambda line: None)
    assert caught.value.exit_code == EXIT_ENVIRONMENT


def refusal(folder: Path) -> str:
    source = image_folder(str(folder), size=4)
    assert source.missing(folder) == ()
    with pytest.raises(DataError) as caught:
        source.load(folder)
    return str(caught.value)


def test_an_empty_folder_and_an_empty_class_are_named(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path} holds no folders, one for each class."
    paint(tmp_path, "red", 2)
    (tmp_path / "blue").mkdir()
    assert refusal(tmp_path) == f"{tmp_path / 'blue'} holds no .png or .jpg file."


def test_an_image_without_a_class_is_named(tmp_path: Path) -> None:
    paint(tmp_path, "red", 2)
    (tmp_path / "red" / "0.png").rename(tmp_path / "cat.png")
    assert refusal(tmp_path).startswith(f"{tmp_path / 'cat.png'} belongs to no class")


def test_a_class_that_training_lacks_is_named(tmp_path: Path) -> None:
    paint(tmp_path / "train", "red", 2)
    paint(tmp_path / "train", "blue", 2)
    paint(tmp_path / "test", "green", 2)
    lacking = f"{tmp_path / 'test' / 'green'} is a class that {tmp_path / 'train'} lacks."
    assert refusal(tmp_path) == lacking


def test_a_class_that_only_training_has_is_no_mistake(tmp_path: Path) -> None:
    paint(tmp_path / "train", "red", 2)
    paint(tmp_path / "train", "blue", 2)
    paint(tmp_path / "test", "red", 2)
    assert image_folder(str(tmp_path)).load(tmp_path)[1].targets.tolist() == [1, 1]


PNG = b"\x89PNG\r\n\x1a\n"


def header(side: int) -> bytes:
    """The beginning of a square PNG: all that tells how large it is."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    whole = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return PNG + whole + struct.pack(">I", 9) + b"IDAT"


@pytest.mark.parametrize("side", [10_000, 190_000])  # Pillow warns of the first
def test_an_image_like_a_bomb_is_refused_before_it_is_unpacked(side: int, tmp_path: Path) -> None:
    paint(tmp_path, "red", 2)
    paint(tmp_path, "blue", 2)
    (tmp_path / "blue" / "1.png").write_bytes(header(side))
    assert "decompression bomb" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"text", PNG, b"GIF89a", header(8)])
def test_an_image_that_can_not_be_read_is_named(content: bytes, tmp_path: Path) -> None:
    paint(tmp_path, "red", 2)
    paint(tmp_path, "blue", 2)
    (tmp_path / "blue" / "1.png").write_bytes(content)
    assert refusal(tmp_path).startswith(f"{tmp_path / 'blue' / '1.png'} can't be read as an image")


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "Not a directory" in refusal(tmp_path / "file")


@pytest.mark.parametrize("size", [0, 2000, [32], [32, 32, 3], [0, 32]])
def test_a_size_that_no_image_has_is_refused(size: int | list[int]) -> None:
    with pytest.raises(UsageError, match="size must be a side or"):
        image_folder("somewhere", size=size)
