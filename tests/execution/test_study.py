"""From files to finished runs: what is trained, what is not, and under which name."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from experiments import (
    TINY,
    command,
    make_runs,
    only_directory,
    snapshot,
    status_of,
    trained,
    write_experiment,
    write_plugin,
)

from optbench import run
from optbench.errors import ConfigError, DataError, StoreError, UsageError
from optbench.store.metrics import format_rows

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = """
import torch

class Mine(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr, momentum=0.5)
"""


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy where nobody listens; urllib keeps the opener that first saw the proxies."""
    monkeypatch.setattr("urllib.request._opener", None)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def metrics(directory: Path) -> bytes:
    return (directory / "metrics.csv").read_bytes()


def test_a_run_is_stored_as_the_loop_yields_it(tmp_path: Path) -> None:
    (stored,) = run(write_experiment(tmp_path), runs_dir=tmp_path / "runs")
    assert metrics(stored.path).decode() == format_rows(trained(tmp_path).rows)
    result = stored.result
    assert result.status == "completed"
    assert result.reason is None
    sizes = result.sizes
    assert (sizes.train, sizes.validation, sizes.test, sizes.steps_per_epoch) == (60, 15, 30, 4)
    assert sizes.parameters == 6 * 5 + 5 + 5 * 3 + 3
    assert result.last == stored.rows[-1]
    best = min(stored.rows[1:], key=lambda row: row["val_loss"] or 0)
    assert result.best == best


def test_two_fresh_stores_hold_the_same_bytes(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, optimizer=[TINY["optimizer"], {"name": "sgd", "lr": 0.1}])
    first, second = (run(path, seeds="2", runs_dir=tmp_path / name) for name in "ab")
    assert len(first) == 4
    for one, other in zip(first, second, strict=True):
        assert metrics(one.path) == metrics(other.path)
        assert one.path.name == other.path.name
        for name in ("config.yaml", "metrics.csv", "weights.pt"):
            assert one.result.files[name] == other.result.files[name]


def test_a_finished_run_is_not_touched_again(tmp_path: Path) -> None:
    path = write_experiment(tmp_path)
    run(path, runs_dir=tmp_path / "runs")
    before = snapshot(tmp_path / "runs")
    run(path, runs_dir=tmp_path / "runs")
    assert snapshot(tmp_path / "runs") == before


def test_a_run_finished_under_another_experiment_counts(tmp_path: Path) -> None:
    (first,) = run(write_experiment(tmp_path, "one"), runs_dir=tmp_path / "runs")
    (second,) = run(write_experiment(tmp_path, "two"), runs_dir=tmp_path / "runs")
    assert second.path == first.path
    assert [path.name for path in (tmp_path / "runs" / "two").iterdir()] == ["elsewhere.txt"]


def test_a_run_met_in_two_files_is_trained_once(tmp_path: Path) -> None:
    paths = [write_experiment(tmp_path, name) for name in ("one", "two")]
    (stored,) = run(*paths, runs_dir=tmp_path / "runs")
    assert stored.result.experiment == "one"


def test_more_seeds_train_only_the_new_ones(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, seeds=2)
    first = run(path, runs_dir=tmp_path / "runs")
    before = {stored.path: snapshot(stored.path) for stored in first}
    both = run(path, seeds="+1", runs_dir=tmp_path / "runs")
    assert [stored.result.seed for stored in both] == [0, 1, 2]
    assert {path: snapshot(path) for path in before} == before


# config.yaml


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"model": {"name": "mlp", "hidden": [], "dropout": 0.5, "activation": "gelu"}},
        {"optimizer": {"name": "amsgrad", "lr": 1e-5, "groups": [{"match": "*.bias", "lr": 1}]}},
        {"optimizer": {"name": "adafactor", "lr": 0.01}},
        {"schedule": {"name": "cosine", "warmup": 0.1}},
        {"schedule": {"name": "cosineannealinglr"}},
        {"schedule": {"name": "reducelronplateau", "threshold": 1e-7}},
        {
            "optimizer": {"name": "momentum", "lr": 1},
            "schedule": {"name": "onecyclelr", "max_lr": 1},
        },
        {"training": {"epochs": 1, "batch_size": 7, "evaluate_every": {"steps": 5}}},
        {"dataset": {"name": "digits", "train": 90, "validation": 30}, "model": {"name": "cnn"}},
        {"seeds": [3]},
        {"name": "1e3"},
        {"name": "no"},
    ],
    ids=lambda parts: json.dumps(parts)[:40],
)
def test_the_configuration_in_a_run_directory_is_that_run(
    tmp_path: Path, parts: dict[str, Any]
) -> None:
    (stored,) = run(write_experiment(tmp_path, **parts), runs_dir=tmp_path / "runs")
    config = tmp_path / "config.yaml"
    config.write_bytes((stored.path / "config.yaml").read_bytes())
    (same,) = run(stored.path / "config.yaml", runs_dir=tmp_path / "runs")
    assert same.path == stored.path
    (again,) = run(config, runs_dir=tmp_path / "again")
    assert again.path.relative_to(tmp_path / "again") == stored.path.relative_to(tmp_path / "runs")
    assert metrics(again.path) == metrics(stored.path)


