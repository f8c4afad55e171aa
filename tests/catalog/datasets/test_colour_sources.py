from __future__ import annotations

import pickle
import warnings
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tiny_colours as tiny
from mirror_server import serving

from optbench.catalog.datasets.cifar import CIFAR10, CIFAR100, MIRROR, CifarSource
from optbench.catalog.datasets.cifar_batch import read_batch
from optbench.catalog.datasets.svhn import MIRROR as SVHN_MIRROR
from optbench.catalog.datasets.svhn import SVHN
from optbench.errors import EXIT_ENVIRONMENT, DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from optbench.catalog.datasets import Examples, Source

ARCHIVE = tiny.packed(tiny.batches())


def unpack(files: dict[str, bytes], data_dir: Path) -> None:
    folder = data_dir / tiny.FOLDER
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def check_cifar(train: Examples, test: Examples) -> None:
    assert train.targets.tolist() == tiny.TRAIN_LABELS
    assert test.targets.tolist() == tiny.TEST_LABELS
    assert train.inputs.shape == (3, 3, 32, 32)
    # Red values first, row by row: the second image's first green value is the 1,025th.
    assert train.inputs[1, 0, 0, :3].tolist() == tiny.images(2, 0)[1, :3].tolist()
    assert train.inputs[1, 1, 0, 0] == tiny.images(2, 0)[1, 1024]
    assert train.inputs[2].ravel().tolist() == tiny.images(1, 7)[0].tolist()
    assert train.inputs.flags.writeable
    assert test.inputs.flags.writeable


def test_the_tiny_batches_are_what_torchvision_would_read() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy has moved what the pickle names
        entry = pickle.loads(tiny.batches()["data_batch_1"], encoding="latin1")  # noqa: S301
    assert entry["labels"] == tiny.TRAIN_LABELS[:2]
    assert np.array_equal(entry["data"], tiny.images(2, first=0))


def test_cifar_is_read_from_its_archive_and_from_the_unpacked_folder(tmp_path: Path) -> None:
    source = tiny.cifar(ARCHIVE)
    (tmp_path / "cifar-tiny.tar.gz").write_bytes(ARCHIVE)
    check_cifar(*source.load(tmp_path))
    (tmp_path / "cifar-tiny.tar.gz").unlink()
    assert source.missing(tmp_path) == (tmp_path / "cifar-tiny.tar.gz",)
    unpack(tiny.batches(), tmp_path)
    assert source.missing(tmp_path) == ()
    check_cifar(*source.load(tmp_path))


def test_cifar_is_downloaded_and_loaded(tmp_path: Path) -> None:
    with serving({"cifar-tiny.tar.gz": ARCHIVE}) as mirror:
        source = tiny.cifar(ARCHIVE, mirror.url)
        source.fetch(tmp_path, lambda line: None)
    check_cifar(*source.load(tmp_path))


def test_svhn_is_downloaded_and_its_label_ten_is_the_digit_zero(tmp_path: Path) -> None:
    with serving(tiny.mats()) as mirror:
        source = tiny.svhn(tiny.mats(), mirror.url)
        source.fetch(tmp_path, lambda line: None)
    train, test = source.load(tmp_path)
    assert train.targets.tolist() == [0, 1, 9]
    assert test.targets.tolist() == [2, 0]
    assert train.inputs.dtype == np.uint8
    assert train.inputs[2].ravel().tolist() == tiny.images(3, 0)[2].tolist()


@pytest.mark.parametrize("served", ["cifar", "svhn"])
def test_a_mirror_with_other_bytes_leaves_no_file_and_one_error(
    served: str, tmp_path: Path
) -> None:
    files = {"cifar-tiny.tar.gz": ARCHIVE, **tiny.mats()}
    source_of: dict[str, Callable[[str], Source]] = {
        "cifar": partial(tiny.cifar, ARCHIVE),
        "svhn": partial(tiny.svhn, tiny.mats()),
    }
    with serving(files, "wrong") as mirror, pytest.raises(DataError) as caught:
        source_of[served](mirror.url).fetch(tmp_path, lambda line: None)
    assert caught.value.exit_code == EXIT_ENVIRONMENT
    assert "no mirror has a good" in str(caught.value)
    assert "fallback: {name: shapes}" in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} <= {".download.lock"}


