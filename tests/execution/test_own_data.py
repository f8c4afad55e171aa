"""Data of the user's own: found beside the experiment, known by content, replaced if absent."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from experiments import command, write_experiment, write_plugin

from optbench.catalog.experiment import load_experiment
from optbench.errors import ConfigError, DataError
from optbench.execution.data import DataChoice, as_requested, load_data

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.spec import Setting

MAKER = (
    "def make(n=10):\n    return {'x': [[float(i)] for i in range(n)], 'y': [0, 1] * (n // 2)}\n"
)
FILE = {"name": "file", "path": "mine.npz"}
FUNCTION = {"name": "./data.py:make", "n": 20}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "one"
    folder.mkdir()
    np.savez(folder / "mine.npz", x=np.arange(40.0)[:, None], y=np.arange(40) % 2)
    (folder / "data.py").write_text(MAKER)
    return folder


def settings(folder: Path, dataset: Any) -> list[Setting]:
    return list(load_experiment(write_experiment(folder, dataset=dataset)).settings)


@pytest.mark.parametrize("dataset", [FILE, FUNCTION], ids=["file", "function"])
def test_the_same_data_elsewhere_make_the_same_run_and_others_another(
    dataset: dict[str, Any], folder: Path
) -> None:
    elsewhere = folder.parent / "two"
    shutil.copytree(folder, elsewhere)
    (here,), (there,) = settings(folder, dataset), settings(elsewhere, dataset)
    assert here.dataset != there.dataset  # each says where it is
    assert as_requested(here).setting_hash == as_requested(there).setting_hash
    np.savez(elsewhere / "mine.npz", x=np.zeros((40, 1)), y=np.arange(40) % 2)
    (elsewhere / "data.py").write_text(MAKER + "# edited\n")
    (edited,) = settings(elsewhere, dataset)
    assert as_requested(here).setting_hash != as_requested(edited).setting_hash


def test_of_two_files_the_absent_one_is_replaced(folder: Path) -> None:
    absent = {"name": "file", "path": "none.npz", "fallback": "digits"}
    said: list[str] = []
    data = DataChoice(folder, allow_fallback=True, announce=said.append)
    used = [data.settle(setting).dataset["name"] for setting in settings(folder, [FILE, absent])]
    assert used == ["file", "digits"]
    assert said[0].startswith(f"{folder / 'none.npz'} isn't there.\nUsing digits instead")


def test_where_no_fallback_is_allowed_the_absent_file_is_named(folder: Path) -> None:
    (setting,) = settings(folder, {"name": "file", "path": "none.npz", "fallback": "digits"})
    data = DataChoice(folder, allow_fallback=False, announce=pytest.fail)
    with pytest.raises(DataError, match=r"none\.npz isn't there"):
        data.settle(setting)


@pytest.mark.parametrize("name", ["file", "text", "labelled-text", "image-folder"])
@pytest.mark.parametrize("below", ["dataset", "dataset.fallback"])
def test_data_that_are_not_there_are_a_mistake_of_their_line_beside_the_others(
    name: str, below: str, folder: Path
) -> None:
    absent = {"name": name, "path": "none"}
    dataset = absent if below == "dataset" else {"name": "mnist", "fallback": absent}
    path = write_experiment(folder, dataset=dataset, seeds=0)
    outcome = command("validate", path)
    assert outcome.code == 2
    message = f"{below}.path: there is no file or folder {folder / 'none'}\n"
    assert f"{path}:1: {message}" in outcome.err
    assert f"{path}:1: seeds: " in outcome.err


def test_more_than_a_file_has_is_refused_at_its_line(folder: Path) -> None:
    with pytest.raises(ConfigError, match="must be at most 31, got 32") as caught:
        settings(folder, FILE | {"validation": 32})  # a fifth of 40 is to test
    assert "file has 32 training and 8 test examples" in str(caught.value)


@pytest.mark.parametrize("dataset", [FILE, FUNCTION], ids=["file", "function"])
def test_the_stored_configuration_repeats_the_run(dataset: dict[str, Any], folder: Path) -> None:
    path = write_experiment(folder, dataset=dataset | {"validation": 2}, training={"epochs": 1})
    runs = folder / "runs"
    assert command("run", path, "--runs-dir", runs).code == 0
    (stored,) = runs.glob("*/*/config.yaml")
    again = command("run", stored, "--runs-dir", runs)
    assert again.code == 0, again.err
    assert len(list(runs.glob("*/*/config.yaml"))) == 1


def test_data_that_change_after_they_were_hashed_are_not_trained_on(folder: Path) -> None:
    (setting,) = settings(folder, FILE)
    hashed = as_requested(setting)
    assert len(load_data(hashed, folder).train.targets) > 0
    np.savez(folder / "mine.npz", x=np.zeros((40, 1)), y=np.arange(40) % 2)
    with pytest.raises(DataError, match=r"has changed since this command began"):
        load_data(hashed, folder)


WIDE = """
from torch import nn

class Wide(nn.Sequential):
    def __init__(self, input_shape):
        super().__init__(nn.Linear(input_shape[0], 1000))
"""


def test_a_model_that_does_not_fit_the_data_is_refused_before_anything_trains(
    tmp_path: Path,
) -> None:
    write_plugin(tmp_path, WIDE)
    path = write_experiment(tmp_path, model={"name": "./plugin.py:Wide"})
    outcome = command("run", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 2
    assert "it maps inputs [1, 6] to outputs [1, 1000]; the data's 3 classes need [1, 3]" in (
        outcome.err
    )
    assert not list((tmp_path / "runs").rglob("result.json"))
