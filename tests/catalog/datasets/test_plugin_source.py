from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from experiments import command, run_module

from optbench.catalog.datasets.plugin_source import PluginSource, plugin_source
from optbench.errors import DataError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.catalog.datasets import Examples

MAKERS = """
import numpy as np
import torch
from torch.utils.data import Dataset, TensorDataset

def numbers(n):
    return np.arange(float(n))[:, None], np.arange(n) % 2

def by_name(n=10):
    x, y = numbers(n)
    return {"x_train": x, "y_train": y, "x_test": x, "y_test": y}

def four(n=10):
    return (*numbers(n), *numbers(n))

def two_pairs(n=10):
    return numbers(n), numbers(n)

def pair(n=10):
    x, y = numbers(n)
    return torch.from_numpy(x), torch.from_numpy(y)

def two_datasets(n=10):
    return TensorDataset(*pair(n)), TensorDataset(*pair(n))

class Images(Dataset):
    def __init__(self, n=10):
        self.n = n
    def __len__(self):
        return self.n
    def __getitem__(self, index):
        from PIL import Image
        return Image.new("RGB", (5, 4), (index, 0, 255)), index % 2

def random(n=10):
    import random as python
    drawn = torch.rand(n, 1).numpy() + np.random.rand(n, 1) + python.random()
    return {"x": drawn, "y": np.arange(n) % 2}

def raising(n=10):
    raise KeyError("no such thing")

class Halves(Images):
    def __getitem__(self, index):
        return np.ones(1), torch.tensor(index / 2)

def nothing(n=10):
    return None

def constant(n=10):
    return {"x": np.zeros((n, 1)), "y": np.zeros(n)}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data.py").write_text(MAKERS)
    return tmp_path


def made(folder: Path, name: str, **arguments: object) -> PluginSource:
    return plugin_source(f"{folder / 'data.py'}:{name}", arguments)


def loaded(folder: Path, name: str, **arguments: object) -> tuple[Examples, Examples]:
    return made(folder, name, **arguments).load(folder)


@pytest.mark.parametrize("name", ["by_name", "four", "two_pairs", "two_datasets"])
def test_two_parts_in_any_form_are_what_they_say(name: str, folder: Path) -> None:
    train, test = loaded(folder, name, n=12)
    for examples in (train, test):
        assert examples.inputs.tolist() == [[float(i)] for i in range(12)]
        assert examples.targets.tolist() == [0, 1] * 6


@pytest.mark.parametrize("name", ["pair", "Images"])
def test_of_one_part_a_fifth_is_for_testing(name: str, folder: Path) -> None:
    source = made(folder, name)
    assert (source.train_size, source.test_size, source.classes) == (8, 2, 2)


def test_fractions_of_a_dataset_are_numbers_to_predict(folder: Path) -> None:
    source = made(folder, "Halves")
    train, test = source.load(folder)
    assert sorted([*train.targets.ravel(), *test.targets.ravel()]) == [i / 2 for i in range(10)]
    assert (source.task.losses, source.task.target_shape) == (("mse",), (1,))


def test_pillow_images_become_channels_height_width(folder: Path) -> None:
    train, _ = loaded(folder, "Images")
    assert train.inputs.shape == (8, 3, 4, 5)
    assert train.inputs.dtype == np.uint8
    assert train.inputs[0, :, 0, 0].tolist()[1:] == [0, 255]


def test_a_torchvision_data_set_can_be_named(tmp_path: Path) -> None:
    arguments = {"size": 10, "image_size": [3, 8, 8], "num_classes": 2}
    train, _ = plugin_source("torchvision.datasets:FakeData", arguments).load(tmp_path)
    assert train.inputs.shape == (8, 3, 8, 8)


def test_what_draws_from_global_generators_is_the_same_each_time(folder: Path) -> None:
    before = random.getstate()
    one, two = loaded(folder, "random"), loaded(folder, "random")
    assert np.array_equal(one[0].inputs, two[0].inputs)
    assert len(np.unique(one[0].inputs)) == 8
    assert random.getstate() == before


def test_the_content_hash_is_of_the_file_the_name_and_the_arguments(folder: Path) -> None:
    hashes = {
        made(folder, "four").content_hash(),
        made(folder, "pair").content_hash(),
        made(folder, "pair", n=11).content_hash(),
    }
    (folder / "data.py").write_text(MAKERS + "\n# edited\n")
    hashes.add(made(folder, "four").content_hash())
    assert len(hashes) == 4


def test_a_function_that_raises_is_told_with_its_own_line(folder: Path) -> None:
    line = MAKERS.splitlines().index('    raise KeyError("no such thing")') + 1
    with pytest.raises(UsageError) as caught:
        loaded(folder, "raising")
    where = f"{folder / 'data.py'}, line {line}"
    assert str(caught.value) == f"raising fails: KeyError: 'no such thing' ({where})"


def test_what_returns_no_data_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="nothing fails: TypeError"):
        loaded(folder, "nothing")
    with pytest.raises(DataError, match="what constant returns has a single class"):
        loaded(folder, "constant")


def experiment(folder: Path, dataset: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(
        f"dataset: {{name: {dataset}}}\nmodel: logistic\noptimizer: {{name: sgd, lr: 0.1}}\n"
        "training: {epochs: 1}\n"
    )
    return path


def test_an_experiment_names_a_function_beside_it_and_may_say_its_arguments(folder: Path) -> None:
    path = experiment(folder, '"./data.py:by_name", n: 40, validation: 8')
    outcome = command("run", path, "--runs-dir", folder / "runs")
    assert outcome.code == 0, outcome.err
    assert "32 train, 8 validation, 40 test" in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        ('"./data.py:by_nam"', "by_name"),
        ('"./none.py:by_name"', "there is no file"),
        ('"./data.py:by_name", m: 3', "by_name has no such argument"),
        ("file, path: none.npz", "there is no file or folder"),
    ],
)
def test_what_can_not_be_found_ends_the_command_at_once(
    dataset: str, reason: str, folder: Path
) -> None:
    outcome = run_module("run", experiment(folder, dataset), cwd=folder)
    assert outcome.code == 2
    assert reason in outcome.err
    assert "Traceback" not in outcome.err
