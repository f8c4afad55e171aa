"""What TensorBoard, MLflow and Weights & Biases have of a run, read with their own readers."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import pytest
from experiments import command, write_experiment

from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from optbench.store.stored_run import StoredRun

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs
TWO = [{"name": "adam", "lr": 0.01}, {"name": "sgd", "lr": 1e30}]  # the second diverges


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tracked")
    path = write_experiment(folder, optimizer=TWO)
    assert command("run", path, "--runs-dir", folder / "runs").code == 0
    return folder / "runs"


def export(store: Path, asked: str) -> str:
    outcome = command("runs", "export", store, "--to", asked)
    assert (outcome.code, outcome.err) == (0, "")
    return outcome.out


def losses(run: StoredRun) -> dict[int, float]:
    return {int(r["steps"] or 0): r["train_loss"] for r in run.rows if r["train_loss"] is not None}


def test_tensorboard_has_every_row(store: Path, tmp_path: Path) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", exc_type=ImportError
    )
    export(store, f"tensorboard={tmp_path}")
    export(store, f"tensorboard={tmp_path}")  # again: nothing is there twice
    for run in scan(store).runs:
        read = accumulator.EventAccumulator(str(tmp_path / "tiny" / run.path.name)).Reload()
        told = {event.step: event.value for event in read.Scalars("loss/train")}
        assert told == pytest.approx(losses(run), rel=1e-6, nan_ok=True)
        assert len(read.Scalars("loss/train")) == len(told)
        tags = {"accuracy/test", "loss/val"} | ({"norm/grad", "lr"} if len(told) > 1 else set())
        assert tags <= set(read.Tags()["scalars"])
        assert "_hparams_/session_start_info" in read.summary_metadata


def test_mlflow_has_every_row_once(store: Path, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert "4 rows" in export(store, f"mlflow={uri}")
    assert "0 rows" in export(store, f"mlflow={uri}")
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("tiny").experiment_id
    for run in scan(store).runs:
        (told,) = client.search_runs([experiment], f"tags.`optbench.run` = '{run.result.run}'")
        history = client.get_metric_history(told.info.run_id, "train_loss")
        assert {m.step: m.value for m in history} == pytest.approx(losses(run), nan_ok=True)
        assert len(history) == len(losses(run))
        assert told.info.run_name == run.path.name
        assert told.data.params["optimizer"] == run.result.config["optimizer"]["name"]
        completed = run.status == "completed"
        assert told.info.status == ("FINISHED" if completed else "FAILED")


def test_wandb_offline_has_every_row(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    export(store, "wandb=study")
    for run in scan(store).runs:
        (file,) = tmp_path.rglob(f"run-{run.result.run[:32]}.wandb")
        told = {}
        for items in history(file.read_bytes()):
            if "train_loss" in items:
                told[int(items["_step"])] = float(items["train_loss"])
        assert told == pytest.approx(losses(run), nan_ok=True)


def history(content: bytes) -> Iterator[dict[str, str]]:
    """What an offline run of Weights & Biases was told, row by row.

    After a header of 7 bytes the file is LevelDB's log: blocks of 32 KiB with pieces of records,
    each after its checksum (4 bytes), length (2) and kind (1): whole, first, middle or last.
    """
    from wandb.proto.wandb_internal_pb2 import Record

    at, record = 7, b""
    while at + 7 <= len(content):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        length, kind = struct.unpack("<HB", content[at + 4 : at + 7])
        record += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            items = Record.FromString(record).history.item
            yield {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items}
            record = b""


def test_a_server_that_is_not_there_is_said(store: Path) -> None:
    pytest.importorskip("mlflow")
    outcome = command("runs", "export", store, "--to", "mlflow=http://127.0.0.1:9")
    assert outcome.code == 4
    assert "mlflow=http://127.0.0.1:9: " in outcome.err
    assert "0 of 2 runs are there" in outcome.err


def test_no_run_to_tell_is_said(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = command("runs", "export", store, "--where", "optimizer=lion")
    assert outcome.code == 2
    assert "optimizer" in outcome.err
