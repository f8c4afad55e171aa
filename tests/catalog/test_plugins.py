from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from experiment_text import loaded, only_setting, told

from optbench.catalog.plugins import anchored, content_hash, is_import_path, load
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

LION = """
from pathlib import Path
import torch
Path(__file__).with_name("ran").touch()


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr: float = 1e-4, betas: tuple[float, float] = (0.9, 0.99)):
        super().__init__(params, {"lr": lr, "betas": betas})


class Open(torch.optim.Optimizer):
    def __init__(self, params, **more):
        super().__init__(params, more)


class Net(torch.nn.Module):
    def __init__(self, classes, width=3): ...


class Plain:
    def __init__(self, params, lr=1): ...
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lion.py").write_text(LION)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("torch.optim:Adam", True), ("./mine.py:Opt", True), ("mine.py:Opt", True),
        ("/a/b.py:Opt", True), ("adam", False), (":Opt", False), ("a:", False), ("a:b c", False),
    ],
)  # fmt: skip
def test_a_colon_and_a_name_make_an_import_path(name: str, expected: bool) -> None:
    assert is_import_path(name) is expected


def test_a_file_is_found_beside_the_yaml(tmp_path: Path) -> None:
    assert anchored("./a.py:Opt", tmp_path) == f"{tmp_path}/a.py:Opt"
    assert anchored("../a.py:Opt", tmp_path / "x") == f"{tmp_path}/a.py:Opt"
    assert anchored("/else/a.py:Opt", tmp_path) == "/else/a.py:Opt"
    assert anchored("package.module:Opt", tmp_path) == "package.module:Opt"


def test_an_own_optimizer_has_its_own_signature_and_its_code_does_not_run(folder: Path) -> None:
    setting = only_setting(folder, optimizer="{name: './lion.py:Lion', lr: 1}")
    assert setting.optimizer == {
        "name": f"{folder}/lion.py:Lion", "lr": 1.0, "betas": [0.9, 0.99],
    }  # fmt: skip
    assert setting.label == "Lion lr=1"
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(
    ("optimizer", "mistake"),
    [
        ("{name: './lion.py:Lion', learning_rate: 1}",
         "optimizer.learning_rate: Lion has no such argument [did you mean 'lr'?]"),
        ("{name: './lion.py:Lion', lr: -1}", "optimizer.lr: must be greater than 0, got -1"),
        ("{name: './lion.py:Lion', betas: [1]}", "optimizer.betas: must be a list of 2, got 1"),
        ("{name: './lion.py:Lion', params: 1}",
         "optimizer.params: optbench provides it [leave it out]"),
        ("./lion.py:Net",
         "optimizer.name: Net is not a torch.optim.Optimizer: it descends from torch.nn.Module "
         "[class Net(torch.optim.Optimizer): …]"),
        ("./lion.py:Plain",
         "optimizer.name: Plain is not a torch.optim.Optimizer: it has no base class "
         "[class Plain(torch.optim.Optimizer): …]"),
        ("./lion.py:Lino",
         "optimizer.name: lion.py has no 'Lino' [did you mean 'Lion'?]"),
        ("no_such_package:Opt",
         "optimizer.name: there is no module named 'no_such_package' [package.module:Name, or "
         "./file.py:Name for a file beside this one]"),
        ("torch.optim:Adm",
         "optimizer.name: optim/__init__.py has no 'Adm' [did you mean 'Adam'?]"),
    ],
)  # fmt: skip
def test_a_mistake_about_an_own_optimizer_is_told(
    folder: Path, optimizer: str, mistake: str
) -> None:
    assert told(folder, optimizer=optimizer) == [mistake]
    assert not (folder / "ran").exists()


def test_a_missing_file_is_named_with_where_it_was_looked_for(tmp_path: Path) -> None:
    assert told(tmp_path, optimizer="./mine.py:Opt") == [
        f"optimizer.name: there is no file {tmp_path}/mine.py [a path in a YAML file starts at "
        "the folder of that file, in a command at yours]"
    ]


def test_further_keywords_are_taken_by_a_class_that_takes_them(folder: Path) -> None:
    setting = only_setting(folder, optimizer="{name: './lion.py:Open', lr: 1, anything: [a]}")
    assert setting.optimizer["anything"] == ["a"]
    assert told(folder, optimizer="{name: './lion.py:Open', rho: .nan}") == [
        "optimizer.rho: must be a finite number, got nan"
    ]


@pytest.mark.parametrize(
    ("part", "path", "name"),
    [
        ("optimizer", "torch.optim:Adam", "adam"),
        ("optimizer", "torch.optim:SGD", "sgd"),  # and not momentum, which is SGD too
        ("model", "optbench.catalog.models.mlp:MLP", "mlp"),
        ("schedule", "torch.optim.lr_scheduler:ConstantLR", "constantlr"),
    ],
)
def test_what_has_a_name_is_the_same_by_its_path(
    tmp_path: Path, part: str, path: str, name: str
) -> None:
    by_path, by_name = (only_setting(tmp_path, **{part: written}) for written in (path, name))
    assert by_path.setting_hash == by_name.setting_hash
    assert by_path.label == by_name.label


@pytest.mark.parametrize("part", ["optimizer", "model", "schedule"])
def test_a_plugins_content_counts_and_its_place_does_not(tmp_path: Path, part: str) -> None:
    hashes = []
    for place, source in (("a", LION), ("b", LION), ("c", LION + "# edited\n")):
        folder = tmp_path / place
        folder.mkdir()
        (folder / f"{place}.py").write_text(source)
        name = "Net" if part == "model" else "Open"
        parts = {part: f"./{place}.py:{name}"}
        hashes.append(loaded(folder, **parts).settings[0].setting_hash)
    assert hashes[0] == hashes[1] != hashes[2]


def test_content_is_hashed_of_files_alone(folder: Path) -> None:
    expected = hashlib.sha256(LION.encode()).hexdigest()
    assert content_hash(f"{folder}/lion.py:Lion") == expected
    assert content_hash("torch.optim:Adam") is None


def test_a_plugin_is_imported_once_until_it_is_edited(folder: Path) -> None:
    target = f"{folder}/lion.py:Lion"
    first = load(target)
    assert load(target) is first
    (folder / "lion.py").write_text(LION.replace("1e-4", "2e-4"))
    assert load(target) is not first


def test_a_dataclass_in_a_plugin_finds_its_module(tmp_path: Path) -> None:
    source = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "from typing import ClassVar\n@dataclass\nclass A:\n    x: int = 1\n    y: ClassVar = 2"
    )
    (tmp_path / "data.py").write_text(source)
    assert load(f"{tmp_path}/data.py:A")().x == 1


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise OSError('gone')", "OSError: gone"),
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("", "AttributeError: .* has no attribute 'Opt'"),
    ],
)
def test_an_import_that_fails_is_told_and_tried_again(
    tmp_path: Path, source: str, reason: str
) -> None:
    (tmp_path / "bad.py").write_text(source)
    for _ in range(2):
        with pytest.raises(UsageError, match=f"can't load .*bad.py:Opt: {reason}"):
            load(f"{tmp_path}/bad.py:Opt")
