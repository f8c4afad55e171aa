from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from stored_runs import make_rows, result_document

from optbench.config.node import MAX_DEPTH
from optbench.errors import StoreError
from optbench.store.result import RESULT_LIMIT, format_result, parse_result, read_result

if TYPE_CHECKING:
    from pathlib import Path


BIG = int("9" * 400)


def nested(levels: int) -> list[Any]:
    """A list in a list, and so on."""
    return [nested(levels - 1)] if levels > 1 else []


def changed(part: str, value: object) -> dict[str, Any]:
    """The changes that give the configuration's part another value."""
    return {"config": result_document()["config"] | {part: value}}


def parse(**changes: Any) -> Any:
    content = json.dumps(result_document(make_rows([0.1, 0.9]), **changes)).encode()
    return parse_result(content, "result.json")


def refuse_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is not JSON")


def test_what_was_written_reads_back_equal() -> None:
    result = parse()
    assert parse_result(format_result(result).encode(), "result.json") == result


def test_non_finite_numbers_are_null() -> None:
    result = replace(parse(), last={"train_loss": math.nan, "steps": 12, "test_loss": -math.inf})
    document = json.loads(format_result(result), parse_constant=refuse_constant)
    assert document["last"] == {"train_loss": None, "steps": 12, "test_loss": None}


def test_the_keys_stand_in_the_order_of_the_format() -> None:
    assert list(json.loads(format_result(parse()))) == [*result_document(), "digest"]


def test_any_other_byte_is_damage(tmp_path: Path) -> None:
    content = format_result(parse()).encode()
    for place in range(0, content.index(b"digest"), 41):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(StoreError, match=r"r: (damaged|not strict JSON|.*must)"):
            parse_result(bytes(changed), "r")


def test_another_number_is_damage() -> None:
    content = format_result(parse()).replace('"test_accuracy": 0.9', '"test_accuracy": 0.8')
    with pytest.raises(StoreError, match="r: damaged: its digest is not that of its content"):
        parse_result(content.encode(), "r")


def test_a_reason_that_is_not_unicode_can_be_stored() -> None:
    result = replace(parse(), reason="no such file: \udcff")
    assert parse_result(format_result(result).encode(), "r").reason == "no such file: \udcff"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "result.json: schema: must be 1"),
        ({"status": "done"}, "status: must be one of running, completed"),
        ({"status": ["completed"]}, "status: must be one of"),
        ({"seed": True}, "seed: must be a whole number from 0, got True"),
        ({"seed": -1}, "seed: must be a whole number from 0, got -1"),
        ({"run": "../../etc"}, "run: must be a SHA-256"),
        ({"labels": []}, "labels: must be an object, got []"),
        ({"labels": {"problem": "p"}}, "labels.setting: is missing"),
        ({"config": {"optimizer": {"name": 3}}}, "config.dataset: is missing"),
        (changed("schedule", "cosine"), "config.schedule: must be an object, got 'cosine'"),
        (changed("schedule", {"x": 1}), "config.schedule.name: is missing"),
        (changed("schedule", {"name": None}), "config.schedule.name: must be text, got None"),
        (changed("optimizer", ["adam"]), "config.optimizer: must be an object"),
        (changed("model", {"name": 3}), "config.model.name: must be text, got 3"),
        (changed("dataset", None), "config.dataset: must be an object, got None"),
        (changed("training", 5), "config.training: must be an object, got 5"),
        ({"last": {"test_accuracy": True}}, "last.test_accuracy: must be a number or null"),
        ({"seconds": True}, "seconds: must be a number or null, got True"),
        ({"environment": {"threads": True}}, "environment.threads: must be text or a number"),
        ({"seconds": BIG}, "999 is an integer beyond 64 bits"),
        ({"last": {"epoch": -BIG}}, "999 is an integer beyond 64 bits"),
        (changed("optimizer", {"name": "adam", "lr": 2**63}), "9223372036854775808 is an integer"),
        (changed("optimizer", {"name": "adam", "z": nested(450)}), "nested deeper than 51 levels"),
        ({"last": {"test_accuracy": "0.9"}}, "last.test_accuracy: must be a number or null"),
        ({"environment": {"host": {}}}, "environment.host: must be text or a number"),
        ({"files": {"metrics.csv": "x"}}, "files.metrics.csv: must be a SHA-256"),
        ({"reason": "x" * 100, "seconds": "x" * 100}, "got 'xxx"),
    ],
)
def test_a_wrong_value_is_named_with_its_rule(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StoreError) as caught:
        parse(**changes)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 160


def test_a_configuration_as_deep_as_an_experiment_file_may_be_is_read() -> None:
    deepest = {"name": "adam", "z": nested(MAX_DEPTH - 2)}  # the file and the optimizer hold it
    assert parse(**changed("optimizer", deepest)).config["optimizer"] == deepest


def test_the_greatest_integers_of_an_experiment_file_are_read() -> None:
    ends = {"name": "adam", "least": -(2**63), "most": 2**63 - 1}
    assert parse(**changed("optimizer", ends)).config["optimizer"] == ends


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff{}",
        b'{"schema": NaN}',
        b'{"schema": 1e999}',
        b"[" * 100_000,
        b'{"schema": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_not_a_strict_json_object_is_refused(content: bytes) -> None:
    with pytest.raises(StoreError, match="JSON"):
        parse_result(content, "result.json")


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(b" " * (RESULT_LIMIT + 1))
    with pytest.raises(StoreError, match="at most 1,000,000 bytes"):
        read_result(path)


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text(json.dumps(result_document()), encoding="utf-8")
    (tmp_path / "result.json").symlink_to("real.json")
    with pytest.raises(StoreError, match="a symbolic link, not followed"):
        read_result(tmp_path / "result.json")


def test_a_fifo_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "result.json")
    with pytest.raises(StoreError, match="not a regular file"):
        read_result(tmp_path / "result.json")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "result.json").mkdir()
    with pytest.raises(StoreError, match="not a regular file"):
        read_result(tmp_path / "result.json")
