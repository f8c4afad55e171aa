"""Types of numbers and mixed precision against plain torch loops."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, assert_ends_as, in_cohorts, resumed, stopped, traces
from experiments import (
    command,
    make_learner,
    make_runs,
    refusal,
    train_all,
    trained,
    write_experiment,
)
from plain_loop import documented_seed, mlp, one_thread
from torch.nn import functional

from optbench.errors import ConfigError
from optbench.execution.cohorts import make_cohorts
from optbench.execution.plan import Plan, Planned
from optbench.execution.rehearsal import rehearse
from optbench.store.metrics import format_rows, parse_rows
from optbench.training.build import build_model, build_optimizer
from optbench.training.evaluation import Score
from optbench.training.learner import Learner
from optbench.training.precision import in_its_type
from optbench.training.precision_refusal import check_precision
from optbench.training.row import next_row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor, nn
    from torch.optim import Optimizer


DIGITS = {"name": "digits", "train": 200, "test": 60, "validation": 40}
MODEL = {"name": "mlp", "hidden": [16], "dropout": 0.2}
ADAM = {"name": "adam", "lr": 0.01, "eps": 1e-4}  # 1e-8 is 0 in float16
MOMENTUM = {"name": "sgd", "lr": 0.1, "momentum": 0.9}
EPOCHS, BATCH = 15, 32
LONG = {"epochs": EPOCHS, "batch_size": BATCH}
CPU = torch.device("cpu")
TYPES = {"float64": torch.float64, "bfloat16": torch.bfloat16, "float16": torch.float16}


def stock(optimizer: dict[str, Any], model: nn.Module) -> Optimizer:
    named = {key: value for key, value in optimizer.items() if key != "name"}
    factory: Any = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[optimizer["name"]]
    made: Optimizer = factory(model.parameters(), fused=True, **named)
    return made


def plain(
    learner: Learner,
    optimizer: dict[str, Any],
    *,
    dtype: torch.dtype = torch.float32,
    amp: torch.dtype | None = None,
) -> tuple[nn.Module, list[tuple[float, int]], list[float]]:
    """A loop as torch's own pages have it: the model, losses with their sizes, and the scales."""
    model = mlp(64, 16, 10, dropout=0.2).to(dtype)
    stepped = stock(optimizer, model)
    scaler = torch.amp.GradScaler("cpu") if amp == torch.float16 else None
    inputs, targets = learner.data.train.inputs, learner.data.train.targets
    losses: list[tuple[float, int]] = []
    scales: list[float] = []
    with one_thread():
        torch.manual_seed(documented_seed("noise", 0))
        for epoch in range(EPOCHS):
            generator = torch.Generator().manual_seed(documented_seed("batches", 0, epoch))
            for chosen in torch.split(torch.randperm(len(targets), generator=generator), BATCH):
                with nullcontext() if amp is None else torch.autocast("cpu", amp):
                    outputs = model(inputs[chosen].to(dtype))
                    short = outputs.dtype.itemsize == 2
                    loss = functional.cross_entropy(
                        outputs.float() if short and amp is None else outputs, targets[chosen]
                    )
                stepped.zero_grad()
                if scaler is None:
                    torch.autograd.backward(loss)
                    stepped.step()
                else:
                    torch.autograd.backward(scaler.scale(loss))
                    scaler.step(stepped)
                    scaler.update()
                    scales.append(scaler.get_scale())
                losses.append((loss.item(), len(chosen)))
    return model, losses, scales


def assert_same_bits(learner: Learner, model: nn.Module) -> None:
    for found, parameter in zip(learner.parameters, model.parameters(), strict=True):
        assert found.dtype == parameter.dtype
        assert torch.equal(found, parameter)


def last_epoch(losses: Sequence[tuple[float, int]]) -> float:
    return sum(loss * size for loss, size in losses[-7:]) / 200


def evaluated(model: nn.Module, learner: Learner, dtype: torch.dtype) -> float:
    test = learner.data.test
    with torch.no_grad():
        outputs: Tensor = model.eval()(test.inputs.to(dtype))
    return functional.cross_entropy(outputs.double(), test.targets).item()


@pytest.mark.parametrize("optimizer", [ADAM, MOMENTUM], ids=["adam", "momentum"])
@pytest.mark.parametrize("name", TYPES)
def test_each_type_trains_to_the_bits_of_a_plain_loop_in_it(
    tmp_path: Path, name: str, optimizer: dict[str, Any]
) -> None:
    """105 steps: weights, losses and optimizer state; float64 in a stacked chain."""
    dtype = TYPES[name]
    training = LONG | {"dtype": name}
    learner = trained(tmp_path, dataset=DIGITS, model=MODEL, optimizer=optimizer, training=training)
    assert learner.way.kind == ("chain" if name == "float64" else "autograd")
    model, losses, _ = plain(learner, optimizer, dtype=dtype)
    assert_same_bits(learner, model)
    row = learner.rows[-1]
    assert row["train_loss"] == pytest.approx(last_epoch(losses), rel=1e-14)
    tolerance = 1e-12 if name == "float64" else 1e-5
    assert row["test_loss"] == pytest.approx(evaluated(model, learner, dtype), rel=tolerance)
    moments = [v for state in learner.optimizer.state.values() for v in state.values() if v.dim()]
    assert {moment.dtype for moment in moments} == {dtype}


