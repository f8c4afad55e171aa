"""Images normalized by channel, against torchvision and numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from company import alone, in_cohorts
from experiments import make_learner, make_runs, train_all, write_plugin
from plain_loop import mean_loss, mlp
from torchvision.transforms.functional import normalize

from optbench.catalog.datasets.channels import channel_moments
from optbench.catalog.datasets.data import Examples
from optbench.catalog.experiment import load_experiment
from optbench.errors import ConfigError
from optbench.training.data import Split

if TYPE_CHECKING:
    from pathlib import Path

NORMALIZED = {"name": "digits", "train": 120, "test": 60, "validation": 40, "normalize": True}


def images(*shape: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 200, shape, dtype=np.uint8)


def test_moments_are_those_of_all_pixels_of_a_channel() -> None:
    inputs = images(2_500, 3, 5, 4)
    inputs[:, 1] //= 2
    found = channel_moments(Examples(inputs, np.zeros(2_500, np.int64)))
    pixels = torch.from_numpy(inputs).double().div(255).transpose(0, 1).flatten(1)
    np.testing.assert_allclose(found[0], pixels.mean(1), rtol=1e-6)
    np.testing.assert_allclose(found[1], pixels.std(1, correction=0), rtol=1e-6)
    floats = (inputs / 255).astype(np.float32)
    again = channel_moments(Examples(floats, np.zeros(2_500, np.int64)))
    np.testing.assert_allclose(again, found, rtol=1e-6)


def test_a_channel_of_one_colour_becomes_zero() -> None:
    inputs = images(10, 2, 3, 3)
    inputs[:, 1] = 51
    mean, deviation = channel_moments(Examples(inputs, np.zeros(10, np.int64)))
    assert (mean[1], deviation[1]) == (np.float32(0.2), 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_batches_and_chunks_are_what_torchvision_makes_of_them(dtype: type) -> None:
    pixels = torch.from_numpy(images(20, 3, 4, 4).astype(dtype))
    mean, deviation = torch.tensor([0.3, 0.4, 0.5]), torch.tensor([0.1, 0.2, 0.3])
    moments = mean[:, None, None], deviation[:, None, None]
    split, kept = Split(pixels, torch.zeros(20).long(), moments), pixels.clone()
    scaled = pixels.float() / 255 if dtype is np.uint8 else pixels
    expected = normalize(scaled, mean.tolist(), deviation.tolist())
    assert torch.equal(split.pick(torch.tensor([3, 1, 7]))[0], expected[[3, 1, 7]])
    assert torch.equal(split.chunk(5, 9)[0], expected[5:14])
    assert torch.equal(pixels, kept)


def test_evaluation_is_on_images_normalized_by_the_training_examples(tmp_path: Path) -> None:
    model: dict[str, Any] = {"name": "mlp", "hidden": [16]}
    training = {"epochs": 1, "batch_size": 32}
    runs = make_runs(tmp_path, dataset=NORMALIZED, model=model, training=training, seeds=2)
    assert in_cohorts(runs, 2) == alone(runs)
    learner = make_learner(runs[0])
    train_all(learner)
    data, untrained = learner.data, learner.rows[0]
    assert data.validation is not None
    pixels = data.train.inputs
    moments = [pixels.mean().item()], [pixels.std(correction=0).item()]
    for name, split in (("train", data.train), ("val", data.validation), ("test", data.test)):
        normalized = Split(normalize(split.inputs, *moments), split.targets)
        expected = mean_loss(mlp(64, 16, 10), normalized)
        assert untrained[f"{name}_loss"] == pytest.approx(expected, rel=1e-5)


def test_with_and_without_are_two_problems(tmp_path: Path) -> None:
    both = NORMALIZED | {"normalize": {"grid": [False, True]}}
    plain, normalized = make_runs(tmp_path, dataset=both)
    assert plain.setting.problem_hash != normalized.setting.problem_hash
    assert "normalize" not in plain.setting.dataset


def test_what_has_no_channels_is_refused_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "dataset: {name: synthetic, features: 6, normalize: true}\nmodel: mlp\noptimizer: sgd\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_experiment(path)
    (problem,) = caught.value.problems
    assert (problem.mark.line, problem.key) == (1, "dataset.normalize")
    assert problem.message == "is for images, [channels, height, width]; synthetic has [6]"


OWN = """
import numpy as np

def pixels(normalize: str = "no"):
    assert normalize == "yes"
    inputs = np.arange(640, dtype=np.float32).reshape(40, 1, 4, 4)
    targets = np.arange(40) % 2
    return (inputs[:30], targets[:30]), (inputs[30:], targets[30:])
"""


def test_a_data_sets_own_argument_of_that_name_is_its_own(tmp_path: Path) -> None:
    write_plugin(tmp_path, OWN)
    (run,) = make_runs(tmp_path, dataset={"name": "./plugin.py:pixels", "normalize": "yes"})
    assert make_learner(run).data.train.moments is None
