from __future__ import annotations

import gzip
import hashlib
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from tiny_mnist import archives, image_file, raw_files, tiny_source, write

from optbench.catalog.datasets.idx import IdxFile
from optbench.errors import EXIT_ENVIRONMENT, DataError

IMAGES = "t10k-images-idx3-ubyte"


@pytest.mark.parametrize("files", [raw_files(), archives()], ids=["raw", "gz"])
def test_raw_and_compressed_files_load_alike(files: dict[str, bytes], tmp_path: Path) -> None:
    write(files, tmp_path)
    train, test = tiny_source().load(tmp_path)
    assert train.inputs.shape == (20, 1, 4, 4)
    assert train.inputs.dtype == np.uint8
    assert test.inputs.ravel().tolist() == list(range(7, 167))
    assert train.targets.tolist() == [*range(10), *range(10)]
    assert test.targets.tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert test.targets.dtype == np.int64


def test_arrays_are_writable_as_torch_wants_them(tmp_path: Path) -> None:
    write(raw_files(), tmp_path)
    train, test = tiny_source().load(tmp_path)
    assert train.inputs.flags.writeable
    assert test.targets.flags.writeable


def test_the_sizes_are_known_without_the_files_and_agree_with_them(tmp_path: Path) -> None:
    source = tiny_source()
    write(raw_files(), tmp_path)
    train, test = source.load(tmp_path)
    assert (source.train_size, source.test_size) == (len(train), len(test))
    assert source.input_shape == train.inputs.shape[1:]


def test_missing_files_are_named_with_their_folder_and_the_remedies(tmp_path: Path) -> None:
    folder = write({f"{IMAGES}.gz": archives()[f"{IMAGES}.gz"]}, tmp_path)
    source = tiny_source()
    names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"]
    assert source.missing(tmp_path) == tuple(folder / name for name in names)
    with pytest.raises(DataError) as caught:
        source.load(tmp_path)
    said = str(caught.value)
    assert caught.value.exit_code == EXIT_ENVIRONMENT == 4
    for expected in (str(folder), *names, "--data-dir", "$OPTBENCH_DATA", "fallback", "mnist-5k"):
        assert expected in said


def test_a_fifo_in_a_files_place_counts_as_missing(tmp_path: Path) -> None:
    folder = write(raw_files(), tmp_path)
    (folder / IMAGES).unlink()
    os.mkfifo(folder / IMAGES)  # reading it would hang
    assert tiny_source().missing(tmp_path) == (folder / IMAGES,)


def test_a_data_directory_with_an_impossible_name_is_an_error_of_the_environment() -> None:
    with pytest.raises(DataError, match="can't be looked into"):
        tiny_source().missing(Path("/", "x" * 300))


def refusal(path: Path, file: IdxFile) -> str:
    with pytest.raises(DataError) as caught:
        file.read(path)
    said = str(caught.value)
    assert str(path) in said
    assert "Delete it" in said
    return said


def described(raw: bytes, shape: tuple[int, ...] = (10, 4, 4)) -> IdxFile:
    return IdxFile(IMAGES, shape, hashlib.sha256(raw).hexdigest())


@pytest.fixture
def genuine() -> bytes:
    return raw_files()[IMAGES]


def test_one_flipped_bit_is_refused(genuine: bytes, tmp_path: Path) -> None:
    path = tmp_path / IMAGES
    path.write_bytes(genuine[:-1] + bytes([genuine[-1] ^ 1]))
    said = refusal(path, described(genuine))
    assert hashlib.sha256(genuine).hexdigest() in said
    assert hashlib.sha256(path.read_bytes()).hexdigest() in said


@pytest.mark.parametrize("kept", [0, 1, 15, 16, 175])
def test_a_truncated_raw_file_is_refused(genuine: bytes, kept: int, tmp_path: Path) -> None:
    path = tmp_path / IMAGES
    path.write_bytes(genuine[:kept])
    assert f"176 bytes, found {kept}" in refusal(path, described(genuine))


def test_every_truncation_of_a_compressed_file_is_refused(genuine: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"{IMAGES}.gz"
    whole = gzip.compress(genuine)
    for kept in range(len(whole)):
        path.write_bytes(whole[:kept])
        refusal(path, described(genuine))


def test_a_file_that_is_not_compressed_in_spite_of_its_name_is_refused(
    genuine: bytes, tmp_path: Path
) -> None:
    path = tmp_path / f"{IMAGES}.gz"
    path.write_bytes(genuine)
    assert "can't be read" in refusal(path, described(genuine))


def test_a_compressed_file_that_expands_without_end_is_not_expanded(
    genuine: bytes, tmp_path: Path
) -> None:
    path = tmp_path / f"{IMAGES}.gz"
    path.write_bytes(gzip.compress(bytes(64_000_000)))
    tracemalloc.start()
    try:
        assert "176 bytes, found more" in refusal(path, described(genuine))
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "header",
    [
        struct.pack(">IIII", 0x00000803, 2**32 - 1, 4, 4),
        struct.pack(">IIII", 0x00000803, 10, 2**31, 2),
        struct.pack(">IIII", 0x00000803, 5, 8, 4),
        struct.pack(">IIII", 0x00000D03, 10, 4, 4),  # of floats
        struct.pack("<IIII", 0x00000803, 10, 4, 4),  # little-endian
        struct.pack(">IIII", 0x00000802, 10, 4, 4),  # of two dimensions
    ],
    ids=["endless", "overflowing", "other shape", "floats", "byte order", "dimensions"],
)
def test_an_evil_header_is_refused_even_where_the_checksum_is_right(
    genuine: bytes, header: bytes, tmp_path: Path
) -> None:
    path = tmp_path / IMAGES
    evil = header + genuine[16:]
    path.write_bytes(evil)
    said = refusal(path, described(evil))
    assert "00000803 0000000a 00000004 00000004" in said
    assert header.hex(" ", 4) in said


def test_the_content_hash_is_what_sha256sum_makes_of_the_raw_files() -> None:
    raw = raw_files()
    lines = [f"{hashlib.sha256(raw[name]).hexdigest()}  {name}\n" for name in sorted(raw)]
    assert tiny_source().content_hash() == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_the_header_is_the_one_of_the_format() -> None:
    assert described(b"", (10, 4, 4)).header == image_file(10, 0)[:16]


def test_where_only_the_archives_digest_is_known_only_the_archive_is_taken(tmp_path: Path) -> None:
    archive = archives()[f"{IMAGES}.gz"]
    packed = IdxFile(f"{IMAGES}.gz", (10, 4, 4), hashlib.sha256(archive).hexdigest())
    (tmp_path / IMAGES).write_bytes(raw_files()[IMAGES])
    assert packed.locate(tmp_path) is None
    path = tmp_path / packed.archive
    path.write_bytes(archive)
    assert packed.locate(tmp_path) == path
    assert packed.read(path).ravel().tolist() == list(range(7, 167))
    path.write_bytes(gzip.compress(raw_files()[IMAGES], mtime=1))  # the same content
    assert "it must have the SHA-256" in refusal(path, packed)