def test_float64_differs_from_float32_by_roundings_alone_and_is_paired_with_it(
    tmp_path: Path,
) -> None:
    training = LONG | {"dtype": {"grid": ["float32", "float64"]}, "epochs": 1}
    runs = make_runs(tmp_path, dataset=DIGITS, model=MODEL, optimizer=MOMENTUM, training=training)
    single, double = (make_learner(run) for run in runs)
    assert single.initial_weights == double.initial_weights
    assert single.order_hash() == double.order_hash()
    assert runs[0].setting.problem_hash == runs[1].setting.problem_hash
    assert "dtype=float64" in runs[1].setting.label
    for learner in (single, double):
        train_all(learner)
    one, other = single.rows[-1]["test_loss"], double.rows[-1]["test_loss"]
    assert one != other
    assert one == pytest.approx(other, rel=1e-5)


def test_the_untrained_are_scored_in_their_own_type_on_data_that_both_use(tmp_path: Path) -> None:
    training = {"epochs": 1, "dtype": {"grid": ["float32", "float64"]}}
    runs = make_runs(tmp_path, dataset=DIGITS, optimizer=ADAM, training=training)
    data = make_learner(runs[0]).data
    found = [traces([Learner(run, data)])[0] for run in runs]
    assert found == alone(runs)
    first, other = (trace["rows"] for trace in found)
    assert first != other


SMALL_MODELS: list[dict[str, Any]] = [
    {"name": "mlp", "hidden": [17, 3], "dropout": 0.3, "activation": "gelu"},
    {"name": "vit", "width": 8, "depth": 1, "heads": 2, "patch": 4, "dropout": 0.3},
    {"name": "cnn", "channels": [2, 3], "hidden": 5},
]


@pytest.mark.parametrize(
    ("model", "way"), [*zip(SMALL_MODELS, ["chain", "replay", "autograd"], strict=True)]
)
def test_float64_in_company_and_resumed(tmp_path: Path, model: dict[str, Any], way: str) -> None:
    training = {"epochs": 3, "batch_size": 32, "dtype": "float64", "evaluate_every": {"steps": 3}}
    items = [ADAM, MOMENTUM | {"schedule": {"name": "cosine"}}, {"name": "adafactor", "lr": 0.1}]
    dataset = DIGITS | {"train": 90, "validation": 10, "normalize": True}
    runs = make_runs(
        tmp_path, dataset=dataset, model=model, optimizer=items, training=training, seeds=2
    )
    assert make_learner(runs[0]).way.kind == way
    expected = alone(runs)
    assert in_cohorts(runs, 5) == expected
    sealed = stopped([make_learner(run) for run in runs[:3]], 3)
    for index in range(3):
        (found,) = traces([resumed(runs[index], sealed[index])])
        assert_ends_as(found, expected[index])


@pytest.mark.parametrize("amp", ["bfloat16", "float16"])
def test_mixed_precision_trains_to_the_bits_of_a_plain_loop_with_autocast(
    tmp_path: Path, amp: str
) -> None:
    training = LONG | {"amp": amp}
    learner = trained(tmp_path, dataset=DIGITS, model=MODEL, optimizer=ADAM, training=training)
    model, losses, scales = plain(learner, ADAM, amp=TYPES[amp])
    assert learner.way.reason == "torch.autocast chooses the type of each operation"
    assert_same_bits(learner, model)
    assert learner.rows[-1]["train_loss"] == pytest.approx(last_epoch(losses), rel=1e-14)
    if scales:
        scaler = learner.state()["scaler"]
        assert scaler is not None
        assert scaler["scale"] == scales[-1]


def test_a_step_whose_gradients_overflow_is_left_out_and_the_scale_halved(tmp_path: Path) -> None:
    """Gradients of blobs that lie far apart: above 1, they overflow when scaled by 65,536."""
    far = {"name": "synthetic", "train": 64, "test": 8, "features": 6, "separation": 300}
    training = {"epochs": 2, "batch_size": 16, "amp": "float16", "evaluate_every": {"steps": 1}}
    (run,) = make_runs(tmp_path, dataset=far, optimizer=ADAM, training=training)
    learner = make_learner(run)
    train_all(learner)
    left_out = [row for row in learner.rows[1:] if row["update_norm"] == 0]
    assert left_out
    assert all(row["grad_norm"] == float("inf") for row in left_out)
    state = learner.state()
    assert state["scaler"]["scale"] == 65_536 / 2 ** len(left_out)
    assert {float(s["step"]) for s in state["optimizer"]["state"].values()} == {8 - len(left_out)}


