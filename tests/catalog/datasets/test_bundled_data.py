from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from test_mnist_source import real_data_dir

from optbench.catalog.datasets.bundle import DIGITS, FOLDER, MNIST_5K, BundledSource, mnist_5k
from optbench.catalog.datasets.mnist import MNIST
from optbench.catalog.datasets.split import stratified
from optbench.errors import EXIT_ENVIRONMENT, DataError, UsageError

NOWHERE = Path("/nonexistent")
BOTH = pytest.mark.parametrize("source", [MNIST_5K, DIGITS], ids=["mnist-5k", "digits"])


def test_mnist_5k_has_400_and_100_of_each_digit() -> None:
    train, test = MNIST_5K.load(NOWHERE)
    assert train.inputs.shape == (4_000, 1, 28, 28)
    assert test.inputs.shape == (1_000, 1, 28, 28)
    assert train.inputs.dtype == np.uint8
    assert np.bincount(train.targets).tolist() == [400] * 10
    assert np.bincount(test.targets).tolist() == [100] * 10


def test_no_image_of_mnist_5k_is_there_twice() -> None:
    train, test = MNIST_5K.load(NOWHERE)
    images = [image.tobytes() for part in (train, test) for image in part.inputs]
    assert len(set(images)) == 5_000


def test_mnist_5k_holds_genuine_mnist_images_with_their_labels() -> None:
    genuine, _ = MNIST.load(real_data_dir(MNIST))
    digit_of = {
        image.tobytes(): digit
        for image, digit in zip(genuine.inputs, genuine.targets.tolist(), strict=True)
    }
    for part in MNIST_5K.load(NOWHERE):
        found = [digit_of.get(image.tobytes()) for image in part.inputs]
        assert found == part.targets.tolist()


def test_some_digits_of_mnist_5k_are_numbered_as_they_are_named() -> None:
    source = mnist_5k([7, 2])
    for part, whole in zip(source.load(NOWHERE), MNIST_5K.load(NOWHERE), strict=True):
        kept = [i for i, digit in enumerate(whole.targets.tolist()) if digit in (7, 2)]
        np.testing.assert_array_equal(part.inputs, whole.inputs[kept])
        assert [[7, 2][place] for place in part.targets] == whole.targets[kept].tolist()
    assert (source.classes, source.train_size, source.test_size) == (2, 800, 200)
    assert [len(part) for part in source.load(NOWHERE)] == [800, 200]


def test_other_digits_or_another_order_are_other_data() -> None:
    chosen = ([7, 2], [2, 7], [7, 2, 3], None)
    assert len({mnist_5k(digits).content_hash() for digits in chosen}) == 4


@pytest.mark.parametrize("digits", [[], [3], [3, 3], [3, 10], [-1, 3]])
def test_less_than_two_digits_are_no_data_set(digits: list[int]) -> None:
    with pytest.raises(UsageError, match="digits must be two or more different ones from 0 to 9"):
        mnist_5k(digits)


def test_digits_are_those_of_scikit_learn() -> None:
    images, digits = load_digits(return_X_y=True)
    held_out = stratified(digits.astype(np.int64), 360, 10)
    kept = np.setdiff1d(np.arange(1_797), held_out)
    train, test = DIGITS.load(NOWHERE)
    for part, positions in ((train, kept), (test, held_out)):
        assert part.targets.tolist() == digits[positions].tolist()
        assert part.inputs.dtype == np.float32
        np.testing.assert_array_equal(part.inputs.reshape(-1, 64), images[positions] / 16)


def test_digits_have_as_many_of_each_class_as_uci_counts() -> None:
    train, test = DIGITS.load(NOWHERE)
    counts = np.bincount(train.targets) + np.bincount(test.targets)
    # optdigits.names, "9. Class Distribution", testing set
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (len(train), len(test)) == (1_437, 360)


def test_bundled_files_together_stay_within_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 1_000_000


@BOTH
def test_the_licences_name_each_file_and_its_hash(source: BundledSource) -> None:
    licences = (FOLDER / "LICENSES.md").read_text(encoding="utf-8")
    assert source.file.name in licences
    assert source.content_hash() in licences


@BOTH
def test_a_bundled_set_needs_no_directory_and_no_download(source: BundledSource) -> None:
    assert source.missing(NOWHERE) == ()
    source.fetch(NOWHERE, pytest.fail)


def flipped(content: bytes) -> bytes:
    return gzip.compress(content[:-1] + bytes([content[-1] ^ 1]))


def truncated(content: bytes) -> bytes:
    return gzip.compress(content)[:-100]


def shorter(content: bytes) -> bytes:
    return gzip.compress(content[:-1])


@BOTH
@pytest.mark.parametrize("damage", [flipped, truncated, shorter])
def test_a_damaged_bundle_is_refused(source: BundledSource, damage: object, tmp_path: Path) -> None:
    assert callable(damage)
    path = tmp_path / source.file.name
    path.write_bytes(damage(gzip.decompress(source.file.read_bytes())))
    with pytest.raises(DataError, match="install optbench again") as caught:
        replace(source, file=path).load(NOWHERE)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == EXIT_ENVIRONMENT


@BOTH
def test_a_bundle_that_is_gone_is_refused(source: BundledSource, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="install optbench again"):
        replace(source, file=tmp_path / "gone.gz").load(NOWHERE)
