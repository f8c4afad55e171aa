from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from audited import BASE, FRESH, findings, store, store_fair
from stored_runs import ADAM, SGD, digest

if TYPE_CHECKING:
    from pathlib import Path


def test_a_fair_comparison_on_fresh_seeds_has_no_finding(tmp_path: Path) -> None:
    store_fair(tmp_path)
    assert findings(tmp_path) == {}


def test_a_declared_seed_that_never_began_is_missing(tmp_path: Path) -> None:
    store(tmp_path, ADAM, BASE[:7], seeds=range(7), declared_seeds=8)
    store(tmp_path, SGD, seeds=range(8))
    found = findings(tmp_path)["missing seeds"]
    assert found.message == "seeds are missing: adam lr=0.001 (seed 7)"
    assert found.settings == ("adam lr=0.001",)
    assert found.command is not None
    assert found.command.endswith(f"config.yaml --seeds 8 --runs-dir {tmp_path}")


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_a_run_that_did_not_end_is_a_missing_seed(tmp_path: Path, status: str) -> None:
    store(tmp_path, ADAM)
    store(tmp_path, SGD, BASE[:7], declared_seeds=8)
    store(tmp_path, SGD, [0.9], seeds=[15], status=status, declared_seeds=8)
    found = findings(tmp_path)["missing seeds"]
    assert found.message == "seeds are missing: sgd lr=0.01 (seed 15)"
    assert found.command is not None
    assert "--seeds 8-15" in found.command


def test_seeds_that_only_one_side_has_are_missing_on_the_other(tmp_path: Path) -> None:
    store(tmp_path, ADAM)
    store(tmp_path, SGD, BASE[:6])
    assert findings(tmp_path)["missing seeds"].settings == ("sgd lr=0.01",)


def test_a_setting_that_is_not_judged_needs_only_the_seeds_it_declared(tmp_path: Path) -> None:
    store_fair(tmp_path)
    store(tmp_path, ADAM | {"lr": 0.1}, BASE[:3])
    assert "missing seeds" not in findings(tmp_path)


def test_two_seeds_with_one_start_are_duplicates(tmp_path: Path) -> None:
    store_fair(tmp_path)
    same = {name: digest("same") for name in ("data", "initial_weights", "batch_order")}
    store(tmp_path, SGD | {"lr": 0.1}, BASE[:2], hashes=same)
    found = findings(tmp_path)["duplicate seeds"]
    assert found.message == "sgd lr=0.1: seeds 8, 9 share initial weights and batch order"
    assert len(found.runs) == 2
    assert found.command is None


def test_starts_that_are_not_recorded_are_no_duplicates(tmp_path: Path) -> None:
    unknown = {"data": digest("data"), "initial_weights": None, "batch_order": None}
    store(tmp_path, ADAM, hashes=unknown)
    assert findings(tmp_path) == {}


def test_a_diverged_seed_of_a_contestant_is_told_with_a_gentler_setting(tmp_path: Path) -> None:
    store(tmp_path, ADAM)
    store(tmp_path, SGD, [None, *BASE[1:]])
    found = findings(tmp_path)["diverged seeds"]
    assert found.message == "sgd lr=0.01 diverged at 1 of 8 seeds (8)"
    assert len(found.runs) == 1
    assert found.command is not None
    assert "--set optimizer.lr=0.00316 --seeds 8-15" in found.command


@pytest.mark.parametrize(
    ("optimizer", "lr", "grid"),
    [
        # torch's defaults: 1e-3 of SGD and Adam, 1e-2 of Adagrad, 1 of Adadelta.
        ("sgd", 1e30, "{grid: [0.001, 0.01, 0.1, 1]}"),
        ("adam", 0.9, "{grid: [0.001, 0.01, 0.1]}"),
        ("adagrad", 10, "{grid: [0.01, 0.1, 1]}"),
        ("adadelta", 1e30, "{grid: [1, 10, 100, 1000]}"),
        ("./mine.py:Mine", 1e30, "{grid: [0.001, 0.01, 0.1, 1]}"),
    ],
)
def test_what_diverged_far_above_the_usual_rate_is_tried_from_there_on(
    tmp_path: Path, optimizer: str, lr: float, grid: str
) -> None:
    if optimizer == "./mine.py:Mine":
        source = "import torch\n\nclass Mine(torch.optim.Optimizer):\n"
        (tmp_path / "mine.py").write_text(f"{source}    def __init__(self, params, lr): ...\n")
        optimizer = f"{tmp_path}/mine.py:Mine"
    store(tmp_path, {"name": optimizer, "lr": lr}, [None] * 8)
    store(tmp_path, {"name": "rmsprop", "lr": 0.01})
    command = findings(tmp_path)["diverged seeds"].command
    assert command is not None
    assert f"--set 'optimizer.lr={grid}' --seeds 8-15" in command


def test_a_setting_that_diverged_and_was_not_chosen_is_no_finding(tmp_path: Path) -> None:
    store_fair(tmp_path)
    store(tmp_path, SGD | {"lr": 10}, [None] * 8)
    assert "diverged seeds" not in findings(tmp_path)


def test_common_seeds_that_did_not_start_alike_are_unpaired(tmp_path: Path) -> None:
    store(tmp_path, ADAM)
    for seed, final in zip(FRESH, BASE, strict=True):
        names = ("data", "initial_weights", "batch_order")
        other = {name: digest(f"{name} {seed}") for name in names}
        store(tmp_path, SGD, [final], seeds=[seed], declared_seeds=8, hashes=other)
    found = findings(tmp_path)["unpaired seeds"]
    assert found.settings == ("adam lr=0.001", "sgd lr=0.01")
    assert found.command is not None
    assert "--seeds 8-15" in found.command
    assert found.command.endswith("--force")


def test_only_contestants_have_to_be_paired(tmp_path: Path) -> None:
    store_fair(tmp_path)
    unknown = {"data": digest("data"), "initial_weights": None, "batch_order": None}
    store(tmp_path, ADAM | {"lr": 0.1}, hashes=unknown)
    assert "unpaired seeds" not in findings(tmp_path)
