"""Embeddings with sparse gradients, against dense ones and a plain torch loop."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, assert_ends_as, resumed, stopped, traces
from experiments import command, make_learner, make_runs, train_all, trained, write_experiment
from plain_loop import documented_seed, one_thread
from torch import nn

from optbench.training.state_bytes import state_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.store.metrics import Row
    from optbench.training.learner import Learner

WORDS: dict[str, Any] = {
    "dataset": {"name": "zipf-word-ids", "train": 60, "test": 30, "words": 40, "length": 6},
    "training": {"epochs": 3, "batch_size": 16},
}
TAKING = [{"name": "sgd", "lr": 0.5}, {"name": "adagrad", "lr": 0.1}]


def bag(folder: Path, optimizer: dict[str, Any], *, sparse: bool, **training: Any) -> Learner:
    model = {"name": "bag-of-words", "sparse": sparse}
    more = {"training": WORDS["training"] | training}
    return trained(folder, model=model, optimizer=optimizer, **WORDS | more)


def _known(row: Row) -> dict[str, float]:
    return {name: value for name, value in row.items() if value is not None}


@pytest.mark.parametrize("optimizer", TAKING, ids=lambda optimizer: optimizer["name"])
@pytest.mark.parametrize("training", [{}, {"clip_norm": 0.05}, {"accumulate": 2}], ids=str)
def test_sparse_gradients_train_as_dense_ones_do(
    optimizer: dict[str, Any], training: dict[str, Any], tmp_path: Path
) -> None:
    sparse, dense = (bag(tmp_path, optimizer, sparse=s, **training) for s in (True, False))
    assert sparse.initial_weights == dense.initial_weights
    for ours, theirs in zip(sparse.rows, dense.rows, strict=True):
        assert _known(ours) == pytest.approx(_known(theirs), rel=1e-4)
    assert sparse.rows[-1]["train_loss"] < sparse.rows[0]["train_loss"]  # type: ignore[operator]


def test_a_bag_of_words_trains_as_in_a_plain_loop(tmp_path: Path) -> None:
    (run,) = make_runs(
        tmp_path,
        model={"name": "bag-of-words", "sparse": True},
        optimizer={"name": "adagrad", "lr": 0.1},
        **WORDS,
    )
    learner = make_learner(run)
    data = learner.data.train
    weights = [parameter.detach().clone() for parameter in learner.model.parameters()]
    train_all(learner)
    with one_thread():
        words, bias = (nn.Parameter(weight) for weight in weights)
        optimizer = torch.optim.Adagrad([words, bias], lr=0.1)
        for epoch in range(3):
            generator = torch.Generator().manual_seed(documented_seed("batches", 0, epoch))
            losses = []
            for chosen in torch.randperm(60, generator=generator).split(16):  # type: ignore[no-untyped-call]
                optimizer.zero_grad()
                said = words[data.inputs[chosen]] * (data.inputs[chosen] > 0)[..., None]
                loss = nn.functional.cross_entropy(said.sum(1) + bias, data.targets[chosen])
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                losses.append(loss.item() * len(chosen))
            assert learner.rows[1 + epoch]["train_loss"] == pytest.approx(
                sum(losses) / 60, rel=1e-5
            )


def test_words_that_no_batch_has_stay_where_they_began(tmp_path: Path) -> None:
    learner = bag(tmp_path, TAKING[0], sparse=True)
    (run,) = make_runs(tmp_path, model="bag-of-words", optimizer=TAKING[0], **WORDS)
    before = make_learner(run)
    seen = torch.zeros(41, dtype=torch.bool)
    seen[before.data.train.inputs.flatten()] = True
    seen[0] = False
    assert 0 < seen.sum() < 40
    moved = (learner.model.words.weight != before.model.words.weight).any(dim=1)  # type: ignore[union-attr]
    assert torch.equal(moved, seen)


@pytest.mark.parametrize("training", [{}, {"accumulate": 2}], ids=str)
def test_runs_with_sparse_gradients_go_on_to_the_same_bytes(
    training: dict[str, Any], tmp_path: Path
) -> None:
    runs = make_runs(
        tmp_path,
        model={"name": "bag-of-words", "sparse": True},
        optimizer=TAKING,
        **WORDS | {"training": WORDS["training"] | training},
    )
    steps = make_learner(runs[0]).epoch_steps
    halfway = stopped([make_learner(run) for run in runs], steps)
    found = traces([resumed(run, sealed) for run, sealed in zip(runs, halfway, strict=True)])
    for trace, whole in zip(found, alone(runs), strict=True):
        assert_ends_as(trace, whole)


@pytest.mark.parametrize(
    ("optimizer", "reason"),
    [
        ("adam", "Adam doesn't take the model's sparse gradients; SGD, Adagrad, SparseAdam do"),
        ("reference.adam", "Adam doesn't take the model's sparse gradients"),
        ({"name": "sgd", "lr": 1, "momentum": 0.9}, "SGD takes no momentum .* got momentum=0.9"),
        ({"name": "adagrad", "weight_decay": 0.1}, "Adagrad takes no weight_decay"),
    ],
)
def test_an_optimizer_that_needs_dense_gradients_is_refused_before_anything_trains(
    optimizer: Any, reason: str, tmp_path: Path
) -> None:
    path = write_experiment(
        tmp_path,
        model={"name": "bag-of-words", "sparse": True},
        optimizer=optimizer,
        **WORDS,
    )
    outcome = command("run", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 2
    assert re.search(f"tiny.yaml:1: optimizer.*{reason}", " ".join(outcome.err.split()))


def test_sparseadam_trains_by_name_and_its_runs_are_stored(tmp_path: Path) -> None:
    path = write_experiment(
        tmp_path,
        model={"name": "bag-of-words", "sparse": True},
        optimizer={"name": "sparseadam", "lr": 0.1},
        **WORDS,
    )
    assert command("run", path, "--runs-dir", tmp_path / "runs").code == 0
    learner = bag(tmp_path, {"name": "sparseadam", "lr": 0.1}, sparse=True)
    first, last = (learner.rows[index]["train_loss"] for index in (0, -1))
    assert last < 0.8 * first  # type: ignore[operator]
    each = state_bytes(learner.optimizer) / learner.size
    assert each == pytest.approx(8)  # two moments in float32


@pytest.mark.parametrize("sparse", [False, None])
def test_sparseadam_is_refused_where_gradients_are_dense_before_anything_trains(
    sparse: bool | None, tmp_path: Path
) -> None:
    model = {"model": {"name": "bag-of-words", "sparse": sparse}} | WORDS
    parts: dict[str, Any] = {} if sparse is None else model  # else the mlp on numbers
    path = write_experiment(tmp_path, optimizer="sparseadam", **parts)
    outcome = command("run", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 2
    name = "1.weight" if sparse is None else "words.weight"
    reason = f"SparseAdam takes only sparse gradients, and the model's {name} has a dense one"
    assert f"{path}:1: optimizer: sparseadam: {reason}" in outcome.err
    assert not list(tmp_path.rglob("metrics.csv"))


@pytest.mark.parametrize("model", ["mlp", "logistic", "vit"])
def test_a_model_of_numbers_refuses_token_ids(model: str, tmp_path: Path) -> None:
    path = write_experiment(tmp_path, model=model, optimizer="adam", **WORDS)
    outcome = command("run", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 2
    assert f"{model} takes numbers; the data are token ids [6]" in " ".join(outcome.err.split())
