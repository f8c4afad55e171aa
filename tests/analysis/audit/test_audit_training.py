from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from audited import ADAMW, BASE, MOMENTUM, assert_accepted, findings, store, store_fair
from stored_runs import ADAM, SGD, STEPS_PER_EPOCH, load

from optbench.analysis.audit.audit import audit
from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.analysis.where import selected

if TYPE_CHECKING:
    from pathlib import Path

DECAYING_SGD = SGD | {"weight_decay": 0.01}
COSINE = "cosineannealinglr"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("batch_size", 32, "unlike batch size that no experiment swept: 64 (sgd lr=0.01), 32"),
        ("epochs", 9, "unlike epochs that no experiment swept: 5 (sgd lr=0.01), 9"),
    ],
)
def test_unlike_training_takes_what_the_reference_has(
    tmp_path: Path, name: str, value: int, message: str
) -> None:
    store(tmp_path, ADAM, training={name: value}, experiment="a")
    store(tmp_path, SGD, experiment="b")
    found = findings(tmp_path)["batch size or epochs"]
    assert found.message == f"{message} (adam lr=0.001)"
    assert found.command is not None
    standard = {"batch_size": 64, "epochs": 5}[name]
    assert f"--set training.{name}={standard}" in found.command
    assert found.command.endswith(f"&& optbench compare {tmp_path} --where {name}={standard}")


EMA = {"name": "ema", "decay": 0.999}


@pytest.mark.parametrize(
    ("name", "value", "shown", "left_out"),
    [
        ("accumulate", 4, "unlike batches a step that no experiment swept: 1 (sgd lr=0.01), 4", 1),
        ("clip_norm", 1.0, "unlike gradient clipping that no experiment swept: null", None),
        ("label_smoothing", 0.1, "unlike label smoothing that no experiment swept: 0", 0),
        ("average", EMA, "unlike weight averaging that no experiment swept: null", None),
        ("freeze", ["1.*"], "unlike frozen parameters that no experiment swept: []", []),
        ("augment", {"flip": True, "crop": 2}, "unlike augmentation", None),
        (
            "dtype",
            "float64",
            "unlike types of numbers that no experiment swept: float32",
            '"float32"',
        ),
        ("amp", "bfloat16", "unlike mixed precision that no experiment swept: null", None),
    ],
)
def test_what_one_side_alone_was_trained_with_is_told(
    tmp_path: Path, name: str, value: object, shown: str, left_out: object
) -> None:
    store(tmp_path, ADAM, training={name: value}, experiment="a")
    store(tmp_path, SGD, experiment="b")
    (found,) = findings(tmp_path).values()
    assert found.message.startswith(shown)
    assert found.message.endswith("(adam lr=0.001)")
    assert found.command is not None
    text = "null" if left_out is None else str(left_out)
    assert f"training.{name}={text}" in found.command
    assert len(selected(load(tmp_path), [f"{name}={text}"])) == 8  # what the command compares again


@pytest.mark.parametrize(
    ("reference", "other", "kind", "changes"),
    [
        (
            {"dtype": "float64"},
            {"amp": "bfloat16"},
            "training options",
            ["""'training.dtype="float64"'""", "training.amp=null"],
        ),
        (
            {"batch_size": "full"},
            {"accumulate": 4},
            "batch size or epochs",
            ["""'training.batch_size="full"'""", "training.accumulate=1"],
        ),
    ],
)
def test_of_two_options_that_exclude_each_other_the_command_sets_both(
    tmp_path: Path,
    reference: dict[str, object],
    other: dict[str, object],
    kind: str,
    changes: list[str],
) -> None:
    # float64 with mixed precision is refused, as are full batches of which a step takes four.
    store(tmp_path, ADAM, training=other, experiment="a")
    store(tmp_path, SGD, training=reference, experiment="b")
    found = audit(compare(load(tmp_path), Question()))
    assert [finding.kind for finding in found] == [kind, kind]
    for finding in found:
        assert finding.command is not None
        assert_accepted(finding.command)
        assert f"--set {' --set '.join(changes)} --seeds" in finding.command
        conditions = [change.partition(".")[2].replace('"', "").strip("'") for change in changes]
        assert finding.command.endswith(f"--where {' --where '.join(conditions)}")


def test_what_has_the_references_types_but_not_its_precision_is_trained_again(
    tmp_path: Path,
) -> None:
    store(tmp_path, ADAM, training={"amp": "bfloat16"}, experiment="a")
    store(tmp_path, MOMENTUM, training={"dtype": "float64"}, experiment="b")
    store(tmp_path, SGD, experiment="c")
    for finding in audit(compare(load(tmp_path), Question())):
        assert finding.command is not None
        assert_accepted(finding.command)
        assert finding.command.count("config.yaml") == 2


def test_the_reference_has_an_average_and_the_command_gives_it_to_the_rest(tmp_path: Path) -> None:
    store(tmp_path, ADAM, experiment="a")
    store(tmp_path, SGD, training={"average": EMA}, experiment="b")
    found = findings(tmp_path)["training options"]
    assert found.command is not None
    assert """--set 'training.average={"name": "ema", "decay": 0.999}'""" in found.command
    assert found.command.endswith("--where average=ema --where average.decay=0.999")


