from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from experiment_text import loaded, text_of, told

from optbench.catalog.experiment import load_experiment

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
import torch
class SignSGD(torch.optim.Optimizer): ...
class _Hidden: ...
class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=1): ...
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "signsgd.py").write_text(FILE)
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "broken.py").write_text("class (:")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("./signsgd.py", "write ./signsgd.py:SignSGD or ./signsgd.py:Lion"),
        ("signsgd.py", "write signsgd.py:SignSGD or signsgd.py:Lion"),
        ("./empty.py", "write ./empty.py:Class"),
        ("./broken.py", "write ./broken.py:Class"),
        ("./nowhere.py", "write ./nowhere.py:Class"),
        ("torch.optim.Adam", "write torch.optim:Adam"),
        ("torch.optim.lr_scheduler.StepLR", "write torch.optim.lr_scheduler:StepLR"),
        ("SignSGD", "a class of your own: ./file.py:SignSGD or package.module:SignSGD"),
        ("Zzz", "a class of your own: ./file.py:Zzz or package.module:Zzz"),
        ("RMSprob", "did you mean 'rmsprop'?  (optbench list optimizers)"),
        ("Adam", "did you mean 'adam'?  (optbench list optimizers)"),
        ("rms.prop", "did you mean 'rmsprop'?  (optbench list optimizers)"),
        ("zzz", "see: optbench list optimizers"),
        ("''", "see: optbench list optimizers"),
    ],
)
def test_a_name_that_the_catalog_lacks_is_told_what_may_be_meant(
    folder: Path, name: str, remedy: str
) -> None:
    shown = name.strip("'")
    mistake = f"unknown optimizer '{shown}' [{remedy}]"
    assert told(folder, optimizer=name) == [f"optimizer.name: {mistake}"]


@pytest.mark.parametrize("part", ["model", "schedule"])
def test_models_and_schedules_can_be_classes_too(folder: Path, part: str) -> None:
    (mistake,) = told(folder, **{part: "./signsgd.py"})
    assert mistake.endswith("[write ./signsgd.py:SignSGD or ./signsgd.py:Lion]")


def test_a_data_set_is_no_class(folder: Path) -> None:
    assert told(folder, dataset="Places365") == [
        "dataset.name: unknown data set 'Places365' [see: optbench list datasets]"
    ]


def test_names_instead_of_one_are_told_how_to_try_each(tmp_path: Path) -> None:
    assert told(tmp_path, optimizer="{name: [adam, sgd]}") == [
        "optimizer.name: must be the name of an optimizer, got a list "
        "[write {grid: [adam, sgd]} to try each]"
    ]
    assert len(loaded(tmp_path, optimizer="{name: {grid: [adam, sgd]}}").settings) == 2


def test_a_path_on_the_command_line_starts_where_the_command_is_given(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "configs").mkdir()
    (folder / "configs" / "mine.yaml").write_text(text_of())
    monkeypatch.chdir(folder)
    overrides = ["optimizer=./signsgd.py:Lion"]
    (setting,) = load_experiment("configs/mine.yaml", overrides=overrides).settings
    assert setting.optimizer["name"] == f"{folder}/signsgd.py:Lion"
