"""The loop against a plain torch loop, and against itself in company and after a stop."""

from __future__ import annotations

import inspect
import itertools
import math
from typing import TYPE_CHECKING, Any

import pytest
import torch
from experiments import (
    TINY,
    TINY_EPOCH_STEPS,
    make_learner,
    make_runs,
    train_all,
    trained,
    write_plugin,
)
from plain_loop import PlainRun, accuracy, mean_loss, mlp
from torch import nn

from optbench.catalog.optimizers import optimizers
from optbench.catalog.schedules import schedules
from optbench.store.metrics import format_rows
from optbench.training.checkpoint import from_bytes, to_bytes
from optbench.training.loop import train
from optbench.training.records import Commit, End, Evaluation, Step

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.store.metrics import Row
    from optbench.training.learner import Learner

DIGITS = {"name": "digits", "train": 200, "test": 60, "validation": 40}
FUSED = ("Adagrad", "Adam", "AdamW", "SGD")  # those with a fused implementation on the CPU
APART = ("Muon", "SparseAdam")  # they take other parameters: tested by themselves
TORCHS = {
    name.lower(): found
    for name, found in vars(torch.optim).items()
    if inspect.isclass(found)
    and issubclass(found, torch.optim.Optimizer)
    and found is not torch.optim.Optimizer
}
USABLE = sorted(name for name in TORCHS if TORCHS[name].__name__ not in APART)
CASES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in USABLE),
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"momentum": 0.9, "dampening": 0.5}),
    ("sgd", {"momentum": 0.9, "nesterov": True}),
    ("sgd", {"weight_decay": 0.01, "momentum": 0.5}),
    ("sgd", {"maximize": True}),
    ("adam", {"amsgrad": True}),
    ("adam", {"weight_decay": 0.1}),
    ("adam", {"betas": [0.5, 0.9], "eps": 1e-4}),
    ("adamw", {"weight_decay": 0.2, "amsgrad": True}),
    ("rmsprop", {"momentum": 0.9, "centered": True}),
    ("nadam", {"decoupled_weight_decay": True, "weight_decay": 0.01}),
    ("adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.5}),
    ("lbfgs", {"line_search_fn": "strong_wolfe", "max_iter": 5}),
]


def identity(value: object) -> str:
    return value if isinstance(value, str) else ",".join(value) if isinstance(value, dict) else ""


def plain(learner: Learner, factory: Any, arguments: dict[str, Any], **more: Any) -> PlainRun:
    """The same run by the plain loop: a network of 16 hidden units on `learner`'s data."""
    training = learner.run.setting.training
    model = mlp(math.prod(learner.data.task.input_shape), 16, learner.data.task.classes)
    return PlainRun(
        model=model,
        optimizer=factory(model.parameters(), **arguments),
        data=learner.data,
        epochs=int(training["epochs"]),  # type: ignore[call-overload]
        batch_size=int(training["batch_size"]),  # type: ignore[call-overload]
        **more,
    )


def flat(model: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def assert_same_rows(rows: list[Row], expected: list[dict[str, float]]) -> None:
    """Every column that the plain loop has, float64 sums to 1e-9, epochs to six places."""
    assert len(rows) == len(expected)
    for row, other in zip(rows, expected, strict=True):
        for name, value in other.items():
            loss_in_float32 = name in ("val_loss", "test_loss")
            tolerance = 1e-6 if loss_in_float32 or name == "epoch" else 1e-9
            assert row[name] == pytest.approx(value, rel=tolerance), (row["steps"], name)


def test_the_catalog_has_every_optimizer_of_torch() -> None:
    named = {name: entry for name, entry in optimizers().items() if "." not in name}
    usable = {name for name, entry in named.items() if not entry.refusal}
    assert usable == {*TORCHS, "momentum", "amsgrad"}


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=identity)
def test_training_is_that_of_a_plain_loop(
    tmp_path: Path, name: str, arguments: dict[str, Any]
) -> None:
    learner = trained(
        tmp_path,
        dataset=DIGITS,
        model={"name": "mlp", "hidden": [16]},
        optimizer={"name": name, "lr": 0.01, **arguments},
        training={"epochs": 15, "batch_size": 32, "evaluate_every": {"steps": 1}},
    )
    told = {k: tuple(v) if isinstance(v, list) else v for k, v in arguments.items()}
    fused = {"fused": True} if TORCHS[name].__name__ in FUSED else {}
    other = plain(learner, TORCHS[name], {"lr": 0.01, **told, **fused}, row_steps=1)
    expected = other.train()
    assert len(expected) == 15 * 7  # 200 examples are six batches of 32 and one of 8
    assert torch.equal(flat(learner.model), flat(other.model))
    assert_same_rows(learner.rows[1:], expected)