def test_the_configuration_is_yaml_that_others_read_too(tmp_path: Path) -> None:
    (stored,) = run(write_experiment(tmp_path), runs_dir=tmp_path / "runs")
    config = yaml.safe_load((stored.path / "config.yaml").read_text())
    assert config["optimizer"]["betas"] == [0.9, 0.999]
    assert config["training"]["epochs"] == 3


@pytest.mark.parametrize("linked", [False, True])
def test_a_plugin_is_found_from_the_run_directory(tmp_path: Path, linked: bool) -> None:
    write_plugin(tmp_path, PLUGIN)
    store = tmp_path / "runs"
    if linked:  # runs/ on a larger disk
        (tmp_path / "disk" / "deep").mkdir(parents=True)
        store.symlink_to(tmp_path / "disk" / "deep")
    path = write_experiment(tmp_path, optimizer={"name": "./plugin.py:Mine"})
    (stored,) = run(path, runs_dir=store)
    text = (stored.path / "config.yaml").read_text()
    assert "../../../" in text
    assert str(tmp_path) not in text
    (same,) = run(stored.path / "config.yaml", runs_dir=store)
    assert same.path == stored.path


def test_an_edited_plugin_is_another_run_and_is_what_trains(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, optimizer={"name": "./plugin.py:Mine"})
    write_plugin(tmp_path, PLUGIN)
    (before,) = run(path, runs_dir=tmp_path / "runs")
    write_plugin(tmp_path, PLUGIN.replace("momentum=0.5", "momentum=0.9"))
    (after,) = run(path, runs_dir=tmp_path / "runs")
    assert after.result.run != before.result.run
    assert metrics(after.path) != metrics(before.path)


# Divergence


