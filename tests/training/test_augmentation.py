"""Random flips and crops against torchvision's, one image after the other; in company; refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, assert_ends_as, in_cohorts, resumed, stopped, traces
from experiments import make_learner, make_runs, train_all
from plain_loop import documented_seed, mean_loss, mlp, one_thread
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.functional import crop, hflip, pad

from optbench.catalog.experiment import load_experiment
from optbench.errors import ConfigError
from optbench.training.augmentation import Augmentation

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = {"name": "digits", "train": 120, "test": 60}  # grey images of 8×8 pixels


def by_torchvision(
    images: Tensor, margin: int, flips: list[bool], corners: list[list[int]]
) -> Tensor:
    height, width = images.shape[2:]
    changed = []
    for image, flip, (top, left) in zip(images, flips, corners, strict=True):
        part = crop(pad(image, [margin] * 4), top, left, height, width)
        changed.append(hflip(part) if flip else part)
    return torch.stack(changed)


def documented_draws(
    epoch: int, n: int, margin: int, seed: int = 0
) -> tuple[list[bool], list[list[int]]]:
    flips, corners = (
        torch.Generator().manual_seed(documented_seed(stream, seed, epoch))
        for stream in ("flip", "crop")
    )
    mirrored = torch.randint(2, (n,), generator=flips).bool().tolist()
    return mirrored, torch.randint(2 * margin + 1, (n, 2), generator=corners).tolist()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("shape", [(3, 9, 7), (1, 8, 8)])
def test_batches_are_what_torchvision_makes_of_each_image(
    shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    images = torch.randint(256, (50, *shape)).to(dtype)
    draws = Augmentation(flip=True, crop=4).draw(3, 5, 50, torch.device("cpu"))
    found = torch.cat([draws.change(images[:32], 0), draws.change(images[32:], 32)])
    flips, corners = documented_draws(5, 50, 4, seed=3)
    assert torch.equal(found, by_torchvision(images, 4, flips, corners))
    assert found.is_contiguous()
    assert len(set(flips)) == 2
    assert {place for corner in corners for place in corner} == set(range(9))


@pytest.mark.parametrize(
    ("augment", "margin", "flip"),
    [({"flip": True, "crop": 2}, 2, True), ({"crop": 1}, 1, False), ({"flip": True}, 0, True)],
)
def test_training_is_that_of_a_plain_loop_on_such_images(
    tmp_path: Path, augment: dict[str, Any], margin: int, flip: bool
) -> None:
    """The same bits; evaluation is on the images as they are."""
    training = {"epochs": 5, "batch_size": 32, "augment": augment}
    optimizer = {"name": "adam", "lr": 0.01}
    model: dict[str, Any] = {"name": "mlp", "hidden": [16]}
    parts: dict[str, Any] = {"dataset": DIGITS, "model": model, "optimizer": optimizer}
    (run,) = make_runs(tmp_path, training=training, **parts)
    learner = make_learner(run)
    assert learner.way.kind == "chain"
    train_all(learner)
    data, plain = learner.data, mlp(64, 16, 10)
    optimizer_of_torch = torch.optim.Adam(plain.parameters(), lr=0.01, fused=True)
    with one_thread():
        for epoch in range(5):
            generator = torch.Generator().manual_seed(documented_seed("batches", 0, epoch))
            order = torch.randperm(120, generator=generator)
            flips, corners = documented_draws(epoch, 120, margin)
            flips = flips if flip else [False] * 120
            images = by_torchvision(data.train.inputs[order], margin, flips, corners)
            for start in range(0, 120, 32):
                part = slice(start, start + 32)
                outputs = plain(images[part])
                loss = functional.cross_entropy(outputs, data.train.targets[order[part]])
                optimizer_of_torch.zero_grad()
                torch.autograd.backward(loss)
                optimizer_of_torch.step()
    for found, parameter in zip(learner.parameters, plain.parameters(), strict=True):
        assert torch.equal(found, parameter)
    assert learner.rows[-1]["test_loss"] == pytest.approx(mean_loss(plain, data.test), rel=1e-6)


def test_augmented_runs_in_company_and_resumed(tmp_path: Path) -> None:
    """Beside runs of the same seed without, and with another augmentation."""
    augments = {"grid": [None, {"flip": True}, {"flip": True, "crop": 2}]}
    items: list[dict[str, Any]] = [
        {"name": "adam", "lr": 0.01},
        {"name": "sgd", "lr": 0.1, "momentum": 0.9},
    ]
    training = {"epochs": 3, "batch_size": 16, "accumulate": 2, "augment": augments}
    runs = make_runs(tmp_path, dataset=DIGITS, optimizer=items, training=training, seeds=2)
    expected = alone(runs)
    assert len({str(trace["rows"]) for trace in expected}) == len(runs)
    assert in_cohorts(runs, 12) == expected
    sealed = stopped([make_learner(run) for run in runs[:6]], 4)
    found = traces([resumed(runs[index], sealed[index]) for index in (5, 1)])
    assert_ends_as(found[0], expected[5])
    assert_ends_as(found[1], expected[1])


def told(folder: Path, dataset: object, augment: object) -> list[str]:
    path = folder / "mine.yaml"
    path.write_text(
        f"dataset: {dataset}\nmodel: logistic\noptimizer: sgd\ntraining: {{augment: {augment}}}\n",
        encoding="utf-8",
    )
    try:
        load_experiment(path)
    except ConfigError as error:
        return [
            f"{p.mark.line}: {p.key}: {p.message} [{p.remedy}]".removesuffix(" []")
            for p in error.problems
        ]
    return []


@pytest.mark.parametrize(
    ("dataset", "augment", "message"),
    [
        (
            "{name: synthetic, features: 6}",
            "{flip: true}",
            "4: training.augment: is for images, [channels, height, width]; synthetic has [6]",
        ),
        (
            "{name: mnist, fallback: {name: synthetic, features: [4, 5]}}",
            "{flip: true}",
            "4: training.augment: is for images, [channels, height, width]; synthetic has [4, 5]",
        ),
        (
            "digits",
            "{crop: 8}",
            "4: training.augment.crop: must be smaller than the images of digits, [1, 8, 8], got 8",
        ),
        ("digits", "{crop: -1}", "4: training.augment.crop: must be 0 or greater, got -1"),
        ("digits", "true", "4: training.augment: must be {flip: true, crop: N}, got true"),
        (
            "digits",
            "{flipp: true}",
            "4: training.augment.flipp: augment has no such argument [did you mean 'flip'?]",
        ),
    ],
)
def test_what_cannot_be_augmented_is_refused_at_its_line(
    tmp_path: Path, dataset: str, augment: str, message: str
) -> None:
    assert told(tmp_path, dataset, augment) == [message]


def test_switched_off_it_is_as_if_left_out(tmp_path: Path) -> None:
    augments = {"grid": [None, {"flip": False}, {"crop": 0}, {"crop": 1}]}
    runs = make_runs(tmp_path, dataset=DIGITS, training={"epochs": 1, "augment": augments})
    assert [run.setting.label for run in runs] == [
        "adam lr=0.01", "adam lr=0.01 augment.crop=1",
    ]  # fmt: skip
