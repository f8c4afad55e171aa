"""Writes realistic run directories, so that tests read finished runs without training any."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from optbench.store.metrics import Row, format_rows
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.store.stored_run import StoredRun

ADAM = {
    "name": "adam",
    "lr": 0.001,
    "betas": [0.9, 0.999],
    "eps": 1e-8,
    "weight_decay": 0,
    "amsgrad": False,
}
SGD = {"name": "sgd", "lr": 0.01, "momentum": 0, "weight_decay": 0, "nesterov": False}
STEPS_PER_EPOCH = 938


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def make_rows(
    test_accuracy: Sequence[float],
    *,
    train_loss: Sequence[float] | None = None,
    val_loss: Sequence[float] | None = None,
) -> list[Row]:
    """Row 0 and a row an epoch with these values; the other columns follow from them."""
    losses = train_loss or [2 * (1 - accuracy) for accuracy in test_accuracy]
    rows: list[Row] = []
    for epoch, (accuracy, loss) in enumerate(zip(test_accuracy, losses, strict=True)):
        validation = val_loss[epoch] if val_loss else None
        rows.append(
            {
                "epoch": epoch,
                "steps": STEPS_PER_EPOCH * epoch,
                "examples": 60_000 * epoch,
                "lr": 0.001 if epoch else None,
                "train_loss": loss,
                "train_accuracy": accuracy,
                "val_loss": validation,
                "val_accuracy": None if validation is None else accuracy,
                "test_loss": loss,
                "test_accuracy": accuracy,
                "grad_norm": 0.5 if epoch else None,
                "update_norm": 1.5 if epoch else None,
                "param_norm": 11.0 + epoch,
            }
        )
    return rows


def result_document(
    rows: Sequence[Row] = (),
    *,
    optimizer: dict[str, Any] | None = None,
    seed: int = 0,
    status: str = "completed",
    training: dict[str, Any] | None = None,
    schedule: dict[str, Any] | None = None,
    problem: str = "mnist · mlp 784-128-10 · cross entropy",
    experiment: str = "adam_mnist",
    **changes: Any,
) -> dict[str, Any]:
    """A result.json as plain data; `changes` replace its keys."""
    config = {
        "name": experiment,
        "dataset": {"name": problem.split()[0], "train": None, "test": None, "validation": 0},
        "model": {"name": "mlp", "hidden": [128], "activation": "relu", "dropout": 0},
        "optimizer": optimizer or ADAM,
        "schedule": schedule or {"name": "constant"},
        "training": {"epochs": 5, "batch_size": 64, "loss": "cross_entropy"} | (training or {}),
        "seeds": [seed],
        "device": "auto",
    }
    told = [config[part] for part in ("optimizer", "schedule", "training")]
    setting = digest(json.dumps([problem, *told]))
    document = {
        "schema": 1,
        "status": status,
        "reason": "train loss became nan at step 12" if status == "diverged" else None,
        "experiment": experiment,
        "run": digest(f"{setting} {seed}"),
        "setting": setting,
        "problem": digest(problem),
        "seed": seed,
        "declared_seeds": 1,
        "labels": {"problem": problem, "setting": "a setting"},
        "config": config,
        "requested_dataset": None,
        "sizes": {
            "train": 60_000,
            "validation": 0,
            "test": 10_000,
            "parameters": 101_770,
            "steps_per_epoch": STEPS_PER_EPOCH,
        },
        "last": _finite(rows[-1]) if rows else None,
        "best": None,
        "state_bytes_per_parameter": 8.0,
        "hashes": {
            "data": digest(f"data of {problem}"),
            "initial_weights": digest(f"weights {seed}"),
            "batch_order": digest(f"order {seed}"),
            "pretrained": None,
        },
        "environment": {"optbench": "0.1.0", "device": "cpu", "threads": 1},
        "cohort": {"size": 1, "stacked": False, "reason": "one run"},
        "started": "2026-11-22T15:00:00+00:00",
        "finished": "2026-11-22T15:00:06+00:00",
        "seconds": 6.1,
        "extended": None,
        "files": {},
    }
    return document | changes


def write_run(root: Path, rows: Sequence[Row], **description: Any) -> Path:
    """A run directory under `root`/<experiment>/ and its path; see `result_document`."""
    text = format_rows(rows)
    description.setdefault("files", {"metrics.csv": digest(text)})
    document = result_document(rows, **description)
    name = re.sub(r"[^\w.-]", "_", document["config"]["optimizer"]["name"].rpartition(":")[2])
    folder = f"{name}-s{document['seed']}-{document['run'][:8]}"
    directory = root / str(document["experiment"]) / folder
    directory.mkdir(parents=True)
    (directory / "metrics.csv").write_text(text, encoding="utf-8")
    (directory / "result.json").write_text(json.dumps(document), encoding="utf-8")
    return directory


def write_seeds(
    root: Path, finals: Sequence[float], *, start: float = 0.9, **description: Any
) -> None:
    """A run for each final test accuracy, seeds from 0, which epoch 1 comes halfway to."""
    for seed, accuracy in enumerate(finals):
        rows = make_rows([0.1, (start + accuracy) / 2, accuracy])
        declared = {"declared_seeds": len(finals)} | description
        write_run(root, rows, seed=seed, **declared)


def load(root: Path) -> tuple[StoredRun, ...]:
    return scan(root).runs


def only(root: Path) -> StoredRun:
    """The only run there."""
    (run,) = load(root)
    return run


def _finite(row: Row) -> dict[str, float | int | None]:
    limit = float("inf")
    return {
        key: None if value is None or not -limit < value < limit else value
        for key, value in row.items()
    }
