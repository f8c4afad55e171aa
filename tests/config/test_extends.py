from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from optbench.config.extends import MAX_BASES, resolve
from optbench.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.node import Plain


def merged(tmp_path: Path, base: str, over: str) -> Plain:
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "over.yaml").write_text(f"extends: base.yaml\n{over}")
    return resolve(tmp_path / "over.yaml").plain()


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        resolve(path)
    return str(caught.value)


def test_a_file_that_extends_nothing_is_itself(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    assert resolve(tmp_path / "a.yaml").plain() == {"a": 1}


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        # mappings merge, at any depth; the base's keys come first
        ("a: {x: 1, y: {z: 2}}", "a: {y: {w: 3}}", {"a": {"x": 1, "y": {"z": 2, "w": 3}}}),
        ("a: 1", "b: 2", {"a": 1, "b": 2}),
        # lists and scalars replace
        ("a: [1, 2]", "a: [3]", {"a": [3]}),
        ("a: 1", "a: text", {"a": "text"}),
        ("a: {b: 1}", "a: 5", {"a": 5}),
        ("a: {b: 1}", "a:", {"a": None}),
        ("a: 5", "a: {b: 1}", {"a": {"b": 1}}),
        # a changed name replaces the mapping, the same name merges
        ("optimizer: {name: adam, lr: 1}", "optimizer: {name: sgd}",
         {"optimizer": {"name": "sgd"}}),
        ("optimizer: {name: adam, lr: 1}", "optimizer: {name: adam, eps: 2}",
         {"optimizer": {"name": "adam", "lr": 1, "eps": 2}}),
        ("optimizer: {name: adam, lr: 1}", "optimizer: {lr: 2}",
         {"optimizer": {"name": "adam", "lr": 2}}),
        ("optimizer: {name: adam, schedule: {name: step, gamma: 1}}",
         "optimizer: {schedule: {name: cosine}}",
         {"optimizer": {"name": "adam", "schedule": {"name": "cosine"}}}),
        # the experiment's own name is no such name
        ("name: base\na: 1", "name: over", {"name": "over", "a": 1}),
        # a bare name counts as a mapping with that name
        ("optimizer: {name: adam, lr: 1}", "optimizer: sgd", {"optimizer": {"name": "sgd"}}),
        ("optimizer: {name: adam, lr: 1}", "optimizer: adam",
         {"optimizer": {"name": "adam", "lr": 1}}),
        ("optimizer: adam", "optimizer: {lr: 1}", {"optimizer": {"name": "adam", "lr": 1}}),
        ("optimizer: adam", "optimizer: {name: sgd, lr: 1}",
         {"optimizer": {"name": "sgd", "lr": 1}}),
        ("optimizer: adam", "optimizer: sgd", {"optimizer": "sgd"}),
        ("dataset: {name: mnist, fallback: {name: digits, validation: 9}}",
         "dataset: {fallback: digits}",
         {"dataset": {"name": "mnist", "fallback": {"name": "digits", "validation": 9}}}),
        ("training: {loss: {name: a, b: 1}}", "training: {loss: a}",
         {"training": {"loss": {"name": "a", "b": 1}}}),
        ("training: {loss: {name: a, b: 1}}", "training: {loss: c}",
         {"training": {"loss": {"name": "c"}}}),
        ("a: {b: {name: c, d: 1}}", "a: {b: c}", {"a": {"b": "c"}}),
        # a list of parts replaces one
        ("optimizer: {name: adam, lr: 1}", "optimizer: [sgd]", {"optimizer": ["sgd"]}),
        # a space is a value, not a mapping to merge into
        ("a: {lr: {grid: [1]}}", "a: {lr: {uniform: [1, 2]}}", {"a": {"lr": {"uniform": [1, 2]}}}),
        ("a: {lr: {grid: [1]}}", "a: {lr: {x: 1, y: 2}}", {"a": {"lr": {"x": 1, "y": 2}}}),
    ],
)  # fmt: skip
def test_a_file_is_merged_over_its_base(
    tmp_path: Path, base: str, over: str, expected: Plain
) -> None:
    assert merged(tmp_path, base, over) == expected


def test_keys_come_in_the_bases_order(tmp_path: Path) -> None:
    plain = merged(tmp_path, "a: 1\nb: 2", "c: 3\na: 4")
    assert isinstance(plain, dict)
    assert list(plain) == ["a", "b", "c"]


