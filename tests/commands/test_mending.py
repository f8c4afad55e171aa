"""What the audit prints is really run, and the finding is gone."""

from __future__ import annotations

import json
import shlex
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from audited import assert_accepted
from experiments import command, write_experiment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADAM = {"name": "adam", "lr": 0.01}
SGD = {"name": "sgd", "lr": 0.1}
QUICK = {"epochs": 1, "batch_size": 16}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def train(folder: Path, name: str = "tiny", **parts: Any) -> None:
    told = {"optimizer": [ADAM, SGD], "training": QUICK} | parts
    outcome = command("run", write_experiment(folder, name, **told), "--quiet")
    assert outcome.code == 0, outcome.err


def found(text: str) -> dict[str, str]:
    """Kind → command, of a comparison's document; each command is one that can be pasted."""
    findings = json.loads(text)["findings"]
    for finding in findings:
        assert_accepted(finding["command"] or "")
    return {finding["kind"]: finding["command"] for finding in findings}


def audited(*options: str) -> dict[str, str]:
    return found(command("compare", *options, "--format", "json").out)


def paste(text: str) -> dict[str, str]:
    """Run a printed command; what the audit finds then, where the command says to look."""
    compared: list[str] = []
    for part in text.split(" && "):
        program, *words = shlex.split(part)
        assert program == "optbench"
        if words[0] == "compare":
            compared = words[1:]
        else:
            outcome = command(*words, "--quiet")
            assert outcome.code == 0, outcome.err
            named = (word.partition("name=") for word in words)
            compared = [f"runs/{name}" for before, _, name in named if not before and name]
    return audited(*compared)


def retold(folder: Path, runs: str) -> Iterator[dict[str, Any]]:
    """Each result.json of these runs, to be changed; it is written back."""
    for path in folder.glob(f"runs/tiny/{runs}/result.json"):
        told = json.loads(path.read_text())
        del told["digest"]
        yield told
        path.write_text(json.dumps(told))


def assert_mended(kind: str, *options: str) -> None:
    before = audited(*options)
    assert kind in before
    assert kind not in paste(before[kind])


def test_a_missing_seed_is_trained(tmp_path: Path) -> None:
    train(tmp_path, seeds=6)
    (lost,) = tmp_path.glob("runs/tiny/sgd*-s3-*")
    shutil.rmtree(lost)
    assert_mended("missing seeds")


def test_too_few_seeds_become_enough(tmp_path: Path) -> None:
    train(tmp_path)
    assert_mended("too few seeds")


def test_an_untuned_side_gets_a_grid(tmp_path: Path) -> None:
    train(tmp_path, optimizer=[ADAM | {"lr": {"grid": [0.003, 0.01, 0.03]}}, SGD], seeds=2)
    before = audited()
    after = paste(before["one side tuned"])
    assert not {"one side tuned", "unequal tuning budgets"} & after.keys()


def test_unequal_grids_become_equal(tmp_path: Path) -> None:
    grids = [ADAM | {"lr": {"logspace": [1e-3, 1, 7]}}, SGD | {"lr": {"grid": [0.01, 0.1]}}]
    train(tmp_path, optimizer=grids, seeds=2)
    assert_mended("unequal tuning budgets")


def test_neither_side_tuned_becomes_both(tmp_path: Path) -> None:
    train(tmp_path, seeds=2)
    assert_mended("untuned")


def test_the_best_learning_rate_leaves_the_edge(tmp_path: Path) -> None:
    # One epoch at .1 learns more than at .001 and .01, and at 10 nothing is learned any more.
    train(tmp_path, optimizer=[SGD | {"lr": {"grid": [1e-3, 1e-2, 1e-1]}}], seeds=2)
    now, commands = audited(), 0
    while "learning rate at the edge" in now:
        now = paste(now["learning rate at the edge"])
        commands += 1
    assert 1 <= commands < 5


def test_the_wider_part_of_a_grid_does_not_send_back_to_the_rest(tmp_path: Path) -> None:
    # Of 1 and 10, which learns nothing, 1 is the lower; two below it were tried before.
    train(tmp_path, optimizer=[SGD | {"lr": {"grid": [0.01, 0.1, 1]}}], seeds=2)
    (first, *_) = tmp_path.glob("runs/tiny/sgd-lr1-*/config.yaml")
    outcome = command("run", first, "--set", "optimizer.lr={grid: [1, 10]}", "--seeds", "2")
    assert "is the lowest" not in outcome.out
    assert "other learning rates of it are not in this table.\n  optbench compare runs/tiny\n" in (
        outcome.out
    )


