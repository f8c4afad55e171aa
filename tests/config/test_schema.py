from __future__ import annotations

from pathlib import Path

import pytest

from optbench.config.node import Problems
from optbench.config.schema import Document, read_document, read_part
from optbench.config.yaml_source import parse
from optbench.errors import ConfigError, Problem

LEAST = {"dataset": "mnist", "model": "mlp", "optimizer": "adam"}
NAME_RULE = "must be 1 to 100 letters, digits, '.', '_' or '-', beginning with a letter or digit"


def read(file: str = "mine.yaml", **parts: str | None) -> tuple[Document, list[Problem]]:
    lines = {key: value for key, value in {**LEAST, **parts}.items() if value is not None}
    text = "".join(f"{key}: {value}\n" for key, value in lines.items())
    problems = Problems()
    document = read_document(parse(text, file), Path(file), problems)
    try:
        problems.raise_if_any()
    except ConfigError as error:
        return document, list(error.problems)
    return document, []


def told(file: str = "mine.yaml", **parts: str | None) -> list[str]:
    _, problems = read(file, **parts)
    return [f"{p.key}: {p.message}{f' [{p.remedy}]' if p.remedy else ''}" for p in problems]


def test_the_least_that_a_file_says_is_enough() -> None:
    document, problems = read()
    assert not problems
    assert document.name == "mine"
    assert (document.seeds, document.device, document.claims) == ((0,), "auto", ())
    assert [part.key for part in document.datasets + document.models] == ["dataset", "model"]
    assert document.schedules == ()
    assert document.training.node.plain() == {}


def test_a_list_is_several_parts_each_with_its_own_path() -> None:
    document, problems = read(optimizer="[adam, {name: sgd, lr: 1}]")
    assert not problems
    assert [(part.key, part.node.plain()) for part in document.optimizers] == [
        ("optimizer[0]", {"name": "adam"}),
        ("optimizer[1]", {"name": "sgd", "lr": 1}),
    ]


@pytest.mark.parametrize(
    ("parts", "mistakes"),
    [
        ({"dataset": None}, ["dataset: is missing [add a line 'dataset: …']"]),
        (
            {"model": None, "optimizer": None},
            ["model: is missing [add a line 'model: …']",
             "optimizer: is missing [add a line 'optimizer: …']"],
        ),
        # A misspelled key is one mistake, not two.
        (
            {"optimizer": None, "optimzer": "adam"},
            ["optimzer: unknown key [did you mean 'optimizer'?]"],
        ),
        (
            {"zzz": "3"},
            ["zzz: unknown key [known keys: name, dataset, model, optimizer, schedule, training, "
             "seeds, tuning, device, expect]"],
        ),
        # An argument that stands at the top has its place below a part.
        ({"lr": "3"}, ["lr: unknown key [did you mean 'optimizer.lr'?]"]),
        ({"learning_rate": "3"}, ["learning_rate: unknown key [did you mean 'optimizer.lr'?]"]),
        ({"momentum": "1"}, ["momentum: unknown key [did you mean 'optimizer.momentum'?]"]),
        ({"epochs": "3"}, ["epochs: unknown key [did you mean 'training.epochs'?]"]),
        ({"batchsize": "3"}, ["batchsize: unknown key [did you mean 'training.batch_size'?]"]),
        ({"hidden": "[3]"}, ["hidden: unknown key [did you mean 'model.hidden'?]"]),
        ({"validation": "3"}, ["validation: unknown key [did you mean 'dataset.validation'?]"]),
        ({"seed": "3"}, ["seed: unknown key [did you mean 'seeds'?]"]),
        ({"optimizer": "[]"}, ["optimizer: must name at least one"]),
        (
            {"optimizer": "[adam, 3]"},
            ["optimizer[1]: must be a name or a mapping with a name, got 3"],
        ),
        ({"optimizer": "{nam: adam}"}, ["optimizer: has no name [optimizer: {name: …}]"]),
        ({"optimizer": "{grid: [adam]}"}, ["optimizer: has no name [optimizer: {name: …}]"]),
        ({"schedule": "null"},
         ["schedule: must be a name or a mapping with a name, got nothing"]),
        ({"training": "[1]"}, ["training: must be a mapping, got a list"]),
        ({"training": ""}, ["training: must be a mapping, got nothing"]),
        # An empty part is one mistake, however many of its lines stand at the margin.
        ({"optimizer": "", "lr": "3"},
         ["optimizer: has nothing under it [indent the lines below it]"]),
        ({"training": "", "epochs": "3", "loss": "x"},
         ["training: has nothing under it [indent the lines below it]"]),
        ({"device": "gpu"}, ["device: must be auto, cpu, cuda, cuda:N or mps, got 'gpu'"]),
        ({"device": "cuda:x"}, ["device: must be auto, cpu, cuda, cuda:N or mps, got 'cuda:x'"]),
        ({"device": "3"}, ["device: must be auto, cpu, cuda, cuda:N or mps, got 3"]),
        ({"name": "../x"}, [f"name: {NAME_RULE}, got '../x'"]),
        ({"name": "/etc"}, [f"name: {NAME_RULE}, got '/etc'"]),
        ({"name": "x" * 300}, [f"name: {NAME_RULE}, got '{'x' * 59}…'"]),
        ({"name": ".hidden"}, [f"name: {NAME_RULE}, got '.hidden'"]),
        ({"name": "''"}, [f"name: {NAME_RULE}, got ''"]),
        ({"name": "con/.."}, [f"name: {NAME_RULE}, got 'con/..'"]),
        ({"name": "2024"}, ["name: must be text, got 2024 [put it in quotes]"]),
        ({"name": "null"}, ["name: must be text, got nothing"]),
        (
            {"optimizer": "{name: adam, lr: {grid: []}}"},
            ["optimizer.lr.grid: must hold at least one value, is empty"],
        ),
        ({"expect": "3"}, ["expect: must be a list of claims, got 3"]),
    ],
)  # fmt: skip
def test_each_mistake_of_structure_is_told(parts: dict[str, str], mistakes: list[str]) -> None:
    assert told(**parts) == mistakes


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:0", "cuda:15", "mps"])
def test_a_device_may_be_named(device: str) -> None:
    assert read(device=device)[0].device == device


@pytest.mark.parametrize(
    ("file", "stem"), [("an evil name.yaml", "an evil name"), (".a.yaml", ".a")]
)
def test_a_file_whose_name_is_no_name_has_to_say_one(file: str, stem: str) -> None:
    assert told(file) == [
        f"name: the file's name gives the experiment's, which {NAME_RULE}, got '{stem}' "
        "[add a line 'name: …']"
    ]
    assert told(file, name="fine") == []


def test_a_part_within_a_part_is_read_the_same_way() -> None:
    problems = Problems()
    part = read_part(parse("cosine", "a.yaml"), "optimizer[0].schedule", problems)
    assert part is not None
    assert part.node.plain() == {"name": "cosine"}
    assert read_part(parse("{warmup: 1}", "a.yaml"), "optimizer[0].schedule", problems) is None
    with pytest.raises(ConfigError, match=r"optimizer\[0\].schedule: has no name"):
        problems.raise_if_any()