def test_gradients_are_clipped_as_torch_clips_them(tmp_path: Path) -> None:
    learner = trained(
        tmp_path,
        dataset=DIGITS,
        model={"name": "mlp", "hidden": [16]},
        optimizer={"name": "sgd", "lr": 0.5},
        training={"epochs": 5, "batch_size": 32, "evaluate_every": {"steps": 1}, "clip_norm": 0.2},
    )
    other = plain(learner, torch.optim.SGD, {"lr": 0.5, "fused": True}, row_steps=1, clip_norm=0.2)
    assert_same_rows(learner.rows[1:], other.train())
    assert max(row["grad_norm"] or 0 for row in learner.rows) > 0.2  # the norm before clipping
    assert max(row["update_norm"] or 0 for row in learner.rows) == pytest.approx(0.1, rel=1e-4)


@pytest.mark.parametrize("name", [name for name in USABLE if TORCHS[name].__name__ in FUSED])
def test_the_fused_implementation_computes_the_stock_one(tmp_path: Path, name: str) -> None:
    learner = trained(
        tmp_path,
        dataset=DIGITS,
        model={"name": "mlp", "hidden": [16]},
        optimizer={"name": name, "lr": 0.01},
        training={"epochs": 15, "batch_size": 32},
    )
    assert learner.optimizer.defaults["fused"]
    other = plain(learner, TORCHS[name], {"lr": 0.01, "foreach": False})
    other.train()
    torch.testing.assert_close(flat(learner.model), flat(other.model), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("alias", "name", "arguments"),
    [("momentum", "sgd", {"momentum": 0.9}), ("amsgrad", "adam", {"amsgrad": True})],
)
def test_an_alias_is_the_run_that_it_stands_for(
    tmp_path: Path, alias: str, name: str, arguments: dict[str, Any]
) -> None:
    short = trained(tmp_path, optimizer={"name": alias, "lr": 0.01})
    long = trained(tmp_path, optimizer={"name": name, "lr": 0.01, **arguments})
    assert short.run.hash == long.run.hash
    assert format_rows(short.rows) == format_rows(long.rows)


def test_rows_are_measured_over_intervals_that_cross_epochs(tmp_path: Path) -> None:
    learner = trained(
        tmp_path,
        dataset=DIGITS,
        model={"name": "mlp", "hidden": [16]},
        optimizer={"name": "adam", "lr": 0.01},
        training={"epochs": 3, "batch_size": 60, "evaluate_every": {"steps": 7}},
    )
    other = plain(learner, torch.optim.Adam, {"lr": 0.01, "fused": True}, row_steps=7)
    assert_same_rows(learner.rows[1:], other.train())
    # 200 examples in batches of 60 are 4 steps an epoch, the last of 20 examples.
    assert [row["steps"] for row in learner.rows] == [0, 7, 12]
    assert [row["examples"] for row in learner.rows] == [0, 200 + 180, 600]
    assert [row["epoch"] for row in learner.rows] == [0, 1.75, 3]


def test_dropout_draws_from_a_stream_of_its_own(tmp_path: Path) -> None:
    learner = trained(
        tmp_path,
        dataset=DIGITS,
        model={"name": "mlp", "hidden": [16], "dropout": 0.5},
        optimizer={"name": "sgd", "lr": 0.1},
        training={"epochs": 3, "batch_size": 32},
    )
    model = mlp(64, 16, 10, dropout=0.5)
    other = plain(learner, torch.optim.SGD, {"lr": 0.1, "fused": True})
    other.model, other.optimizer = model, torch.optim.SGD(model.parameters(), 0.1, fused=True)
    assert_same_rows(learner.rows[1:], other.train())
    assert torch.equal(flat(learner.model), flat(model))


