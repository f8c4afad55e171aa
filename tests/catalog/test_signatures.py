from __future__ import annotations

import inspect
import os
from typing import TYPE_CHECKING, Any

import pytest
import torch

from optbench.catalog.optimizers import optimizers
from optbench.catalog.schedules import refused_schedules, schedules
from optbench.catalog.signatures import (
    Signature,
    SourceNotFoundError,
    class_attribute,
    defined_classes,
    exported_classes,
    module_path,
    signature_of,
    visible_bases,
)

if TYPE_CHECKING:
    from pathlib import Path

TORCH_CLASSES = sorted(
    {
        entry.target
        for entry in [*optimizers().values(), *schedules().values(), *refused_schedules().values()]
        if entry.target
    }
)


def read(folder: Path, source: str, name: str = "Opt") -> Signature:
    path = folder / "plugin.py"
    path.write_text(source, encoding="utf-8")
    return signature_of(f"{path}:{name}")


def names(signature: Signature) -> list[str]:
    return [parameter.name for parameter in signature.parameters]


def real_parameters(target: str) -> list[inspect.Parameter]:
    import importlib

    module, _, name = target.partition(":")
    found: Any = getattr(importlib.import_module(module), name)
    return list(inspect.signature(found).parameters.values())


def as_lists(value: object) -> object:
    return [as_lists(item) for item in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("target", TORCH_CLASSES)
def test_the_source_tells_what_inspect_tells_of_the_imported_class(target: str) -> None:
    signature = signature_of(target)
    real = real_parameters(target)
    assert names(signature) == [parameter.name for parameter in real]
    assert [p.required for p in signature.parameters] == [p.default is p.empty for p in real]
    assert [p.default for p in signature.parameters if not p.required] == [
        as_lists(p.default) for p in real if p.default is not p.empty
    ]
    assert all(p.default_known for p in signature.parameters)
    assert not signature.open


def test_every_optimizer_that_torch_exports_is_found() -> None:
    found = {
        name
        for name, value in vars(torch.optim).items()
        if isinstance(value, type)
        and issubclass(value, torch.optim.Optimizer)
        and value is not torch.optim.Optimizer
    }
    assert {n for n in exported_classes("torch.optim") if n != "Optimizer"} == found


def test_every_public_scheduler_that_torch_defines_is_found() -> None:
    from torch.optim import lr_scheduler

    found = {
        name
        for name, value in vars(lr_scheduler).items()
        if isinstance(value, type)
        and issubclass(value, lr_scheduler.LRScheduler)
        and not name.startswith("_")
    }
    assert found <= set(defined_classes("torch.optim.lr_scheduler"))


def test_a_class_of_ones_own_file_is_read_with_kinds_and_defaults(tmp_path: Path) -> None:
    source = "class Opt:\n    def __init__(self, params, lr: float = 1e-3, *, steps=3, on): ..."
    signature = read(tmp_path, source)
    assert [(p.name, p.required, p.default, set(p.type.kinds)) for p in signature.parameters] == [
        ("params", True, None, set()),
        ("lr", False, 1e-3, {"float"}),
        ("steps", False, 3, {"int", "float"}),
        ("on", True, None, set()),
    ]
    assert not signature.open


def test_a_factory_function_is_as_good_as_a_class(tmp_path: Path) -> None:
    assert names(read(tmp_path, "def Opt(params, lr=1): ...")) == ["params", "lr"]


def test_further_keywords_make_a_signature_open(tmp_path: Path) -> None:
    signature = read(tmp_path, "class Opt:\n    def __init__(self, params, **more): ...")
    assert signature.open
    assert names(signature) == ["params"]


@pytest.mark.parametrize(
    "source",
    [
        "from torch.optim import Adam as Opt",
        "from torch.optim.adam import Adam as Opt",
        "from torch.optim import Adam\nclass Opt(Adam): ...",
        "import torch\nclass Opt(torch.optim.Adam): ...",
        "import torch.optim\nclass Opt(torch.optim.Adam): ...",
        "import torch.optim as o\nclass Opt(o.Adam): ...",
        "from torch import optim\nclass Opt(optim.Adam): ...",
        "from torch.optim import Adam\nclass Middle(Adam): ...\nclass Opt(Middle): ...",
        "if True:\n    from torch.optim import Adam as Opt",
    ],
)
def test_imports_and_base_classes_are_followed(tmp_path: Path, source: str) -> None:
    expected = list(inspect.signature(torch.optim.Adam).parameters)
    signature = read(tmp_path, source)
    assert names(signature) == expected
    assert not signature.open


def test_a_star_import_is_followed() -> None:
    expected = list(inspect.signature(torch.nn.Linear).parameters)
    assert names(signature_of("torch.nn:Linear")) == expected


def test_a_relative_import_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "my_package" / "inner"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("from .inner.opt import Opt as Public")
    (package / "__init__.py").write_text("")
    (package / "opt.py").write_text("from ..base import Opt")
    (package.parent / "base.py").write_text("class Opt:\n    def __init__(self, p, mine=1): ...")
    monkeypatch.syspath_prepend(tmp_path)
    assert names(signature_of("my_package:Public")) == ["p", "mine"]


def test_a_folder_without_init_is_a_package_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_folder").mkdir()
    (tmp_path / "my_folder" / "opt.py").write_text("def Opt(p, mine=1): ...")
    monkeypatch.syspath_prepend(tmp_path)
    assert names(signature_of("my_folder.opt:Opt")) == ["p", "mine"]
    with pytest.raises(SourceNotFoundError, match="'my_folder' is a folder of modules"):
        signature_of("my_folder:Opt")


@pytest.mark.parametrize(
    "source",
    [
        "Opt = make()",
        "import torch\nOpt = torch.optim.Adam",
        "def __getattr__(name): ...",
        "try:\n    import x\nexcept ImportError:\n    class Opt: ...",
        "from math import Opt",
        "from os.path import *\nfrom nowhere_at_all import *",
        "class Opt(Opt): ...",
        "class Opt(Other): ...\nclass Other(Opt): ...",
        "class Opt: ...",
        "class Opt(make_base()): ...",
        "from ......... import Opt",
    ],
)
def test_what_only_an_import_can_tell_is_left_open(tmp_path: Path, source: str) -> None:
    assert read(tmp_path, source).open


def test_a_compiled_module_is_left_open() -> None:
    assert signature_of("math:floor").open


@pytest.mark.parametrize(
    ("default", "expected"),
    [("1.0 / 3", 1 / 3), ("EPS", 1e-8), ("(EPS, -1)", [1e-8, -1]), ("'a'", "a"), ("None", None)],
)
def test_a_default_may_be_a_constant_or_a_quotient(
    tmp_path: Path, default: str, expected: object
) -> None:
    signature = read(tmp_path, f"EPS: float = 1e-8\ndef Opt(p, x={default}): ...")
    assert signature.parameters[1].default == expected


@pytest.mark.parametrize(
    "default", ["f()", "A", "b'x'", "{1}", "1e999", "...", "1 / 0", "'a' / 2", "undefined"]
)
def test_a_default_that_is_no_plain_value_is_not_known(tmp_path: Path, default: str) -> None:
    parameter = read(tmp_path, f"A = B\nB = A\ndef Opt(p, x={default}): ...").parameters[1]
    assert not parameter.default_known
    assert not parameter.required


@pytest.mark.parametrize(
    ("target", "message", "remedy"),
    [
        ("no_such_package:Opt", "there is no module named 'no_such_package'", "./file.py:Name"),
        ("./opt:Opt", "there is no module named ''", "./file.py:Name"),
        ("torch.nowhere:Opt", "'torch' has no module 'nowhere'", ""),
        ("torch.optim.adam.deeper:Opt", "'torch.optim.adam' has no module 'deeper'", ""),
        ("torch.optim:Adm", "optim/__init__.py has no 'Adm'", "did you mean 'Adam'?"),
        ("/nowhere/opt.py:Opt", "there is no file /nowhere/opt.py", "in a command at yours"),
        ("a\0b.py:Opt", "there is no file", "in a command at yours"),
        (f"{'a' * 300}.py:Opt", "there is no file", "in a command at yours"),
        (f"{'a' * 300}:Opt", "there is no module", ""),
        ("a\0b:Opt", "there is no module", ""),
    ],
)
def test_what_is_missing_is_named_with_a_remedy(target: str, message: str, remedy: str) -> None:
    with pytest.raises(SourceNotFoundError) as told:
        signature_of(target)
    assert message in str(told.value)
    assert remedy in told.value.remedy


def test_a_file_without_the_class_tells_which_it_has(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match=r"plugin.py has no 'Opt'") as told:
        read(tmp_path, "class Lion: ...\ndef make(): ...\nclass _Hidden: ...")
    assert told.value.remedy == "it has Lion, make"


@pytest.mark.parametrize(
    ("source", "reason"),
    [("class Opt(:\n", "line 1: invalid syntax"), ("x = 1\n  y", "line 2"), ("a\0b", "null byte")],
)
def test_a_file_that_is_no_python_is_named_with_its_line(
    tmp_path: Path, source: str, reason: str
) -> None:
    with pytest.raises(SourceNotFoundError, match=rf"plugin.py is not valid Python.*{reason}"):
        read(tmp_path, source)


def test_a_fifo_or_a_folder_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.py")  # reading it would wait for a writer for ever
    (tmp_path / "folder.py").mkdir()
    for name in ("fifo.py", "folder.py"):
        with pytest.raises(SourceNotFoundError, match="there is no file"):
            signature_of(f"{tmp_path / name}:Opt")


def test_an_edited_file_is_read_again(tmp_path: Path) -> None:
    assert names(read(tmp_path, "def Opt(p, before=1): ...")) == ["p", "before"]
    assert names(read(tmp_path, "def Opt(p, afterwards=1): ...")) == ["p", "afterwards"]


def test_a_functions_argument_cannot_be_written_in_yaml(tmp_path: Path) -> None:
    source = "def Opt(p, f: Callable[[int], int], g: Callable[[int], int] | None = None): ..."
    _, f, g = read(tmp_path, source).parameters
    assert not f.writable
    assert g.writable
    assert read(tmp_path, source).get("g") == g
    assert read(tmp_path, source).get("h") is None


def test_a_class_attribute_is_read_from_the_source() -> None:
    from torchvision.datasets import MNIST

    source = "torchvision.datasets.mnist:MNIST"
    assert class_attribute(source, "mirrors") == MNIST.mirrors
    with pytest.raises(SourceNotFoundError, match="has no attribute 'nothing'"):
        class_attribute(source, "nothing")


def test_a_module_is_found_where_python_finds_it() -> None:
    import torch.optim.lr_scheduler

    assert str(module_path("torch.optim.lr_scheduler")) == torch.optim.lr_scheduler.__file__
    assert str(module_path("torch.optim")) == torch.optim.__file__


OPTIMIZER = "torch.optim.optimizer:Optimizer"


def bases(folder: Path, source: str) -> tuple[str, ...] | None:
    path = folder / "plugin.py"
    path.write_text(f"import torch\nfrom torch import nn\nimport enum\n{source}")
    return visible_bases(f"{path}:Opt", OPTIMIZER)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class Opt: ...", ()),
        ("class Opt(object): ...", ("object",)),
        ("class Base: ...\nclass Opt(Base): ...", ("Base",)),
        ("class Opt(nn.Module): ...", ("nn.Module",)),
        ("class A: ...\nclass Opt(A, nn.Linear): ...", ("A", "nn.Linear")),
    ],
)
def test_a_class_that_visibly_descends_from_another_root_is_told_by_its_bases(
    tmp_path: Path, source: str, expected: tuple[str, ...]
) -> None:
    assert bases(tmp_path, source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "class Opt(torch.optim.Optimizer): ...",
        "class Opt(torch.optim.Adam): ...",
        "class A: ...\nclass Opt(A, torch.optim.SGD): ...",
        "from torch.optim import Optimizer as Base\nclass Opt(Base): ...",
        "from torch.optim import Adam as Opt",
        "def Opt(params): ...",
        "Opt = make()",
        "@changed\nclass Opt: ...",
        "class Opt(metaclass=Changed): ...",
        "class Opt(make()): ...",
        "class Opt(nowhere.Base): ...",
        "class Opt(Exception): ...",  # built in: no source to follow
        "class Opt(Opt): ...",
        "class Opt(A): ...\nclass A(Opt): ...",
    ],
)
def test_what_is_an_optimizer_or_may_be_one_is_not_told(tmp_path: Path, source: str) -> None:
    assert bases(tmp_path, source) is None


def test_a_class_that_cannot_be_found_has_no_visible_bases(tmp_path: Path) -> None:
    assert visible_bases(f"{tmp_path}/nowhere.py:Opt", OPTIMIZER) is None
    assert visible_bases("math:Opt", OPTIMIZER) is None
    assert visible_bases("torch.optim:Adam", OPTIMIZER) is None