def test_averaging_that_one_experiment_swept_is_fair(tmp_path: Path) -> None:
    for optimizer in (ADAM, SGD):
        for training, gain in (({}, 0.0), ({"average": EMA}, 0.01)):
            better = [base + gain * (optimizer is ADAM) for base in BASE]
            store(tmp_path, optimizer, better, training=training)
    assert "training options" not in findings(tmp_path)


def test_batch_sizes_that_one_experiment_swept_are_fair(tmp_path: Path) -> None:
    for optimizer, gains in ((ADAM, (0.02, 0.01)), (SGD, (0.0, 0.005))):
        for batch_size, gain in zip((32, 64), gains, strict=True):
            better = [base + gain for base in BASE]
            store(tmp_path, optimizer, better, training={"batch_size": batch_size})
    assert "batch size or epochs" not in findings(tmp_path)


def test_batch_sizes_that_only_one_side_swept_are_told(tmp_path: Path) -> None:
    for batch_size, gain in ((32, 0.02), (64, 0.01)):
        better = [base + gain for base in BASE]
        store(tmp_path, ADAM, better, training={"batch_size": batch_size})
    store(tmp_path, SGD)
    assert "batch size or epochs" in findings(tmp_path)


def test_the_command_asks_the_same_question_again(tmp_path: Path) -> None:
    store(tmp_path, ADAM, training={"epochs": 9}, experiment="a")
    store(tmp_path, SGD, experiment="b")
    question = Question("test_loss", "adam", by="setting")
    found = findings(tmp_path, question)["batch size or epochs"]
    assert found.command is not None
    assert "--reference adam --metric test_loss --by setting --where epochs=9" in found.command


@pytest.mark.parametrize("horizon", [3, 50])
def test_a_cosine_that_does_not_last_as_long_as_its_run_is_told(
    tmp_path: Path, horizon: int
) -> None:
    store(tmp_path, ADAM, schedule={"name": COSINE, "T_max": horizon, "eta_min": 0.0})
    store(tmp_path, SGD, schedule={"name": COSINE, "T_max": None, "eta_min": 0.0})
    found = findings(tmp_path)["schedule horizon"]
    assert found.message == f"adam lr=0.001: {COSINE} lasts T_max={horizon}, its run 5"
    assert found.command is not None
    assert "--set schedule.T_max=5" in found.command


@pytest.mark.parametrize(
    "schedule",
    [
        {"name": COSINE, "T_max": 5},
        {"name": "onecyclelr", "max_lr": 0.1, "total_steps": 5 * STEPS_PER_EPOCH},
        {"name": "linearlr", "total_iters": 2},  # a warm-up
        {"name": "steplr", "step_size": 2},
        {"name": "torch_extras:Schedule"},
    ],
)
def test_schedules_that_fit_their_runs_are_fair(
    tmp_path: Path, schedule: dict[str, object]
) -> None:
    store(tmp_path, ADAM, schedule=schedule)
    store(tmp_path, SGD)
    assert findings(tmp_path) == {}


def test_weight_decay_on_one_side_is_told_with_a_grid_for_all_who_can(tmp_path: Path) -> None:
    store(tmp_path, ADAMW, [base + 0.01 for base in BASE])
    store(tmp_path, SGD)
    found = findings(tmp_path)["weight decay on one side"]
    assert found.message == (
        "weight decay on one side only: 0.01 of adamw lr=0.001, none of sgd lr=0.01"
    )
    assert found.command is not None
    assert found.command.count("config.yaml") == 2
    assert "'optimizer.weight_decay={grid: [0, 0.01]}'" in found.command


def test_decay_that_every_side_tried_is_fair_whoever_is_better_with_it(tmp_path: Path) -> None:
    for optimizer, gains in ((ADAMW, (0.02, 0.03)), (SGD, (0.01, 0.0))):
        for decay, gain in zip((0, 0.01), gains, strict=True):
            better = [base + gain for base in BASE]
            store(tmp_path, {**optimizer, "weight_decay": decay}, better)
    assert "weight decay on one side" not in findings(tmp_path)


def test_l2_against_decoupled_decay_asks_for_strengths_of_their_own(tmp_path: Path) -> None:
    store(tmp_path, ADAMW, [base + 0.01 for base in BASE])
    store(tmp_path, DECAYING_SGD)
    found = findings(tmp_path)["L2 against decoupled decay"]
    assert "L2 regularization (0.01 of sgd lr=0.01) against decoupled" in found.message
    assert found.command is not None
    assert "'optimizer.weight_decay={grid: [0.0001, 0.001, 0.01]}'" in found.command


def test_decay_of_one_kind_is_fair(tmp_path: Path) -> None:
    store(tmp_path, ADAMW, [base + 0.01 for base in BASE])
    decoupled = {"weight_decay": 0.01, "decoupled_weight_decay": True}
    store(tmp_path, {"name": "nadam", "lr": 0.001} | decoupled)
    store(tmp_path, {"name": "reference.lion", "lr": 0.001, "weight_decay": 0.01})
    assert findings(tmp_path) == {}


def test_plain_and_heavy_ball_sgd_without_decay_are_fair(tmp_path: Path) -> None:
    store_fair(tmp_path)
    store(tmp_path, MOMENTUM, [base + 0.01 for base in BASE])
    assert findings(tmp_path) == {}
