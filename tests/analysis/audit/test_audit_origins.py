"""Findings about data, software and how often somebody looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from audited import BASE, findings, store, write_repeatable
from stored_runs import ADAM, SGD, make_rows, result_document

if TYPE_CHECKING:
    from pathlib import Path

HERE = {"optbench": "0.1.0", "torch": "2.15.0", "device": "cpu", "threads": 1}


def config(dataset: dict[str, object], optimizer: dict[str, object]) -> dict[str, object]:
    told: dict[str, object] = result_document(optimizer=optimizer)["config"]
    return told | {"dataset": dataset}


def store_on(root: Path, dataset: dict[str, object], optimizer: dict[str, object]) -> None:
    """Eight fresh seeds on some data."""
    problem = f"{dataset} · mlp"
    for seed, final in zip(range(8, 16), BASE, strict=True):
        write_repeatable(
            root,
            make_rows([0.1, final]),
            optimizer=optimizer,
            seed=seed,
            declared_seeds=8,
            problem=problem,
            config=config(dataset, optimizer),
            requested_dataset=ASKED.get(str(dataset["name"])),
        )


ASKED = {"mnist-5k": "mnist", "zipf-text": "text"}
MNIST: dict[str, object] = {"name": "mnist", "validation": 500}
SMALL: dict[str, object] = {"name": "mnist-5k", "validation": 500}


def test_data_that_stood_in_are_told_with_the_run_on_those_asked_for(tmp_path: Path) -> None:
    store_on(tmp_path, SMALL, ADAM)
    store_on(tmp_path, SMALL, SGD)
    found = findings(tmp_path)["stand-in data"]
    assert found.message == "mnist was asked for and mnist-5k stood in for it"
    assert len(found.runs) == 16
    assert found.command is not None
    assert """--set 'dataset={"name": "mnist", "validation": 500}'""" in found.command


def test_no_command_brings_a_file_of_ones_own_for_which_data_stood_in(tmp_path: Path) -> None:
    for optimizer in (ADAM, SGD):
        store_on(tmp_path, {"name": "zipf-text", "validation": 0}, optimizer)
    found = findings(tmp_path)["stand-in data"]
    assert found.message == "text was asked for and zipf-text stood in for it"
    assert found.command is None


def test_stand_ins_beside_runs_on_the_data_asked_for_are_no_finding(tmp_path: Path) -> None:
    for dataset in (SMALL, MNIST):
        for optimizer in (ADAM, SGD):
            store_on(tmp_path, dataset, optimizer)
    assert findings(tmp_path) == {}


def test_optimizers_that_never_met_on_one_data_set_are_told(tmp_path: Path) -> None:
    store_on(tmp_path, MNIST | {"validation": 0}, ADAM)
    store_on(tmp_path, MNIST, SGD)
    found = findings(tmp_path)["other data"]
    assert found.message == (
        "sgd lr=0.01: other data than adam lr=0.001 (validation 500, not 0), "
        "so they are not compared"
    )
    assert found.command is not None
    assert """--set 'dataset={"name": "mnist", "validation": 0}'""" in found.command


def test_optimizers_that_met_on_each_data_set_are_fair(tmp_path: Path) -> None:
    for dataset in (MNIST, MNIST | {"validation": 0}):
        for optimizer in (ADAM, SGD):
            store_on(tmp_path, dataset, optimizer)
    assert findings(tmp_path) == {}


def test_a_data_set_that_only_some_were_trained_on_hides_nobody(tmp_path: Path) -> None:
    store_on(tmp_path, MNIST, ADAM)
    for optimizer in (ADAM, SGD):
        store_on(tmp_path, MNIST | {"validation": 0}, optimizer)
    assert findings(tmp_path) == {}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("torch", "2.14.0", "torch (2.14.0, 2.15.0)"),
        ("device", "cuda:0", "device (cpu, cuda:0)"),
        ("threads", 2, "threads (1, 2)"),
        ("optbench", "0.2.0", "optbench (0.1.0, 0.2.0)"),
    ],
)
def test_runs_of_another_environment_than_the_newest_train_again(
    tmp_path: Path, key: str, value: str | int, told: str
) -> None:
    store(tmp_path, ADAM, environment=HERE | {key: value}, started="2026-11-20T10:00:00+00:00")
    store(tmp_path, SGD, environment=HERE)
    found = findings(tmp_path)["environment"]
    assert found.message == f"runs differ in {told}"
    assert found.settings == ("adam lr=0.001",)
    assert found.command is not None
    assert found.command.endswith(f"--seeds 8-15 --runs-dir {tmp_path} --force")


def test_hosts_may_differ(tmp_path: Path) -> None:
    store(tmp_path, ADAM, environment=HERE | {"host": "a"})
    store(tmp_path, SGD, environment=HERE | {"host": "b"})
    assert findings(tmp_path) == {}


def test_five_pairs_cannot_decide(tmp_path: Path) -> None:
    store(tmp_path, ADAM, BASE[:5])
    store(tmp_path, SGD, BASE[:5])
    found = findings(tmp_path)["too few seeds"]
    # Fewest pairs at .01 for one comparison: floor(log2(2 / .01)) + 1 = 8.
    assert found.message == "5 seeds cannot reach a verdict, 8 can"
    assert found.command is not None
    assert "--seeds 8-15" in found.command


def test_six_pairs_can(tmp_path: Path) -> None:
    store(tmp_path, ADAM, BASE[:6])
    store(tmp_path, SGD, BASE[:6])
    assert findings(tmp_path) == {}


def test_seeds_that_were_added_are_a_second_look_with_fresh_ones_as_remedy(
    tmp_path: Path,
) -> None:
    for optimizer in (ADAM, SGD):
        store(tmp_path, optimizer, BASE[:5])
        store(tmp_path, optimizer, BASE[5:], seeds=range(13, 16), declared_seeds=8)
    found = findings(tmp_path)
    assert list(found) == ["second look"]
    assert found["second look"].command is not None
    assert "--set name=adam_mnist_fresh16 --seeds 16-23" in found["second look"].command


def test_an_extension_that_decided_as_it_may_is_no_finding(tmp_path: Path) -> None:
    for optimizer, gain in ((ADAM, 0.01), (SGD, 0.0)):
        finals = [base + gain for base in BASE]
        store(tmp_path, optimizer, finals[:6])
        store(tmp_path, optimizer, finals[6:], seeds=range(14, 16), declared_seeds=8)
    # Eight equal signs have p = 2/256, which is below .01.
    assert findings(tmp_path) == {}


def test_fresh_seeds_that_were_trained_already_are_compared_alone(tmp_path: Path) -> None:
    for optimizer in (ADAM, SGD):
        store(tmp_path, optimizer, seeds=range(8))
        store(tmp_path, optimizer, experiment="adam_mnist_fresh8")
    command = findings(tmp_path)["second look"].command
    assert command == f"optbench compare {tmp_path}/adam_mnist_fresh8"


def test_an_extension_in_a_folder_of_its_own_is_not_fresh(tmp_path: Path) -> None:
    for optimizer in (ADAM, SGD):
        store(tmp_path, optimizer, BASE[:5], seeds=range(5))
        store(tmp_path, optimizer, BASE[5:], seeds=range(5, 8), declared_seeds=8, experiment="b")
    command = findings(tmp_path)["second look"].command
    assert command is not None
    assert "--seeds 8-15" in command


def test_after_a_second_look_more_seeds_are_no_remedy(tmp_path: Path) -> None:
    # Six pairs cannot decide at .01, but a third look is not allowed.
    for optimizer in (ADAM, SGD):
        store(tmp_path, optimizer, BASE[:3])
        store(tmp_path, optimizer, BASE[3:6], seeds=range(11, 14), declared_seeds=6)
    assert list(findings(tmp_path)) == ["second look"]


def test_the_order_is_that_of_severity(tmp_path: Path) -> None:
    store(tmp_path, ADAM, [None, *BASE[1:]], training={"batch_size": 32}, experiment="a")
    store(tmp_path, SGD, BASE[:5], declared_seeds=8, environment=HERE | {"threads": 2})
    assert list(findings(tmp_path)) == [
        "batch size or epochs",
        "missing seeds",
        "diverged seeds",
        "environment",
    ]


def test_a_single_setting_is_fair(tmp_path: Path) -> None:
    store(tmp_path, ADAM)
    assert findings(tmp_path) == {}