def test_the_last_batch_of_one_example_is_trained_on(tmp_path: Path) -> None:
    learner = trained(
        tmp_path,
        dataset={"name": "synthetic", "train": 33, "test": 6, "features": 3, "classes": 2},
        training={"epochs": 1, "batch_size": 16, "evaluate_every": {"steps": 1}},
    )
    assert [row["examples"] for row in learner.rows] == [0, 16, 32, 33]


# The seed


def test_optimizers_of_one_seed_start_alike_and_see_the_same_batches(tmp_path: Path) -> None:
    items = [{"name": "adam", "lr": 0.01}, {"name": "sgd", "lr": 0.1, "momentum": 0.9}]
    runs = make_runs(tmp_path, optimizer=items, seeds=[0, 1])
    adam0, sgd0, adam1, sgd1 = (make_learner(run) for run in runs)
    for one, other in ((adam0, sgd0), (adam1, sgd1)):
        assert torch.equal(flat(one.model), flat(other.model))
        assert one.initial_weights == other.initial_weights
        assert torch.equal(one.order(3), other.order(3))
        assert one.order_hash() == other.order_hash()
    assert adam0.initial_weights != adam1.initial_weights
    assert adam0.order_hash() != adam1.order_hash()
    assert not torch.equal(adam0.order(0), adam0.order(1))


def test_every_epoch_shows_each_example_once(tmp_path: Path) -> None:
    (run,) = make_runs(tmp_path)
    learner = make_learner(run)
    for epoch in range(5):
        assert sorted(learner.order(epoch).tolist()) == list(range(60))


def test_training_leaves_torchs_generator_and_threads_as_they_were(tmp_path: Path) -> None:
    torch.manual_seed(7)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    trained(tmp_path, model={"name": "mlp", "hidden": [5], "dropout": 0.5})
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_what_was_drawn_before_changes_nothing(tmp_path: Path) -> None:
    model = {"name": "mlp", "hidden": [5], "dropout": 0.5}
    torch.manual_seed(1)
    first = trained(tmp_path, model=model)
    torch.manual_seed(2)
    assert format_rows(trained(tmp_path, model=model).rows) == format_rows(first.rows)


def test_a_stopped_loop_gives_the_generator_back(tmp_path: Path) -> None:
    (run,) = make_runs(tmp_path, model={"name": "mlp", "hidden": [5], "dropout": 0.5})
    before = torch.get_rng_state()
    records = train([make_learner(run)])
    assert isinstance(next(records), Evaluation)
    next(records)
    del records
    assert torch.equal(torch.get_rng_state(), before)


# In company

NOISY_IN_EVALUATION = """
from torch import nn
from torch.nn.functional import dropout

class Noisy(nn.Module):
    def __init__(self, input_shape, classes):
        super().__init__()
        self.layer = nn.Linear(input_shape[0], classes)

    def forward(self, inputs):
        return self.layer(dropout(inputs, 0.5))  # always, as many a beginner writes it
"""


@pytest.mark.parametrize("model", ["plain", "dropout", "noisy in evaluation"])
def test_runs_trained_together_have_the_rows_of_each_alone(tmp_path: Path, model: str) -> None:
    write_plugin(tmp_path, NOISY_IN_EVALUATION)
    models: dict[str, dict[str, Any]] = {
        "plain": {"name": "mlp", "hidden": [5]},
        "dropout": {"name": "mlp", "hidden": [5], "dropout": 0.5},
        "noisy in evaluation": {"name": "./plugin.py:Noisy"},
    }
    runs = make_runs(
        tmp_path,
        model=models[model],
        optimizer=[
            {"name": "adam", "lr": 0.01},
            {"name": "sgd", "lr": 1e38},
            {"name": "rmsprop", "lr": 0.01, "schedule": {"name": "steplr", "step_size": 1}},
        ],
        training={"epochs": 3, "batch_size": 16, "evaluate_every": {"steps": 3}},
        seeds=2,
    )
    together = [make_learner(run) for run in runs]
    train_all(*together)
    assert sum(learner.diverged is not None for learner in together) == 2
    for learner, run in zip(together, runs, strict=True):
        alone = make_learner(run)
        train_all(alone)
        assert format_rows(learner.rows) == format_rows(alone.rows)
        assert learner.diverged == alone.diverged
        assert learner.diverged or learner.weights() == alone.weights()


