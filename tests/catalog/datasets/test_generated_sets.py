from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from experiments import make_runs
from scipy.stats import chisquare

from optbench.catalog.datasets import DATASETS
from optbench.catalog.datasets.mnist_1d import mnist_1d
from optbench.catalog.datasets.plane import spirals, xor
from optbench.catalog.datasets.shapes import drawn, shapes
from optbench.catalog.datasets.zipf import zipf_words
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

# As optbench told them before there was `targets`.
XOR = "8ad08c22d93d8857f8262df37c9fd742995b6cacdc3ee398c28970237087fc3c"
SPIRALS = "f5e67d029ccc4762ffed7e409e4b457e124101afee14bbad7eb5c8e686ccba66"
NOWHERE = Path("/nonexistent")

# Printed by mnist1d 0.0.2.post1: make_dataset() with its default arguments.
FIRST_SIGNAL = [-0.33200567, -0.47191037, -0.77869708, -1.00974083, -0.88235257]
FIRST_LABELS = [2, 6, 4, 5, 6, 6, 6, 0, 3, 1]
LAST_TEST_SIGNAL = [-0.09864609, 0.44723289, 0.65987565, 0.87773435, 1.19315184]


def test_mnist_1d_is_what_its_authors_package_makes() -> None:
    train, test = mnist_1d().load(NOWHERE)
    assert train.inputs[0, 0, :5] == pytest.approx(FIRST_SIGNAL, abs=1e-6)
    assert train.targets[:10].tolist() == FIRST_LABELS
    assert test.inputs[-1, 0, -5:] == pytest.approx(LAST_TEST_SIGNAL, abs=1e-6)


def test_mnist_1d_agrees_with_the_package_where_that_is_installed() -> None:
    make = pytest.importorskip("mnist1d.data", reason="the mnist1d package is not installed")
    arguments = make.get_dataset_args()
    arguments.seed = 7
    theirs = make.make_dataset(arguments)
    train, test = mnist_1d(data_seed=7).load(NOWHERE)
    for examples, x, y in ((train, "x", "y"), (test, "x_test", "y_test")):
        assert np.abs(examples.inputs[:, 0] - theirs[x]).max() < 1e-6
        assert np.array_equal(examples.targets, theirs[y])


def test_xor_is_one_where_exactly_one_coordinate_is_above_a_half() -> None:
    train, _ = xor(train=2000).load(NOWHERE)
    above = train.inputs > 0.5
    assert np.array_equal(train.targets, above[:, 0] ^ above[:, 1])
    assert np.bincount(train.targets).tolist() == [1000, 1000]
    quarters = np.bincount(above @ [1, 2])
    assert chisquare(quarters).pvalue > 0.001
    assert 0 <= train.inputs.min() < 0.01 < 0.99 < train.inputs.max() <= 1


def test_spirals_are_one_curve_and_its_mirror_image_at_the_origin() -> None:
    train, _ = spirals(turns=1.0, noise=0.0).load(NOWHERE)
    x, y = train.inputs.astype(float).T
    radius = np.hypot(x, y)
    sign = np.where(train.targets == 0, 1, -1)
    assert radius.max() <= 1 + 1e-6
    assert sign * x == pytest.approx(radius * np.cos(2 * np.pi * radius), abs=1e-5)
    assert sign * y == pytest.approx(radius * np.sin(2 * np.pi * radius), abs=1e-5)


def test_noise_is_added_with_the_deviation_asked_for() -> None:
    exact, noisy = (spirals(train=5000, noise=n).load(NOWHERE)[0].inputs for n in (0.0, 0.1))
    assert (noisy - exact).std() == pytest.approx(0.1, rel=0.03)  # 10,000 values: 0.7% each way


def test_words_are_as_frequent_as_zipfs_law_has_them() -> None:
    train, _ = zipf_words(train=20_000, words=100, length=1).load(NOWHERE)
    assert set(train.inputs.sum(axis=1)) == {1.0}  # a document of one word
    expected = 1 / np.arange(1, 101)
    counts = train.inputs.sum(axis=0)
    assert chisquare(counts, 20_000 * expected / expected.sum()).pvalue > 0.001


def test_documents_of_the_same_words_have_the_same_class() -> None:
    train, test = zipf_words(words=4, length=3).load(NOWHERE)
    classes: dict[bytes, set[int]] = {}
    for examples in (train, test):
        for document, target in zip(examples.inputs, examples.targets, strict=True):
            classes.setdefault(document.tobytes(), set()).add(int(target))
    assert {len(found) for found in classes.values()} == {1}


# What a class fills of the plane, by hand; the circle around it has the radius 1.
AREAS = {
    0: np.pi,
    1: 0.7 * np.pi,
    2: np.pi / 2,
    # Of the unit circle, what is outside one of radius √.8 whose centre is ½ away: π less the lens.
    3: np.pi
    - np.arccos((0.25 + 1 - 0.8) / (2 * 0.5))
    - 0.8 * np.arccos((0.25 + 0.8 - 1) / (2 * 0.5 * 0.8**0.5))
    + 0.5 * np.sqrt(4 * 0.25 - (0.25 + 1 - 0.8) ** 2),
    4: 3 * np.sqrt(3) / 4,
    5: 2.0,
    6: 2 - 0.8**2,
    7: 4 * 0.95 * 0.3,
    8: 2 * 4 * 0.95 * 0.3 - 0.6**2,
    9: 1.0,
}


