"""Training on inputs that stay in a file: the same bytes, little memory, no silent change."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from experiments import command, make_learner, make_runs, train_all, write_experiment, write_plugin
from streaming import assert_trains_within, events

from optbench.execution.data import load_data
from optbench.execution.executor import choose
from optbench.execution.plan import Plan, Planned
from optbench.execution.process import death_of
from optbench.execution.rehearsal import rehearse
from optbench.execution.signals import Interruptions
from optbench.execution.study import Options
from optbench.store.scan import scan
from optbench.training.data import to_device
from optbench.training.events import Advanced, Ended, Unbegun

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RANDOM = np.random.RandomState(0)
MAPPED = {"name": "file", "path": "mine", "validation": 30}
WHOLE = {"name": "file", "path": "mine.npz", "validation": 30}


def images(dtype: str = "u1") -> dict[str, NDArray[Any]]:
    return {
        "x_train": RANDOM.randint(0, 256, (150, 1, 4, 4)).astype(dtype),
        "y_train": np.arange(150) % 3,
        "x_test": RANDOM.randint(0, 256, (40, 1, 4, 4)).astype(dtype),
        "y_test": np.arange(40) % 3,
    }


def save(folder: Path, parts: dict[str, NDArray[Any]]) -> None:
    (folder / "mine").mkdir()
    for name, array in parts.items():
        np.save(folder / "mine" / f"{name}.npy", array)
    np.savez(folder / "mine.npz", **parts)  # type: ignore[arg-type]


KINDS: dict[str, dict[str, Any]] = {
    "stacked": {},
    "alone": {"model": {"name": "cnn"}, "training": {"epochs": 2, "batch_size": 32}},
    "augmented": {"training": {"epochs": 2, "augment": {"flip": True, "crop": 1}}},
    "full batch": {"training": {"epochs": 2, "batch_size": "full"}},
}


@pytest.mark.parametrize("parts", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("dtype", ["u1", "f8"])
def test_rows_are_those_of_the_same_data_in_memory(
    dtype: str, parts: dict[str, Any], tmp_path: Path
) -> None:
    save(tmp_path, images(dtype))
    how = {"normalize": True, "train": 100, "test": 20}
    rows = []
    for dataset in (MAPPED, WHOLE):
        runs = make_runs(tmp_path, dataset=dataset | how, seeds=2, **parts)
        learners = [make_learner(run) for run in runs]
        train_all(*learners)
        rows.append([learner.rows for learner in learners])
    mapped, whole = rows
    assert mapped == whole
    assert len(mapped[0]) >= 3
    assert mapped[0] != mapped[1]  # another seed, another order


def test_a_model_of_tokens_learns_from_a_file_what_it_learns_from_the_text(tmp_path: Path) -> None:
    ids = RANDOM.randint(0, 26, 2000)
    (tmp_path / "mine.txt").write_text("".join(chr(97 + i) for i in ids))
    np.save(tmp_path / "mine.npy", ids.astype(np.uint16))
    rows = []
    for path in ("mine.npy", "mine.txt"):
        dataset = {"name": "text", "path": path, "length": 16, "validation": 10}
        (run,) = make_runs(
            tmp_path,
            dataset=dataset,
            model={"name": "gru", "hidden": 4},
            training={"epochs": 2, "batch_size": 16},
        )
        learner = make_learner(run)
        train_all(learner)
        rows.append(learner.rows)
    assert rows[0] == rows[1]
    assert rows[0][0]["train_loss"] == pytest.approx(np.log(26), abs=0.2)  # it guesses


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gets_the_examples_that_it_would_hold(tmp_path: Path) -> None:
    save(tmp_path, images())
    picked = []
    for dataset in (MAPPED, WHOLE):
        (run,) = make_runs(tmp_path, dataset=dataset | {"normalize": True})
        data = to_device(load_data(run.setting, tmp_path), torch.device("cuda"))
        order = data.order(0, 0).to(data.train.place)
        picked.append([*data.train.pick(order[:32]), *data.test.chunk(5, 20)])
    for ours, other in zip(*picked, strict=True):
        assert ours.device == other.device
        assert torch.equal(ours, other)


def test_stored_metrics_are_the_same_bytes_from_processes_that_map_one_file(tmp_path: Path) -> None:
    save(tmp_path, images())
    found = []
    for dataset in (MAPPED, WHOLE):
        path = write_experiment(tmp_path, "mine", dataset=dataset, seeds=2)
        runs = tmp_path / str(dataset["path"]).replace(".", "-")
        workers = "2" if dataset is MAPPED else "1"
        assert command("run", path, "--runs-dir", runs, "--workers", workers).code == 0
        found.append([csv.read_bytes() for csv in sorted(runs.glob("*/*/metrics.csv"))])
    assert len(found[0]) == 2
    assert sorted(found[0]) == sorted(found[1])


def test_runs_fail_whose_data_change_and_those_that_wait_for_them_do_not_begin(
    tmp_path: Path,
) -> None:
    save(tmp_path, images())
    runs = make_runs(tmp_path, dataset=MAPPED, seeds=3)
    going = events(runs[:2], tmp_path)
    next(event for event in going if isinstance(event, Advanced))
    inputs = tmp_path / "mine" / "x_train.npy"
    os.truncate(inputs, 300)
    ended = [event for event in going if isinstance(event, Ended)]
    assert [event.result.status for event in ended] == ["failed", "failed"]
    for event in ended:
        assert (
            event.result.reason
            == f"StreamError: {inputs} has changed since it began to be trained on."
        )
        (stored,) = scan(event.directory).runs  # whole, and what the result says
        assert [row["steps"] for row in stored.rows] == [0]
    with inputs.open("ab") as stream:
        stream.truncate(128 + 150 * 16)  # as long as it was, with other content
    (unbegun,) = events(runs[2:], tmp_path)
    assert isinstance(unbegun, Unbegun)
    mine = tmp_path / "mine"
    assert unbegun.reason == f"{mine} has changed since this command began; run it again"


def test_a_page_that_is_lost_can_end_no_more_than_a_worker(tmp_path: Path) -> None:
    save(tmp_path, images())
    chosen = []
    for dataset in (MAPPED, WHOLE):
        (run,) = make_runs(tmp_path, dataset=dataset)
        plan = Plan((), (Planned(run, tmp_path),), force=False)
        chosen.append(type(choose(plan, Options(), Interruptions())).__name__)
    assert chosen == ["Pool", "InProcess"]
    assert death_of(-signal.SIGBUS).startswith("SIGBUS: a file that it had mapped was cut off")


SPOILER = """
from pathlib import Path
from torch.optim import SGD

