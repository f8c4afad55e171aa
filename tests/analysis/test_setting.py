from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from stored_runs import ADAM, SGD, load, make_rows, write_run

from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.analysis.setting import differing, group_settings, labels, remarkable
from optbench.config.spec import format_value

if TYPE_CHECKING:
    from pathlib import Path

ROWS = make_rows([0.1, 0.9])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (0.001, "0.001"),
        (1e-8, "1e-08"),
        (True, "true"),
        (None, "null"),
        ([0.9, 0.999], "[0.9, 0.999]"),
        ([{"match": "fc.*", "lr": 1}], "[{match: fc.*, lr: 1}]"),
        ("cosine", "cosine"),
    ],
)
def test_values_look_as_in_yaml(value: Any, text: str) -> None:
    assert format_value(value) == text


def test_a_loss_and_its_arguments_are_the_problems(tmp_path: Path) -> None:
    loss = {"name": "focal.py:FocalLoss", "gamma": 2}
    write_run(tmp_path, ROWS, training={"loss": loss, "clip_norm": 1.0})
    (setting,) = group_settings(load(tmp_path))
    assert setting.hyperparameters["clip_norm"] == 1
    assert not [name for name in setting.hyperparameters if "loss" in name or "gamma" in name]


def test_learning_rates_are_ordered_as_numbers(tmp_path: Path) -> None:
    for lr in (0.1, 1e-5, 10, 2.0):
        write_run(tmp_path, ROWS, optimizer=SGD | {"lr": lr})
    settings = group_settings(load(tmp_path))
    assert [found.hyperparameters["lr"] for found in settings] == [1e-5, 0.1, 2.0, 10]


@pytest.mark.parametrize(
    ("training", "plain", "changed"),
    [
        ({"dtype": "float64"}, "dtype=float32", "dtype=float64"),
        ({"clip_norm": 1.0}, "clip_norm=null", "clip_norm=1"),
        ({"compile": True}, "compile=false", "compile=true"),
        ({"accumulate": 4}, "accumulate=1", "accumulate=4"),
        ({"label_smoothing": 0.1}, "label_smoothing=0", "label_smoothing=0.1"),
        ({"amp": "bfloat16"}, "amp=null", "amp=bfloat16"),
        ({"freeze": ["0.*"]}, "freeze=[]", "freeze=[0.*]"),
        ({"augment": {"flip": True}}, "augment.flip=false", "augment.flip=true"),
        (
            {"average": {"name": "ema", "decay": 0.9}},
            "average=null",
            "average=ema average.decay=0.9",
        ),
    ],
)
def test_a_default_of_training_is_told_beside_settings_with_another_value(
    tmp_path: Path, training: dict[str, Any], plain: str, changed: str
) -> None:
    write_run(tmp_path, ROWS, training=training)
    write_run(tmp_path, ROWS)
    write_run(tmp_path, ROWS, optimizer=SGD)
    settings = group_settings(load(tmp_path))
    assert sorted(labels(settings)) == sorted(
        [f"adam lr=0.001 {plain}", f"adam lr=0.001 {changed}", "sgd lr=0.01"]
    )
    key = plain.partition("=")[0]
    assert key in remarkable(settings)
    assert all(key in setting.hyperparameters for setting in settings)


def test_a_default_of_training_is_not_told_where_all_have_it(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS)
    write_run(tmp_path, ROWS, optimizer=SGD)
    assert not {"dtype", "amp"} & {
        name for setting in group_settings(load(tmp_path)) for name in setting.hyperparameters
    }


def test_the_label_tells_what_differs_and_the_learning_rate(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS, optimizer=ADAM)
    write_run(tmp_path, ROWS, optimizer=SGD)
    write_run(tmp_path, ROWS, optimizer=SGD | {"momentum": 0.9})
    settings = group_settings(load(tmp_path))
    assert labels(settings) == [
        "adam lr=0.001",
        "sgd lr=0.01 momentum=0.9",
        "sgd lr=0.01 momentum=0",
    ]


def test_what_an_optimizers_name_implies_differs_but_is_not_in_the_label(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS, optimizer=ADAM)
    write_run(tmp_path, ROWS, optimizer=ADAM | {"name": "adamw", "weight_decay": 0.01})
    settings = group_settings(load(tmp_path))
    assert differing(settings) == ["lr", "weight_decay"]
    assert labels(settings) == ["adam lr=0.001", "adamw lr=0.001"]


def test_batch_size_epochs_and_schedule_differ_too(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS)
    write_run(tmp_path, ROWS, training={"batch_size": 128, "epochs": 10})
    write_run(tmp_path, ROWS, schedule={"name": "cosine", "warmup": 0.05})
    found = differing(group_settings(load(tmp_path)))
    assert found == ["lr", "schedule", "epochs", "batch_size", "schedule.warmup"]