# Stopped and resumed


def resumed_after(learner: Learner, epochs: int) -> Learner:
    """Train to a commit point, throw everything but its bytes away, and train on from those."""
    commits = (record for record in train([learner]) if isinstance(record, Commit))
    commit = next(itertools.islice(commits, epochs - 1, None))
    sealed = commit.state()
    again = make_learner(learner.run)
    again.restore(from_bytes(sealed, learner.run.hash))
    assert again.steps == epochs * learner.epoch_steps
    train_all(again)
    return again


SCHEDULE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "cosine": {"warmup": 0.3},
    "cosineannealingwarmrestarts": {"T_0": 2},
    "cycliclr": {"base_lr": 0.001, "max_lr": 0.1, "step_size_up": 3, "cycle_momentum": False},
    "exponentiallr": {"gamma": 0.5},
    "multisteplr": {"milestones": [1, 2]},
    "onecyclelr": {"max_lr": 0.1},
    "steplr": {"step_size": 2},
    "reducelronplateau": {"patience": 0, "threshold": 0.5},
}


@pytest.mark.parametrize("epochs", [1, 2])
@pytest.mark.parametrize("name", USABLE)
def test_a_resumed_run_has_the_bits_of_one_never_stopped(
    tmp_path: Path, name: str, epochs: int
) -> None:
    parts = {
        "optimizer": {"name": name, "lr": 0.01},
        "model": {"name": "mlp", "hidden": [5], "dropout": 0.3},
        "training": TINY["training"] | {"evaluate_every": {"steps": 3}},
    }
    whole = trained(tmp_path, **parts)
    (run,) = make_runs(tmp_path, **parts)
    again = resumed_after(make_learner(run), epochs)
    assert format_rows(again.rows) == format_rows(whole.rows)
    assert again.weights() == whole.weights()


@pytest.mark.parametrize("name", schedules())
def test_a_resumed_schedule_goes_on_where_it_was(tmp_path: Path, name: str) -> None:
    parts = {
        "optimizer": {"name": "sgd", "lr": 0.1},
        "schedule": {"name": name, **SCHEDULE_ARGUMENTS.get(name, {})},
        "training": {"epochs": 4, "batch_size": 16, "evaluate_every": {"steps": 3}},
    }
    if name == "onecyclelr":
        parts["optimizer"] = {"name": "momentum", "lr": 0.1}
    whole = trained(tmp_path, **parts)
    (run,) = make_runs(tmp_path, **parts)
    for epochs in (1, 2, 3):
        again = resumed_after(make_learner(run), epochs)
        assert format_rows(again.rows) == format_rows(whole.rows)
        assert again.weights() == whole.weights()


def test_a_run_stopped_after_its_last_commit_only_ends(tmp_path: Path) -> None:
    learner = trained(tmp_path)
    again = make_learner(learner.run)
    again.restore(from_bytes(to_bytes(learner), learner.run.hash))
    (end,) = train_all(again)
    assert isinstance(end, End)
    assert end.status == "completed"
    assert again.rows == learner.rows


# Divergence

BREAKS_AT_A_STEP = """
import torch

class Breaks(torch.optim.SGD):
    def __init__(self, params, lr=0.01, at=10, value="nan"):
        super().__init__(params, lr)
        self.left, self.value = at, value

    def step(self, closure=None):
        super().step(closure)
        self.left -= 1
        if not self.left:
            with torch.no_grad():
                for group in self.param_groups:
                    for parameter in group["params"]:
                        parameter.fill_(float(self.value))
"""