@pytest.mark.parametrize(("label", "area"), AREAS.items())
def test_a_shape_fills_what_it_should_wherever_and_however_it_lies(label: int, area: float) -> None:
    draw = np.random.RandomState(0)
    centre, angle = draw.uniform(13, 18, (2, 1000)), draw.uniform(0, 2 * np.pi, 1000)
    filled = drawn(np.full(1000, label), centre, np.full(1000, 12.0), angle).sum(axis=(1, 2))
    # The mean over many places and angles; a single one is off by the pixels along its outline.
    assert filled.mean() == pytest.approx(144 * area, rel=0.004)
    assert filled.std() < 0.05 * 144 * area


def test_shapes_are_bright_on_dark_with_the_noise_asked_for() -> None:
    still, noisy = (shapes(train=300, test=10, noise=n).load(NOWHERE)[0] for n in (0.0, 0.05))
    assert noisy.inputs.dtype == np.uint8
    assert np.bincount(noisy.targets).tolist() == [30] * 10
    for image in still.inputs[:50]:
        assert {len(np.unique(colour)) for colour in image} <= {1, 2}  # one may equal the other's
        assert (image.reshape(3, -1).max(1) >= 127).all()
        assert (image.reshape(3, -1).min(1) <= 128).all()
    middling = (still.inputs > 50) & (still.inputs < 205)  # where noise is not cut off
    difference = noisy.inputs[middling] / 255 - still.inputs[middling] / 255
    assert difference.std() == pytest.approx(0.05, rel=0.01)


@pytest.mark.parametrize("make", [xor, spirals, zipf_words, shapes])
def test_more_training_examples_and_other_seeds(make: Callable[..., Any]) -> None:
    one, more, other = make(), make(train=50), make(data_seed=1)
    assert np.array_equal(one.load(NOWHERE)[1].inputs, more.load(NOWHERE)[1].inputs)
    assert not np.array_equal(one.load(NOWHERE)[1].inputs, other.load(NOWHERE)[1].inputs)
    assert len({source.content_hash() for source in (one, more, other)}) == 3


# SHA-256 of what was loaded when these sets were introduced: a change needs a new VERSION. The
# other sets use logarithms and cosines, whose last bits are the system's own.
PINNED = {
    "xor": (xor, "62e45c421f8e90b0cb05b9d217ac8f9ab49c5e5350b06e459c4c21c2cd018e8a"),
    "zipf-words": (zipf_words, "3c7354e777e128a7267974dbb8dc42cc94db49ee5e0efdb5f7e0e51c285a4a24"),
}


@pytest.mark.parametrize(("make", "digest"), PINNED.values(), ids=PINNED.keys())
def test_what_is_generated_stays_as_it_was(make: Callable[[], Any], digest: str) -> None:
    parts = make().load(NOWHERE)
    content = b"".join(part.inputs.tobytes() + part.targets.tobytes() for part in parts)
    assert hashlib.sha256(content).hexdigest() == digest


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: xor(train=0),
        lambda: xor(data_seed=-1),
        lambda: spirals(turns=float("inf")),
        lambda: spirals(noise=-0.1),
        lambda: zipf_words(words=1),
        lambda: zipf_words(train=2**20, words=2**20),
        lambda: zipf_words(classes=1),
        lambda: mnist_1d(data_seed=2**32),
        lambda: shapes(noise=-1.0),
        lambda: shapes(train=2**20),
    ],
)
def test_values_that_make_no_data_are_refused(mistake: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        mistake()


@pytest.mark.parametrize("name", ["xor", "spirals"])
def test_classes_may_be_told_as_the_numbers_0_and_1(name: str) -> None:
    make = DATASETS[name].factory
    classes, numbers = make().load(Path())[0], make(targets="numbers").load(Path())[0]
    assert numbers.targets.dtype == np.float32
    assert numbers.targets[:, 0].tolist() == classes.targets.tolist()
    assert np.array_equal(numbers.inputs, classes.inputs)
    assert make().content_hash() != make(targets="numbers").content_hash()


def test_content_and_settings_are_known_by_the_hashes_they_had_without_that_argument(
    tmp_path: Path,
) -> None:
    assert DATASETS["xor"].factory().content_hash() == XOR
    assert DATASETS["spirals"].factory().content_hash() == SPIRALS
    (run,) = make_runs(tmp_path, dataset={"name": "xor"})
    assert "targets" not in run.setting.dataset
    (run,) = make_runs(tmp_path, dataset={"name": "xor", "targets": "numbers"}, model="sigmoid-mlp")
    assert run.setting.training["loss"] == "bce"