def test_a_diverged_run_is_a_result_like_any_other(tmp_path: Path) -> None:
    items = [{"name": "sgd", "lr": 1e30}, {"name": "adam", "lr": 0.01}]
    path = write_experiment(tmp_path, optimizer=items)
    outcome = command("run", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 0
    (directory,) = tmp_path.glob("runs/tiny/sgd*")
    text = (directory / "result.json").read_text()
    result = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert result["status"] == "diverged"
    assert result["reason"].endswith(" at step 2")
    assert (directory / "metrics.csv").read_text().count("\n") == 2
    assert not (directory / "weights.pt").exists()
    (other,) = tmp_path.glob("runs/tiny/adam*")
    assert status_of(other) == "completed"
    before = snapshot(tmp_path / "runs")
    assert command("run", path, "--runs-dir", tmp_path / "runs").code == 0
    assert snapshot(tmp_path / "runs") == before


# Refused before anything is written


def test_what_a_class_refuses_is_told_before_any_directory_exists(tmp_path: Path) -> None:
    source = "import torch\nclass Picky(torch.optim.SGD):\n    def __init__(self, params, lr): "
    write_plugin(tmp_path, source + "raise RuntimeError('only on Sundays')")
    items = [TINY["optimizer"], {"name": "./plugin.py:Picky", "lr": 0.1}]
    with pytest.raises(ConfigError) as told:
        run(
            write_experiment(tmp_path, optimizer=items, model=[TINY["model"], "cnn"]),
            runs_dir=tmp_path / "runs",
        )
    assert {problem.message for problem in told.value.problems} == {
        "Picky refuses: RuntimeError: only on Sundays",
        "cnn: cnn needs images [channels, height, width]; the data are [6]",
    }
    assert not list(tmp_path.glob("runs/*"))


NORMALIZED = """
from torch import nn

def normalized(classes):
    return nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, classes))
"""


@pytest.mark.parametrize(("size", "code"), [(59, 2), (1, 2), (58, 0)])
def test_a_last_batch_of_one_that_batch_norm_cant_train_on_is_told_before_training(
    tmp_path: Path, size: int, code: int
) -> None:
    write_plugin(tmp_path, NORMALIZED)  # 60 examples are trained on
    training = {"epochs": 1, "batch_size": size}
    path = write_experiment(tmp_path, model="./plugin.py:normalized", training=training)
    outcome = command("run", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == code
    refused = f"tiny.yaml:1: training.batch_size: a batch_size of {size}: it leaves one of 60"
    assert (refused in outcome.err) == bool(code)
    assert bool(list(tmp_path.glob("runs/*"))) != bool(code)


def test_a_device_that_is_not_here_is_told_before_any_directory_exists(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no cuda:99 here; present: cpu"):
        run(write_experiment(tmp_path), device="cuda:99", runs_dir=tmp_path / "runs")
    assert not list(tmp_path.glob("runs/*"))


def test_a_store_that_cant_be_written_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"can't write .*file/runs"):
        run(write_experiment(tmp_path), runs_dir=tmp_path / "file" / "runs")


# Data that can't be had


@pytest.mark.usefixtures("no_network")
def test_a_fallback_is_announced_and_recorded(tmp_path: Path) -> None:
    told: list[str] = []
    dataset = {"name": "mnist", "fallback": {"name": "mnist-5k", "train": 100, "test": 50}}
    path = write_experiment(tmp_path, dataset=dataset, training={"epochs": 1})
    (stored,) = run(
        path, runs_dir=tmp_path / "runs", data_dir=tmp_path / "data", announce=told.append
    )
    (text,) = told
    assert "Using mnist-5k instead, as " in text
    assert f"{path}:1 allows" in text
    assert stored.result.requested_dataset == "mnist"
    assert stored.result.config["dataset"]["name"] == "mnist-5k"
    assert stored.result.sizes.train == 100


@pytest.mark.usefixtures("no_network")
def test_more_seeds_of_a_stand_ins_own_file_still_know_what_was_asked_for(tmp_path: Path) -> None:
    dataset = {"name": "mnist", "fallback": {"name": "mnist-5k", "train": 100, "test": 50}}
    path = write_experiment(tmp_path, dataset=dataset, training={"epochs": 1})
    places: dict[str, Any] = {"runs_dir": tmp_path / "runs", "data_dir": tmp_path / "data"}
    (first,) = run(path, **places)
    both = run(first.path / "config.yaml", seeds="2", **places)
    assert both[0] == first
    assert [stored.result.requested_dataset for stored in both] == ["mnist", "mnist"]


@pytest.mark.usefixtures("no_network")
def test_a_fallback_may_be_forbidden(tmp_path: Path) -> None:
    dataset = {"name": "mnist", "fallback": "mnist-5k"}
    with pytest.raises(DataError, match="mnist") as told:
        run(
            write_experiment(tmp_path, dataset=dataset),
            runs_dir=tmp_path / "runs",
            data_dir=tmp_path / "data",
            allow_fallback=False,
        )
    assert str(told.value).startswith(f"{tmp_path / 'tiny.yaml'}:1: dataset: mnist is neither in ")
    assert str(tmp_path / "data") in str(told.value)
    assert told.value.exit_code == 4


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["cifar10", "svhn"])
def test_a_set_that_cant_be_had_names_images_that_may_stand_in(name: str, tmp_path: Path) -> None:
    path = write_experiment(tmp_path, dataset={"name": name})
    with pytest.raises(DataError, match=rf"tiny.yaml:1: dataset: {name} is neither in ") as told:
        run(path, runs_dir=tmp_path / "runs", data_dir=tmp_path / "data")
    assert "`fallback: {name: shapes}`" in str(told.value)


def test_where_data_are_found_no_fallback_is_taken(tmp_path: Path) -> None:
    told: list[str] = []
    dataset = {"name": "digits", "train": 50, "test": 20, "fallback": "mnist-5k"}
    (stored,) = run(
        write_experiment(tmp_path, dataset=dataset), runs_dir=tmp_path / "runs",
        announce=told.append,
    )  # fmt: skip
    assert told == []
    assert stored.result.requested_dataset is None


def test_the_hash_does_not_depend_on_the_folder_or_the_device(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    write_plugin(tmp_path, PLUGIN)
    write_plugin(tmp_path / "elsewhere", PLUGIN)
    parts = {"optimizer": {"name": "./plugin.py:Mine"}}
    (one,) = make_runs(tmp_path, **parts)
    (other,) = make_runs(tmp_path / "elsewhere", **parts, device="cpu", name="another")
    assert one.hash == other.hash
    assert os.path.basename(one.directory_name) == one.directory_name  # noqa: PTH119


def test_smoke_runs_are_trained_each_time_and_kept_out_of_the_store(tmp_path: Path) -> None:
    path = write_experiment(tmp_path)
    for _ in range(2):
        outcome = command("run", path, "--smoke", "--runs-dir", tmp_path / "runs")
        assert outcome.code == 0
        assert "finished already" not in outcome.out
    assert command("compare", tmp_path / "runs").code == 2
    assert command("compare", tmp_path / "runs" / ".smoke").code == 0


def test_a_damaged_finished_run_is_named_and_trained_again(tmp_path: Path) -> None:
    path = write_experiment(tmp_path)
    assert command("run", path, "--runs-dir", tmp_path / "runs").code == 0
    metrics = only_directory(tmp_path / "runs") / "metrics.csv"
    whole = metrics.read_bytes()
    metrics.write_bytes(whole[:100])
    outcome = command("run", path, "--runs-dir", tmp_path / "runs")
    assert "damaged" in outcome.out
    assert "trains again" in outcome.out
    assert metrics.read_bytes() == whole