@pytest.mark.parametrize(
    "kind",
    [{"amp": "bfloat16"}, {"amp": "float16"}, {"dtype": "bfloat16"}, {"dtype": "float16"}],
    ids=str,
)
def test_short_types_in_company_and_resumed(tmp_path: Path, kind: dict[str, str]) -> None:
    training = {"epochs": 3, "batch_size": 16, "accumulate": 2, "clip_norm": 1.0, **kind}
    items = [ADAM, MOMENTUM | {"schedule": {"name": "cosine"}}]
    runs = make_runs(tmp_path, optimizer=items, training=training, seeds=2)
    expected = alone(runs)
    assert in_cohorts(runs, 4) == expected
    sealed = stopped([make_learner(run) for run in runs], 2)
    for index, run in enumerate(runs):
        (found,) = traces([resumed(run, sealed[index])])
        assert_ends_as(found, expected[index])


def test_a_resumed_run_goes_on_with_its_scale(tmp_path: Path) -> None:
    """Grown after so many steps without an overflow, as it is not from the start."""
    training = {"epochs": 3, "batch_size": 16, "amp": "float16"}
    (run,) = make_runs(tmp_path, optimizer=ADAM, training=training)
    learner = make_learner(run)
    assert learner.amp is not None
    assert learner.amp.scaler is not None
    learner.amp.scaler.set_growth_interval(4)
    (sealed,) = stopped([learner], 4)
    scale = learner.state()["scaler"]["scale"]
    assert scale == 2 * 65_536
    assert resumed(run, sealed).state()["scaler"] == learner.state()["scaler"]


def test_settings_of_different_types_do_not_mix(tmp_path: Path) -> None:
    training = {"epochs": 1, "dtype": {"grid": ["float64", "float32", "bfloat16"]}}
    runs = make_runs(tmp_path, training=training)
    planned = tuple(Planned(run, tmp_path) for run in runs)
    rehearsed = rehearse(Plan((), planned, force=False)).footprints
    found = [rehearsed[run.setting.setting_hash] for run in runs]
    assert [footprint.stacked for footprint in found] == [True, True, False]
    assert [footprint.parameter_bytes for footprint in found] == [
        size * found[1].parameter_bytes // 4 for size in (8, 4, 2)
    ]
    assert make_cohorts(planned, rehearsed, 1, 1 << 40) == ((0,), (1,), (2,))


def test_losses_of_float64_end_where_comparisons_do(tmp_path: Path) -> None:
    """Below 1e-60 they are written as 0, above 1e60 the run has diverged."""
    (run,) = make_runs(tmp_path, training={"epochs": 1, "dtype": "float64"})
    learner = make_learner(run)
    row = next_row(learner, Score(1e-61, 1.0), Score(-1e-200, 1.0), Score(1e-59, 1.0))
    learner.add_row(row)
    (read,) = parse_rows(format_rows(learner.rows))
    assert (read["train_loss"], read["val_loss"], read["test_loss"]) == (0, 0, 1e-59)
    learner.add_row(row | {"test_loss": 1e61})
    assert learner.diverged == "test loss became 1e+61 by step 0"
    other = make_learner(run)
    other.take([1, 2], [1e59, 1e61], [16, 16], 0)
    assert other.diverged == "train loss became 1e+61 at step 2"


REFUSED = [
    ({"dtype": "float64"}, ADAM, "mps", "training.dtype: can't be float64 on mps"),
    ({"amp": "bfloat16"}, ADAM, "meta", "training.amp: can't be bfloat16 on meta"),
    (
        {"amp": "float16"},
        {"name": "lbfgs", "lr": 1},
        "cpu",
        "training.amp: can't be float16 with LBFGS, which evaluates losses that are not scaled",
    ),
]


@pytest.mark.parametrize(("kind", "optimizer", "device", "message"), REFUSED, ids=str)
def test_what_a_device_or_an_optimizer_cannot_do_is_refused_at_its_line(
    tmp_path: Path, kind: dict[str, str], optimizer: dict[str, Any], device: str, message: str
) -> None:
    (run,) = make_runs(tmp_path, optimizer=optimizer, training={"epochs": 1, **kind})
    learner = make_learner(run)
    model = in_its_type(run.setting, build_model(run, learner.data.task, CPU))
    stepped = build_optimizer(run.setting, model)
    check_precision(make_runs(tmp_path)[0].setting, torch.device(device), stepped)
    with pytest.raises(ConfigError) as refused:
        check_precision(run.setting, torch.device(device), stepped)
    assert message in str(refused.value)
    assert "tiny.yaml:1: " in str(refused.value)


def test_a_run_is_refused_before_anything_trains(tmp_path: Path) -> None:
    training = {"epochs": 1, "amp": "float16"}
    shown = refusal(tmp_path, optimizer={"name": "lbfgs", "lr": 1}, training=training)
    assert "training.amp: can't be float16 with LBFGS" in shown


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("kind", [{"amp": "float16"}, {"amp": "bfloat16"}, {"dtype": "bfloat16"}])
def test_short_types_on_cuda(tmp_path: Path, kind: dict[str, str]) -> None:
    path = write_experiment(tmp_path, training={"epochs": 2, **kind}, device="cuda")
    assert command("run", path, "--runs-dir", tmp_path / "runs").code == 0