def test_another_batch_size_is_made_the_same(tmp_path: Path) -> None:
    train(tmp_path, "a", optimizer=[ADAM], seeds=2)
    train(tmp_path, "b", optimizer=[SGD], training=QUICK | {"batch_size": 8}, seeds=2)
    assert_mended("batch size or epochs")


def test_mixed_precision_against_double_precision_becomes_one_of_them(tmp_path: Path) -> None:
    train(tmp_path, "a", optimizer=[ADAM], training=QUICK | {"amp": "bfloat16"}, seeds=2)
    train(tmp_path, "b", optimizer=[SGD], training=QUICK | {"dtype": "float64"}, seeds=2)
    assert_mended("training options")


def test_a_selection_is_confirmed_on_fresh_seeds_without_any_finding_left(tmp_path: Path) -> None:
    grids = [ADAM | {"lr": {"grid": [0.01, 0.1]}}, SGD | {"lr": {"grid": [0.1, 1]}}]
    train(tmp_path, optimizer=grids, seeds=2)
    now = audited()
    while "learning rate at the edge" in now:  # fresh seeds come after wider grids
        now = paste(now["learning rate at the edge"])
    assert paste(now["selected on reported seeds"]) == {}
    # Of both experiments together it still holds, and nothing more has to be trained.
    assert audited()["selected on reported seeds"] == "optbench compare runs/tiny_fresh2"


def test_another_split_is_made_the_same(tmp_path: Path) -> None:
    train(tmp_path, "a", optimizer=[ADAM], seeds=2)
    data = {"name": "synthetic", "train": 75, "test": 30, "features": 6, "classes": 3}
    train(tmp_path, "b", optimizer=[SGD], dataset=data | {"validation": 30}, seeds=2)
    assert_mended("other data")


def test_runs_of_another_torch_are_trained_again(tmp_path: Path) -> None:
    train(tmp_path, seeds=2)
    for told in retold(tmp_path, "sgd*"):
        told["environment"]["torch"] = "2.0.0"
        told["started"] = "2023-03-15T00:00:00+00:00"
    assert_mended("environment")


def test_runs_that_did_not_start_alike_are_trained_again(tmp_path: Path) -> None:
    train(tmp_path, seeds=2)
    for told in retold(tmp_path, "adam*"):
        told["hashes"]["batch_order"] = "0" * 64
    assert_mended("unpaired seeds")


def test_a_diverged_seed_makes_room_for_a_gentler_setting(tmp_path: Path) -> None:
    train(tmp_path, seeds=2)
    for told in retold(tmp_path, "sgd*-s1-*"):
        told["status"] = "diverged"
    assert_mended("diverged seeds")


def test_the_data_asked_for_take_the_place_of_the_stand_in(tmp_path: Path) -> None:
    train(tmp_path, seeds=2)
    for told in retold(tmp_path, "*"):
        told["requested_dataset"] = "digits"
    assert_mended("stand-in data")


def test_after_a_second_look_fresh_seeds_decide_in_one(tmp_path: Path) -> None:
    train(tmp_path, seeds=2)
    train(tmp_path, seeds=3)
    assert_mended("second look")


def test_an_optimizer_that_loses_to_what_it_contains_comes_nearer_to_it(tmp_path: Path) -> None:
    # A decay of 40 at lr .05 multiplies the weights by 1 − 2 each step.
    heavy = {"name": "adamw", "lr": 0.05, "weight_decay": 40}
    longer = QUICK | {"epochs": 3}
    train(tmp_path, optimizer=[ADAM | {"lr": 0.05}, heavy], training=longer, seeds=8)
    assert_mended("special case wins")


def test_weight_decay_is_tried_on_both_sides(tmp_path: Path) -> None:
    train(tmp_path, optimizer=[{"name": "adamw", "lr": 0.01}, SGD], seeds=2)
    assert_mended("weight decay on one side")


def test_l2_and_decoupled_decay_are_tuned_apart(tmp_path: Path) -> None:
    decaying = [{"name": "adamw", "lr": 0.01}, SGD | {"weight_decay": 0.01}]
    train(tmp_path, optimizer=decaying, seeds=2)
    assert_mended("L2 against decoupled decay")


def test_a_schedule_is_made_as_long_as_its_run(tmp_path: Path) -> None:
    cosine = {"name": "cosineannealinglr", "T_max": 50}
    train(tmp_path, optimizer=[ADAM, SGD | {"schedule": cosine}], seeds=2)
    assert_mended("schedule horizon", "--reference", "sgd")