class Spoiler(SGD):
    "Has the file of the inputs cut off while it trains."
    def step(self, closure=None):
        with Path({path!r}).open("r+b") as stream:
            stream.truncate(300)
        return super().step(closure)
"""


def test_a_command_goes_on_with_other_data_and_tells_what_changed(tmp_path: Path) -> None:
    save(tmp_path, images())
    inputs = tmp_path / "mine" / "x_train.npy"
    write_plugin(tmp_path, SPOILER.format(path=str(inputs)))
    spoilt = write_experiment(
        tmp_path, "spoilt", dataset=MAPPED, optimizer={"name": "./plugin.py:Spoiler", "lr": 0.1}
    )
    together = write_experiment(tmp_path, "together", dataset=MAPPED)
    waiting = write_experiment(tmp_path, "waiting", dataset=MAPPED | {"train": 100})
    others = write_experiment(tmp_path, "others")
    store = tmp_path / "runs"
    experiments = spoilt, together, waiting, others
    outcome = command("run", *experiments, "--runs-dir", store, "--workers", "1")
    assert outcome.code == 3, outcome.err
    statuses = {run.path.parent.name: run.status for run in scan(store).runs}
    assert statuses == {"spoilt": "failed", "together": "failed", "others": "completed"}
    told = f"1 run did not begin: {tmp_path / 'mine'} has changed since this command began"
    assert told in outcome.err


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory that is no file's")
def test_training_takes_less_memory_than_the_file_has(tmp_path: Path) -> None:
    examples, side, room = 40_000, 64, 100 << 20
    folder = tmp_path / "mine"
    folder.mkdir()
    np.lib.format.open_memmap(folder / "x_train.npy", "w+", np.uint8, (examples, 1, side, side))
    np.save(folder / "x_test.npy", np.ones((10, 1, side, side), np.uint8))
    np.save(folder / "y_train.npy", np.arange(examples) % 2)
    np.save(folder / "y_test.npy", np.arange(10) % 2)
    dataset = {"name": "file", "path": "mine", "validation": 1000}
    assert_trains_within(room, tmp_path, dataset, "mine/x_train.npy")


def test_what_stays_in_files_is_told_and_not_planned_for(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, n in (("train", 150_000), ("test", 10)):  # sparse: they take no disk
        np.lib.format.open_memmap(folder / f"x_{name}.npy", "w+", np.float32, (n, 100))
        np.save(folder / f"y_{name}.npy", np.arange(n) % 2)
    parts: dict[str, Any] = {
        "dataset": {"name": "file", "path": "mine"},
        "model": {"name": "linear"},
    }
    planned = tuple(Planned(run, tmp_path) for run in make_runs(tmp_path, **parts))
    (footprint,) = rehearse(Plan((), planned, force=False)).footprints.values()
    # Twice while they are split: classes, and of each example where it is and when it comes.
    assert 2 * 150_010 * (8 + 16) <= footprint.shared_bytes < 10_000_000
    path = write_experiment(tmp_path, **parts)
    outcome = command("run", path, "--dry-run", "--runs-dir", tmp_path / "runs")
    assert outcome.code == 0, outcome.err
    assert "inputs of 0.1 GB stay in their files: not among these" in outcome.out
