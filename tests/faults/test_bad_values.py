"""Values and names that can't be: refused, with their place, before anything exists."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from experiments import TINY, command

from faults.sabotage import Sabotage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.injections import Injection

pytestmark = pytest.mark.faults

ADAM = TINY["optimizer"]
TRAINING = TINY["training"]
DATA = TINY["dataset"]
HUGE = {"linspace": [0.001, 1, 10**9]}

# The key that is wrong → parts of an experiment in which it is.
VALUES: list[tuple[str, dict[str, Any]]] = [
    ("optimiser", {"optimiser": ADAM}),
    ("optimizer.learning_rate", {"optimizer": ADAM | {"learning_rate": 0.1}}),
    ("optimizer", {"optimizer": "adamm"}),
    ("optimizer", {"optimizer": []}),
    ("optimizer", {"optimizer": None}),
    ("optimizer.lr", {"optimizer": ADAM | {"lr": -0.1}}),
    ("optimizer.lr", {"optimizer": ADAM | {"lr": True}}),
    ("optimizer.lr", {"optimizer": ADAM | {"lr": "fast"}}),
    ("optimizer.lr", {"optimizer": ADAM | {"lr": [0.1, 0.2]}}),
    ("optimizer.lr", {"optimizer": ADAM | {"lr": {"grid": []}}}),
    ("optimizer.lr", {"optimizer": ADAM | {"lr": {"grid": [0.1, -0.1]}}}),
    ("optimizer.lr", {"optimizer": ADAM | {"lr": {"logspace": [0, 1, 3]}}}),
    ("optimizer", {"optimizer": ADAM | {"lr": HUGE}}),
    ("optimizer", {"optimizer": ADAM | {"lr": HUGE, "eps": HUGE, "weight_decay": HUGE}}),
    ("optimizer.betas", {"optimizer": ADAM | {"betas": [0.9]}}),
    ("optimizer.betas", {"optimizer": ADAM | {"betas": [0.9, 1.5]}}),
    ("training.epochs", {"training": TRAINING | {"epochs": -1}}),
    ("training.epochs", {"training": TRAINING | {"epochs": True}}),
    ("training.epochs", {"training": TRAINING | {"epochs": 1.5}}),
    ("training.epochs", {"training": TRAINING | {"epochs": "3"}}),
    ("training.epochs", {"training": TRAINING | {"epochs": 10**30}}),
    ("training.batch_size", {"training": TRAINING | {"batch_size": 0}}),
    ("training.batch_size", {"training": TRAINING | {"batch_size": None}}),
    ("training.loss", {"training": TRAINING | {"loss": "nll"}}),
    ("training.batchsize", {"training": TRAINING | {"batchsize": 16}}),
    ("training", {"training": 3}),
    ("dataset.validation", {"dataset": DATA | {"validation": -1}}),
    ("dataset.validation", {"dataset": DATA | {"validation": 75}}),
    ("dataset.train", {"dataset": DATA | {"train": True}}),
    ("dataset.classes", {"dataset": DATA | {"classes": 0}}),
    ("dataset", {"dataset": "minst"}),
    ("model.hidden", {"model": {"name": "mlp", "hidden": [-5]}}),
    ("model.hidden", {"model": {"name": "mlp", "hidden": [True]}}),
    ("model", {"model": {"hidden": [5]}}),
    ("seeds", {"seeds": -1}),
    ("seeds", {"seeds": 10**9}),
    ("seeds", {"seeds": [1, 1.5]}),
    ("seeds", {"seeds": True}),
    ("device", {"device": "tpu"}),
    ("schedule", {"schedule": {"name": "cosine", "warmup": -1}}),
    ("expect", {"expect": [{"metric": "train_loss"}]}),
]
NAMES = [
    "", ".", "..", "../x", "../../etc/x", "/etc", "/", "a/b", "a\\b", "a\nb", "a\tb", " ", " a",
    "a ", "-rf", "--yes", ".hidden", "a\u202eb", "é", "a*b", "a:b", "~", "$HOME", "x" * 300,
]  # fmt: skip


def refused(folder: Path, parts: dict[str, Any], code: int = 2) -> str:
    """What the command says; it has made nothing."""
    path = folder / "tiny.yaml"
    path.write_text(json.dumps(TINY | parts))
    before = sorted(folder.rglob("*"))
    outcome = command("run", path, "--runs-dir", folder / "runs")
    assert outcome.code == code, outcome.err
    assert outcome.out == ""
    assert sorted(folder.rglob("*")) == before
    return outcome.err


@pytest.mark.parametrize(("key", "parts"), VALUES, ids=[json.dumps(p)[:60] for _, p in VALUES])
def test_a_bad_value_is_refused_with_its_place_before_a_directory_exists(
    tmp_path: Path, key: str, parts: dict[str, Any], injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("values", "unknown keys, numbers out of range, of another type, huge grids")
    with fault.holds():
        said = refused(tmp_path, parts)
        assert re.search(rf"tiny\.yaml:1: {re.escape(key)}", said), said


@pytest.mark.parametrize(
    ("points", "seeds", "said"),
    [(101, 1, "101,000 settings; at most 100,000"), (1, 1001, "1,001,000 runs; at most 1,000,000")],
)
def test_grids_that_multiply_are_refused_before_they_are_expanded(
    tmp_path: Path, points: int, seeds: int, said: str, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("values", "grids of which each is small, and all together are not")
    grids = {"lr": {"linspace": [0.001, 1, 1000]}, "eps": {"grid": [*range(1, points + 1)]}}
    path = tmp_path / "tiny.yaml"
    path.write_text(json.dumps(TINY | {"optimizer": ADAM | grids, "seeds": seeds}))
    with fault.holds():
        outcome = command("validate", path)
        assert outcome.code == 2
        assert f"tiny.yaml:1: optimizer: expands to {said} are taken" in outcome.err


@pytest.mark.parametrize("name", NAMES)
def test_an_evil_name_of_an_experiment_is_refused(
    tmp_path: Path, name: str, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("names", "experiments' names that lead elsewhere, are too long or odd")
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    with fault.holds():
        said = refused(inside, {"name": name})
        assert "tiny.yaml:1: name: must be 1 to 100 letters" in said
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("stem", ["-rf", "a b", "é", "x" * 101, "..x"])
def test_an_evil_name_of_a_file_makes_no_folder(
    tmp_path: Path, stem: str, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("names", "names of files, which name an experiment without one")
    path = tmp_path / f"{stem}.yaml"
    path.write_text(json.dumps(TINY))
    with fault.holds():
        outcome = command("run", "--runs-dir", tmp_path / "runs", "--", path)
        assert outcome.code == 2, outcome.err
        assert "must be 1 to 100 letters" in outcome.err
        assert not (tmp_path / "runs").exists()


TRAPS = ["fifo", "/dev/zero", "/dev/stdin"]
READ: dict[str, Callable[[str], dict[str, Any]]] = {
    "a text": lambda path: {"dataset": {"name": "text", "path": path}},
    "labelled texts": lambda path: {"dataset": {"name": "labelled-text", "path": path}},
    "images": lambda path: {"dataset": {"name": "image-folder", "path": path}},
    "weights": lambda path: {"model": {"name": "mlp", "hidden": [5], "weights": path}},
    "a base": lambda path: {"extends": path},
}


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("read", READ)
def test_what_never_ends_or_never_begins_is_not_read(
    tmp_path: Path, read: str, trap: str, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("names", "FIFOs and devices that an experiment names to read")
    os.mkfifo(tmp_path / "fifo")
    with fault.holds():
        parts = READ[read](trap)
        refused(tmp_path, parts, 4 if "dataset" in parts else 2)


OUTPUTS: dict[str, tuple[str, int]] = {
    ".": ("is a directory", 2),
    "/": ("is a directory", 2),
    "missing/x.csv": ("there is no folder", 4),
    "x" * 300: ("File name too long", 4),
    "a\0b": ("", 2),
    "/proc/version": ("can't write", 4),
}


@pytest.mark.parametrize("place", OUTPUTS)
def test_an_output_that_cannot_be_is_refused(
    store: Path,
    place: str,
    injecting: Callable[[str, str], Injection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault = injecting("names", "--output where no file can be")
    monkeypatch.chdir(store.parent)
    said, code = OUTPUTS[place]
    before = sorted(store.parent.rglob("*"))
    with fault.holds():
        outcome = command("compare", store, "--format", "csv", "--output", place)
        assert outcome.code == code, outcome.err
        assert said in outcome.err
        assert sorted(store.parent.rglob("*")) == before


@pytest.fixture
def store(tmp_path: Path) -> Path:
    from stored_runs import make_rows, write_run

    write_run(tmp_path / "runs", make_rows([0.1, 0.9]))
    return tmp_path / "runs"


SABOTAGE = [
    Sabotage(
        "values",
        "the look for unknown keys",
        "optbench/config/keys.py",
        "        if name not in known:",
        "        if False:",
        "test_a_bad_value_is_refused_with_its_place_before_a_directory_exists",
    ),
    Sabotage(
        "values",
        "the bound of settings",
        "optbench/catalog/experiment.py",
        "    if total > MAX_SETTINGS:\n",
        "    if False:\n",
        "test_grids_that_multiply_are_refused_before_they_are_expanded",
    ),
    Sabotage(
        "values",
        "the bound of runs",
        "optbench/catalog/experiment.py",
        "    elif total * seeds > MAX_RUNS:\n",
        "    elif False:\n",
        "test_grids_that_multiply_are_refused_before_they_are_expanded",
    ),
    Sabotage(
        "names",
        "the allow-list of names",
        "optbench/config/names.py",
        "return len(text) <= MAX_NAME and ALLOWED.fullmatch(text) is not None",
        "return True",
        "test_an_evil_name_of_an_experiment_is_refused",
    ),
]