def test_every_value_keeps_the_file_it_was_written_in(tmp_path: Path) -> None:
    merged(tmp_path, "model: {name: ./net.py:Net}\ntraining: {epochs: 1}", "training: {batch: 2}")
    root = resolve(tmp_path / "over.yaml")
    base, over = str(tmp_path / "base.yaml"), str(tmp_path / "over.yaml")
    assert root.mapping["model"].mapping["name"].mark.file == base
    training = root.mapping["training"]
    assert training.mapping["epochs"].mark.file == base
    assert training.mapping["batch"].mark.file == over
    assert training.key_marks["epochs"][0].file == base
    assert training.key_marks["batch"][0].file == over


def test_a_base_is_looked_for_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "a.yaml").write_text("extends: shared/b.yaml\na: 1")
    (tmp_path / "shared" / "b.yaml").write_text("extends: c.yaml\nb: 2")
    (tmp_path / "shared" / "c.yaml").write_text("a: 0\nb: 0\nc: 3")
    assert resolve(tmp_path / "a.yaml").plain() == {"a": 1, "b": 2, "c": 3}


def test_a_missing_base_is_refused_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\nextends: b.yaml")
    message = refusal(tmp_path / "a.yaml")
    assert message.startswith(
        f"{tmp_path / 'a.yaml'}:2: extends: there is no file {tmp_path / 'b.yaml'}\n"
    )


@pytest.mark.parametrize("name", ["a" * 300, "."])
def test_a_base_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.yaml").write_text(f"extends: {name}")
    assert "extends: there is no file" in refusal(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("value", "shown"),
    [("[b.yaml]", "a list"), ("5", "5"), ("", "nothing"), ("{a: b}", "a mapping")],
)
def test_a_base_is_named_by_text(tmp_path: Path, value: str, shown: str) -> None:
    (tmp_path / "a.yaml").write_text(f"extends: {value}\nb: 1")
    assert f"must be the path of a YAML file, got {shown}" in refusal(tmp_path / "a.yaml")


def test_files_that_extend_each_other_are_refused_with_the_circle(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: b.yaml")
    (tmp_path / "b.yaml").write_text("extends: a.yaml")
    a, b = tmp_path / "a.yaml", tmp_path / "b.yaml"
    assert f"in a circle: {a} → {b} → {a}" in refusal(a)


def test_a_circle_by_another_name_of_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "link.yaml").symlink_to(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text("extends: link.yaml")
    assert "in a circle" in refusal(tmp_path / "a.yaml")


def _chain(folder: Path, bases: int) -> Path:
    for index in range(bases):
        (folder / f"{index}.yaml").write_text(f"extends: {index + 1}.yaml\nk{index}: 1")
    (folder / f"{bases}.yaml").write_text("last: 1")
    return folder / "0.yaml"


def test_a_chain_has_at_most_ten_bases(tmp_path: Path) -> None:
    assert len(resolve(_chain(tmp_path, MAX_BASES)).mapping) == MAX_BASES + 1
    assert "at most 10 files can be extended in a row" in refusal(_chain(tmp_path, MAX_BASES + 1))


def test_a_mistake_in_a_base_names_the_base(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: b.yaml")
    (tmp_path / "b.yaml").write_text("x: 007")
    assert refusal(tmp_path / "a.yaml").startswith(f"{tmp_path / 'b.yaml'}:1: x: an integer")


@pytest.mark.parametrize("text", ["[a, b]", "adam", "5"])
def test_an_experiment_is_a_mapping(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    assert "an experiment must be a mapping" in refusal(tmp_path / "a.yaml")


def test_a_base_does_not_give_its_name_to_the_experiments_that_extend_it(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("name: base\nseeds: 3\n")
    (tmp_path / "child.yaml").write_text("extends: base.yaml\n")
    assert resolve(tmp_path / "child.yaml").plain() == {"seeds": 3}


def test_arguments_between_two_names_belong_to_the_older_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("optimizer: {name: adam, eps: 1}\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\noptimizer: {lr: 2}\n")
    (tmp_path / "c.yaml").write_text("extends: b.yaml\noptimizer: {name: sgd}\n")
    assert resolve(tmp_path / "c.yaml").plain() == {"optimizer": {"name": "sgd"}}
