from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from optbench.catalog.datasets.mnist import FASHION_MNIST, KMNIST, MNIST, IdxSource
from optbench.errors import DataError

# Examples of each digit, as counted on http://yann.lecun.com/exdb/mnist/ files in many papers.
TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def real_data_dir(source: IdxSource) -> Path:
    named = os.environ.get("OPTBENCH_DATA")
    if not named or source.missing(Path(named)):
        pytest.skip(f"$OPTBENCH_DATA has no {source.name}")
    return Path(named)


def test_mnist_is_the_genuine_one() -> None:
    train, test = MNIST.load(real_data_dir(MNIST))
    assert train.inputs.shape == (60_000, 1, 28, 28)
    assert test.inputs.shape == (10_000, 1, 28, 28)
    assert np.bincount(train.targets).tolist() == TRAIN_COUNTS
    assert np.bincount(test.targets).tolist() == TEST_COUNTS
    # The published mean and standard deviation of the training pixels: 0.1307 and 0.3081.
    assert train.inputs.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert train.inputs.std() / 255 == pytest.approx(0.3081, abs=5e-5)


def test_fashion_mnist_is_the_genuine_one() -> None:
    train, test = FASHION_MNIST.load(real_data_dir(FASHION_MNIST))
    assert np.bincount(train.targets).tolist() == [6000] * 10
    assert np.bincount(test.targets).tolist() == [1000] * 10
    # Its published mean and standard deviation: 0.2860 and 0.3530.
    assert train.inputs.mean() / 255 == pytest.approx(0.2860, abs=5e-5)
    assert train.inputs.std() / 255 == pytest.approx(0.3530, abs=5e-5)


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        (MNIST, "474311efcf1fd213e64768801dc6195673bffb8385179d6c55cd8748b9e2e8ca"),
        (FASHION_MNIST, "d0a13531871adf77cb1d75902c9d2a2fdf613723748f5e8c24e0169faf064dc8"),
    ],
    ids=["mnist", "fashion-mnist"],
)
def test_the_content_hash_is_what_sha256sum_printed(source: IdxSource, printed: str) -> None:
    assert source.content_hash() == printed  # sha256sum *-ubyte | sha256sum


@pytest.mark.parametrize(
    "source", [MNIST, FASHION_MNIST, KMNIST], ids=["mnist", "fashion-mnist", "kmnist"]
)
def test_without_a_network_one_sentence_says_so_first(
    source: IdxSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(DataError) as caught:
        source.fetch(tmp_path, lambda line: None)
    headline = str(caught.value).splitlines()[0]
    assert headline.startswith(f"{source.name} is neither in {tmp_path} nor downloadable (no net")
    assert str(tmp_path / source.folder) in str(caught.value)
    assert list(tmp_path.iterdir()) == []