def test_settings_that_nothing_visible_tells_apart_get_a_piece_of_their_hash(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, ROWS, setting="a" * 64, run="1" * 64)
    write_run(tmp_path, ROWS, setting="b" * 64, run="2" * 64)
    found = labels(group_settings(load(tmp_path)))
    assert found == ["adam lr=0.001 #aaaaaa", "adam lr=0.001 #bbbbbb"]


def test_momentum_and_amsgrad_are_families_of_their_own(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS, optimizer=SGD | {"momentum": 0.9})
    write_run(tmp_path, ROWS, optimizer=SGD)
    write_run(tmp_path, ROWS, optimizer=ADAM | {"amsgrad": True})
    write_run(tmp_path, ROWS, optimizer={"name": "./mine.py:Lion", "lr": 1e-4})
    found = {(made.optimizer, made.family) for made in group_settings(load(tmp_path))}
    assert found == {("sgd", "momentum"), ("sgd", "sgd"), ("adam", "amsgrad"), ("Lion", "Lion")}


def test_what_an_optimizers_name_implies_is_not_worth_a_column(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS, optimizer=ADAM)
    write_run(tmp_path, ROWS, optimizer=ADAM | {"name": "adamw", "weight_decay": 0.01})
    write_run(tmp_path, ROWS, optimizer={"name": "adagrad", "lr": 0.001, "eps": 1e-10})
    assert remarkable(group_settings(load(tmp_path))) == ["lr"]


def test_what_was_given_to_one_optimizer_alone_is_worth_a_column(tmp_path: Path) -> None:
    given = ADAM | {"weight_decay": 0.1}
    label = "adam lr=0.001 weight_decay=0.1 groups=[{match: a.*, lr: 1}] warmup=0.05"
    write_run(
        tmp_path,
        ROWS,
        optimizer=given | {"groups": [{"match": "a.*", "lr": 1}]},
        schedule={"name": "cosine", "warmup": 0.05, "final": 0},
        labels={"problem": "mnist", "setting": label},
    )
    write_run(tmp_path, ROWS, optimizer=SGD)
    found = remarkable(group_settings(load(tmp_path)))
    assert found == ["lr", "weight_decay", "groups", "schedule.warmup"]


def test_what_all_were_given_alike_is_not_worth_a_column(tmp_path: Path) -> None:
    for optimizer in (ADAM, SGD):
        labels_ = {"problem": "mnist", "setting": f"{optimizer['name']} batch_size=32"}
        training = {"batch_size": 32}
        write_run(tmp_path, ROWS, optimizer=optimizer, training=training, labels=labels_)
    assert remarkable(group_settings(load(tmp_path))) == ["lr"]


def test_a_schedules_arguments_tell_only_settings_with_that_schedule_apart(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS)
    for final in (0, 0.1):
        schedule = {"name": "cosine", "warmup": 0.05, "final": final}
        write_run(tmp_path, ROWS, schedule=schedule)
    settings = group_settings(load(tmp_path))
    assert remarkable(settings) == ["lr", "schedule", "schedule.final"]
    assert sorted(labels(settings)) == [
        "adam lr=0.001 schedule=constant",
        "adam lr=0.001 schedule=cosine schedule.final=0",
        "adam lr=0.001 schedule=cosine schedule.final=0.1",
    ]


def test_a_label_says_nothing_that_only_another_optimizer_varies(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS, optimizer=ADAM | {"amsgrad": True})
    write_run(tmp_path, ROWS, optimizer=ADAM)
    write_run(tmp_path, ROWS, optimizer=ADAM | {"name": "adamw"})
    assert labels(group_settings(load(tmp_path)))[-1] == "adamw lr=0.001"


def test_a_long_number_is_short_in_a_label_unless_another_looks_like_it(tmp_path: Path) -> None:
    for lr in (0.00316227766017, 0.01):
        write_run(tmp_path, ROWS, optimizer=ADAM | {"lr": lr})
    assert labels(group_settings(load(tmp_path))) == ["adam lr=0.003162", "adam lr=0.01"]
    write_run(tmp_path, ROWS, optimizer=ADAM | {"lr": 0.00316227766018})
    assert labels(group_settings(load(tmp_path)))[:2] == [
        "adam lr=0.00316227766017",
        "adam lr=0.00316227766018",
    ]


def test_sgd_with_momentum_is_told_from_sgd_where_no_sgd_without_it_is_there(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, ROWS, optimizer=ADAM)
    write_run(tmp_path, ROWS, optimizer=SGD | {"momentum": 0.9})
    settings = group_settings(load(tmp_path))
    assert labels(settings) == ["adam lr=0.001", "sgd lr=0.01 momentum=0.9"]
    assert remarkable(settings) == ["lr", "momentum"]
    rows = compare(load(tmp_path), Question()).problems[0].rows
    assert {row.name for row in rows} == {"momentum", "adam"}