def test_damaged_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "cifar-tiny.tar.gz").write_bytes(ARCHIVE[:-1])
    with pytest.raises(DataError, match=r"cifar-tiny\.tar\.gz is damaged or another file"):
        tiny.cifar(ARCHIVE).load(tmp_path)
    unpack(tiny.batches() | {"test_batch": b"other"}, tmp_path)
    with pytest.raises(DataError, match="test_batch is damaged or another file"):
        tiny.cifar(ARCHIVE).load(tmp_path)
    for name, content in tiny.mats().items():
        (tmp_path / name).write_bytes(content[::-1])
    with pytest.raises(DataError, match=r"train_32x32\.mat is damaged or another file"):
        tiny.svhn(tiny.mats()).load(tmp_path)


def test_files_of_the_right_sum_but_another_content_are_refused_all_the_same(
    tmp_path: Path,
) -> None:
    lacking = tiny.packed({"data_batch_1": b""})
    (tmp_path / "cifar-tiny.tar.gz").write_bytes(lacking)
    with pytest.raises(DataError, match="lacks data_batch_2, test_batch"):
        tiny.cifar(lacking).load(tmp_path)
    other = dict.fromkeys(tiny.mats(), b"no MATLAB file" * 20)
    for name, content in other.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="is no file of SVHN"):
        tiny.svhn(other).load(tmp_path)


HOSTILE = {
    "a command": b"\x80\x02cos\nsystem\nU\x0etouch " + b"escaped\x85R.",
    "a builtin": b"\x80\x02c__builtin__\neval\nU\x011\x85R.",
    "numpy's own loader": b"\x80\x02cnumpy\nload\nU\x01x\x85R.",
    "no dictionary": b"\x80\x02]q\x00.",
    "no data": b"\x80\x02}.",
    "data that are text": b"\x80\x02}U\x04dataU\x01xs.",
    "nothing": b"",
    "cut short": tiny.batches()["data_batch_1"][:-500],
    "16-bit data": tiny.batches()["data_batch_1"].replace(b"U\x02u1", b"U\x02u2"),
    "objects": tiny.batches()["data_batch_1"].replace(b"U\x02u1", b"U\x02O8"),
    "another shape": tiny.batches()["data_batch_1"].replace(b"M\x02\x00M", b"M\x03\x00M"),
    "by column": tiny.batches()["data_batch_1"].replace(b"K\x00tb\x89", b"K\x00tb\x88"),
    "a label too many": tiny.batch([1, 2, 3], tiny.images(2, 0)),
    "an unknown label": tiny.batch([1, 10], tiny.images(2, 0)),
    "other labels": tiny.batch([1, 2], tiny.images(2, 0), key=b"coarse"),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_batch_is_refused_and_nothing_in_it_runs(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="the batch"):
        read_batch(content, b"labels", 10, "the batch")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", [CIFAR10, CIFAR100], ids=["cifar10", "cifar100"])
def test_addresses_and_sums_of_cifar_are_torchvisions(source: CifarSource) -> None:
    import torchvision.datasets  # takes seconds

    theirs = getattr(torchvision.datasets, source.name.upper())
    assert theirs.url == f"{MIRROR}{source.archive.name}"
    assert theirs.tgz_md5 == source.archive.md5
    assert theirs.base_folder == source.archive.folder
    assert dict([*theirs.train_list, *theirs.test_list]) == source.archive.batches


def test_addresses_and_sums_of_svhn_are_torchvisions() -> None:
    from torchvision.datasets import SVHN as theirs  # noqa: N811

    for split, file in (("train", SVHN.train), ("test", SVHN.test)):
        assert theirs.split_list[split] == [f"{SVHN_MIRROR}{file.name}", file.name, file.md5]