def test_an_absurd_learning_rate_diverges_at_the_step_whose_loss_says_so(tmp_path: Path) -> None:
    (run,) = make_runs(tmp_path, optimizer={"name": "sgd", "lr": 1e30})
    learner = make_learner(run)
    end = train_all(learner)[-1]
    assert isinstance(end, End)
    assert end.status == "diverged"
    # The first loss is that of the untrained network; the second sees weights of 1e30.
    assert end.reason in {f"train loss became {value} at step 2" for value in ("nan", "inf")}
    assert [row["steps"] for row in learner.rows] == [0]


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_run_that_breaks_later_keeps_the_rows_before(tmp_path: Path, value: str) -> None:
    write_plugin(tmp_path, BREAKS_AT_A_STEP)
    parts: dict[str, Any] = {
        "optimizer": {"name": "./plugin.py:Breaks", "lr": 0.01, "at": 10, "value": value},
        "training": {"epochs": 5, "batch_size": 16, "evaluate_every": {"steps": 3}},
    }
    learner = trained(tmp_path, **parts)
    assert learner.diverged == "train loss became nan at step 11"
    assert [row["steps"] for row in learner.rows] == [0, 3, 6, 9]
    unbroken = trained(
        tmp_path, **parts | {"optimizer": {"name": "sgd", "lr": 0.01, "fused": False}}
    )
    assert format_rows(learner.rows) == format_rows(unbroken.rows[:4])


def test_a_last_step_that_breaks_is_seen_by_the_evaluation(tmp_path: Path) -> None:
    write_plugin(tmp_path, BREAKS_AT_A_STEP)
    optimizer = {"name": "./plugin.py:Breaks", "lr": 0.01, "at": 3 * TINY_EPOCH_STEPS}
    learner = trained(tmp_path, optimizer=optimizer)
    assert learner.diverged in {f"{split} loss became nan by step 12" for split in ("val", "test")}
    assert [row["epoch"] for row in learner.rows] == [0, 1, 2]


# Records


def test_a_run_yields_rows_a_commit_an_epoch_but_the_last_and_its_end(tmp_path: Path) -> None:
    (run,) = make_runs(tmp_path)
    records = [r for r in train_all(make_learner(run)) if not isinstance(r, Step)]
    assert [type(record) for record in records] == [
        Evaluation, *(Evaluation, Commit) * 2, Evaluation, End,
    ]  # fmt: skip
    assert [record.steps for record in records if isinstance(record, Commit)] == [4, 8]


@pytest.mark.parametrize(
    ("seconds", "asked", "expected"),
    [
        (0.009, {}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (0.025, {}, [1, 4, 7]),  # a hundred times that is 2.5 epochs
        (1.0, {}, [1]),
        (1.0, {"checkpoint_every": {"steps": 12}}, [1, 3, 6, 9]),
    ],
)
def test_epochs_that_are_short_beside_their_commits_share_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    asked: dict[str, Any],
    expected: list[int],
) -> None:
    (run,) = make_runs(tmp_path, training={"epochs": 10, "batch_size": 16, **asked})
    now = 0.0
    monkeypatch.setattr("optbench.training.loop.perf_counter", lambda: now)
    monkeypatch.setattr("optbench.training.loop.COMMIT_SHARE", 0.01)
    committed = []
    for record in train([make_learner(run)]):
        if isinstance(record, Evaluation):
            now += 1  # a second an epoch
        elif isinstance(record, Commit):
            now += seconds
            committed.append(record.steps // TINY_EPOCH_STEPS)
    assert committed == expected


def test_timings_have_a_line_an_evaluation(tmp_path: Path) -> None:
    learner = trained(tmp_path)
    assert [steps for steps, _, _ in learner.timings] == [0, 4, 8, 12]
    assert all(train >= 0 and rest > 0 for _, train, rest in learner.timings)


def test_the_final_weights_load_into_a_plain_network(tmp_path: Path) -> None:
    import io

    learner = trained(tmp_path, dataset=DIGITS, model={"name": "mlp", "hidden": [16]})
    model = mlp(64, 16, 10)
    model.load_state_dict(torch.load(io.BytesIO(learner.weights()), weights_only=True))
    last = learner.rows[-1]
    assert last["test_accuracy"] == pytest.approx(accuracy(model, learner.data.test))
    assert last["test_loss"] == pytest.approx(mean_loss(model, learner.data.test), rel=1e-6)


def test_evaluation_is_the_same_however_large_a_split_is(tmp_path: Path) -> None:
    blobs = {"name": "synthetic", "train": 20, "test": 2345, "features": 6, "classes": 3}
    learner = trained(tmp_path, dataset=blobs)
    assert learner.rows[-1]["test_loss"] == pytest.approx(
        mean_loss(learner.model, learner.data.test), rel=1e-6
    )
    assert learner.rows[-1]["test_accuracy"] == accuracy(learner.model, learner.data.test)
