from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from optbench.config.overrides import apply
from optbench.config.yaml_source import parse
from optbench.errors import ConfigError

if TYPE_CHECKING:
    from optbench.config.node import Plain

BASE = """\
dataset: mnist
model: {name: mlp, hidden: [128, 64]}
optimizer:
  - adam
  - {name: sgd, lr: {grid: [0.1, 1]}}
training: {epochs: 5}
schedule:
"""


def changed(*assignments: str, base: str = BASE) -> dict[str, Plain]:
    plain = apply(parse(base, "a.yaml"), assignments).plain()
    assert isinstance(plain, dict)
    return plain


def refusal(*assignments: str) -> str:
    with pytest.raises(ConfigError) as caught:
        apply(parse(BASE, "a.yaml"), assignments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("assignment", "key", "value"),
    [
        ("device=cpu", "device", "cpu"),
        ("seeds=8", "seeds", 8),
        ("seeds=[0, 3, 7]", "seeds", [0, 3, 7]),
        ("training.epochs=1", "training", {"epochs": 1}),
        ("training={epochs: 2, batch_size: 8}", "training", {"epochs": 2, "batch_size": 8}),
        ("training.clip.norm=1e-2", "training", {"epochs": 5, "clip": {"norm": 0.01}}),
        ("model.hidden[1]=32", "model", {"name": "mlp", "hidden": [128, 32]}),
        ("model.name=./a.py:Net", "model", {"name": "./a.py:Net", "hidden": [128, 64]}),
        ("model.note=a=b", "model", {"name": "mlp", "hidden": [128, 64], "note": "a=b"}),
        ("dataset.validation=500", "dataset", {"name": "mnist", "validation": 500}),
        ("dataset.fallback.name=mnist-5k", "dataset",
         {"name": "mnist", "fallback": {"name": "mnist-5k"}}),
        ("schedule.name=cosine", "schedule", {"name": "cosine"}),
        ("optimizer=sgd", "optimizer", "sgd"),
        ("optimizer[1].lr=1", "optimizer", ["adam", {"name": "sgd", "lr": 1}]),
        ("optimizer[1]=rmsprop", "optimizer", ["adam", "rmsprop"]),
        ("model.dropout=null", "model", {"name": "mlp", "hidden": [128, 64], "dropout": None}),
        ("model.activation='1'", "model", {"name": "mlp", "hidden": [128, 64], "activation": "1"}),
        ("seeds =  3 ", "seeds", 3),
    ],
)  # fmt: skip
def test_a_key_is_set(assignment: str, key: str, value: Plain) -> None:
    original = parse(BASE, "a.yaml").plain()
    assert isinstance(original, dict)
    assert changed(assignment) == {**original, key: value}


def test_a_name_below_a_list_is_set_in_every_item() -> None:
    assert changed("optimizer.lr=1e-2")["optimizer"] == [
        {"name": "adam", "lr": 0.01},
        {"name": "sgd", "lr": 0.01},
    ]


def test_an_index_sets_one_item() -> None:
    assert changed("optimizer[1].lr={logspace: [1e-3, 1, 4]}")["optimizer"] == [
        "adam",
        {"name": "sgd", "lr": {"logspace": [0.001, 1, 4]}},
    ]


def test_a_schedule_of_an_optimizer_may_be_a_bare_name() -> None:
    base = "optimizer: {name: sgd, schedule: cosine}"
    assert changed("optimizer.schedule.warmup=0.1", base=base) == {
        "optimizer": {"name": "sgd", "schedule": {"name": "cosine", "warmup": 0.1}}
    }


def test_a_fallback_may_be_a_bare_name() -> None:
    base = "dataset: [{name: mnist, fallback: digits}]"
    assert changed("dataset.fallback.validation=9", base=base) == {
        "dataset": [{"name": "mnist", "fallback": {"name": "digits", "validation": 9}}]
    }


def test_a_space_is_changed_by_its_own_name() -> None:
    items = changed("optimizer[1].lr.grid=[1]")["optimizer"]
    assert items == ["adam", {"name": "sgd", "lr": {"grid": [1]}}]


def test_later_assignments_see_earlier_ones() -> None:
    assert changed("optimizer=adam", "optimizer.lr=1", "optimizer.lr=2")["optimizer"] == {
        "name": "adam",
        "lr": 2,
    }


def test_the_file_read_is_left_as_it_was() -> None:
    root = parse(BASE, "a.yaml")
    before = root.plain()
    apply(root, ["optimizer.lr=1", "model.hidden[0]=1"])
    assert root.plain() == before


def test_a_value_set_is_marked_with_its_assignment() -> None:
    root = apply(parse(BASE, "a.yaml"), ["training.epochs=-1"])
    training = root.mapping["training"]
    assert str(training.mapping["epochs"].mark) == "--set training.epochs=-1"
    assert training.mark.file == "a.yaml"
    mark, width = training.key_marks["epochs"]
    assert (str(mark), mark.line, width) == ("--set training.epochs=-1", 0, 0)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.epochs", "must be key=value, has no '='\n  --set training.epochs=VALUE"),
        ("", "must be key=value, has no '='\n  --set optimizer.lr=1e-2"),
        ("=1", "must be key=value, has no key"),
        ("training.epochs=", "training.epochs: has no value after '='"),
        ("optimizer[2].lr=1", "optimizer: has 2 items, counted from 0: there is no [2]"),
        ("optimizer[99999999].lr=1", "optimizer: has 2 items, counted from 0"),
        ("training[0]=1", "training: must be a list to take [0], is a mapping"),
        ("absent[0]=1", "absent: must be a list to take [0], is nothing"),
        ("training.epochs.x=1", "can't be set: training.epochs is 5, not a mapping"),
        ("model.hidden.x=1", "can't be set: model.hidden[0] is 128, not a mapping"),
        ("optimizer[1].lr.uniform=[0, 1]", "can't be set: optimizer[1].lr is a grid"),
        ("a=[1", "a: this bracket is not closed"),
        ("a=007", "a: an integer must not start with 0, got '007'"),
        ("a=!!int 5", "a: tags are not allowed"),
        ("a=\0", "a: the NUL character is not allowed"),
        ("a=\ud800", "a: the character U+D800 is not allowed"),
    ],
)  # fmt: skip
def test_what_cannot_be_set_is_refused(assignment: str, message: str) -> None:
    assert message in refusal(assignment)


@pytest.mark.parametrize(
    "key", ["a..b", ".a", "a.", "a[x]", "a[-1]", "[0]", "a[0]b", "a b", "a[", "a[1" + "0" * 9 + "]"]
)
def test_a_key_that_is_no_path_is_refused(key: str) -> None:
    assert "a key must be names with dots between them" in refusal(f"{key}=1")


def test_a_key_as_deep_as_no_file_may_be_is_refused() -> None:
    assert "at most 50 names and indices" in refusal(".".join("a" * 51) + "=1")


def test_a_name_below_an_empty_list_is_refused() -> None:
    with pytest.raises(ConfigError, match="optimizer: is an empty list"):
        changed("optimizer.lr=1", base="optimizer: []")


def test_every_assignment_that_fails_is_named() -> None:
    message = refusal("x", "training.epochs=1", "optimizer[7]=1")
    assert message.count("--set") == 3  # two headlines, one remedy
    assert "--set x: " in message
    assert "--set optimizer[7]=1: " in message


def test_a_message_holds_no_character_that_a_terminal_obeys() -> None:
    message = refusal("\x1b[31m=1\ud800")
    assert message.isascii()
    assert "\x1b" not in message
