"""Metrics against hand calculation and plain torch, and what is refused of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, assert_ends_as, in_cohorts, resumed, stopped, traces
from experiments import make_learner, make_runs, refusal, trained, write_plugin

from optbench.catalog.metric_functions import macro_f1, mean_absolute_error, top_5_accuracy
from optbench.store.metrics import COLUMNS, format_rows

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = {"name": "digits", "train": 200, "test": 60, "validation": 40}
ADAM = {"name": "adam", "lr": 0.01}
OWN = """
import random

import torch


def top_k(outputs, targets, k: int = 2):
    likely = outputs.topk(k).indices
    return (likely == targets[:, None]).any(1).float().mean()


class Recall:
    def __init__(self, of: int):
        self.of = of

    def __call__(self, outputs, targets):
        asked = targets == self.of
        return (outputs.argmax(1)[asked] == self.of).double().mean().item()


def shuffled(outputs, targets):
    random.random()
    return (outputs.argmax(1) == targets[torch.randperm(len(targets))]).float().mean()


def spoils(outputs, targets):
    outputs.zero_()
    targets.zero_()
    return 0


def fragile(outputs, targets):
    if outputs.abs().max() > 1e3:
        raise ArithmeticError("outputs beyond a thousand")
    return 1.0


def undefined(outputs, targets):
    return float("nan") if len(targets) > 8 else 0.0


def ratio(outputs, targets):
    return 1 / (outputs > 2).float().sum() - 1 / (outputs > 2).float().sum()


def limitless(outputs, targets):
    return float("inf") if len(targets) not in (8, 1000) else 0.0


def answers(outputs, targets, of: int = 4):
    return (outputs.argmax(1) == of).sum().item()


def precision(outputs, targets, of: int = 4):
    given = outputs.argmax(1) == of
    return (targets[given] == of).double().mean()


def too_good_accuracy(outputs, targets):
    return 100.0 if len(targets) > 8 else 0.5


def each(outputs, targets):
    return (outputs.argmax(1) == targets).float()


def one(outputs):
    return 1.0


def words(outputs, targets):
    return ["good"] * 1_000_000

class Counts:
    def __init__(self):
        self.calls = 0
    def __call__(self, outputs, targets):
        self.calls += 1
        return self.calls

def word(outputs, targets):
    return "good"


def accuracy(outputs, targets):
    return 1.0
"""


def test_macro_f1_by_hand() -> None:
    """Class 0: two targets, one of three answers right: F1 2/5. Class 1: 2/3. Class 2: none; 0.

    Class 3 is neither a target nor an answer, and doesn't count.
    """
    answers, targets = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 2, 2, 1, 0])
    outputs = torch.nn.functional.one_hot(answers, 4).float()
    f1 = (2 * 1 / (3 + 2) + 2 * 1 / (2 + 1) + 0) / 3
    assert macro_f1(outputs, targets).item() == pytest.approx(f1, rel=1e-12)
    in_positions = macro_f1(outputs.view(1, 5, 4), targets.view(1, 5))
    assert in_positions.item() == pytest.approx(f1, rel=1e-12)


def test_macro_f1_is_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    torch.manual_seed(0)
    outputs, targets = torch.randn(50, 7), torch.randint(6, (50,))
    theirs = metrics.f1_score(targets, outputs.argmax(1), average="macro", zero_division=0)
    assert macro_f1(outputs, targets).item() == pytest.approx(theirs, rel=1e-12)


def test_top_5_accuracy_by_hand() -> None:
    outputs = torch.tensor([[9.0, 8, 7, 6, 5, 4, 3]]).repeat(4, 1)
    assert top_5_accuracy(outputs, torch.tensor([0, 4, 5, 6])).item() == 0.5
    assert top_5_accuracy(outputs[:, :3], torch.tensor([0, 1, 2, 0])).item() == 1
    assert top_5_accuracy(outputs.view(2, 2, 7), torch.tensor([[0, 4], [5, 6]])).item() == 0.5


def test_mean_absolute_error_by_hand() -> None:
    outputs, targets = torch.tensor([[1.0, -2.0], [0.5, 0.0]]), torch.tensor([[0.0, 1.0], [0.5, 2]])
    assert mean_absolute_error(outputs, targets).item() == (1 + 3 + 0 + 2) / 4


def test_metrics_are_of_all_outputs_at_once_and_follow_the_usual_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evaluated in chunks of 7, of which 60 and 40 examples leave short ones."""
    monkeypatch.setattr("optbench.training.evaluation.CHUNK", 7)
    write_plugin(tmp_path, OWN)
    metrics = ["macro_f1", {"name": "./plugin.py:top_k", "k": 3},
               {"name": "./plugin.py:Recall", "of": 4}]  # fmt: skip
    groups = [{"match": "*.bias", "lr": 0.001}]
    learner = trained(
        tmp_path,
        dataset=DIGITS,
        model={"name": "mlp", "hidden": [16]},
        optimizer=ADAM | {"groups": groups},
        training={"epochs": 3, "batch_size": 32, "metrics": metrics},
    )
    header = format_rows(learner.rows).splitlines()[0].split(",")
    names = [
        f"{part}_{name}" for part in ("val", "test") for name in ("macro_f1", "top_k", "Recall")
    ]
    assert header == [*COLUMNS, "lr.*.bias", *names]
    assert len(learner.rows) == 4
    row, data = learner.rows[-1], learner.data
    for part, split in (("val", data.validation), ("test", data.test)):
        assert split is not None
        with torch.no_grad():
            outputs = learner.model.eval()(split.inputs)
        third = outputs.sort(descending=True).values[:, 2]
        hit = outputs.gather(1, split.targets[:, None])[:, 0] >= third
        fours = outputs.argmax(1)[split.targets == 4] == 4
        assert row[f"{part}_top_k"] == pytest.approx(hit.double().mean().item(), rel=1e-6)
        assert row[f"{part}_Recall"] == pytest.approx(fours.double().mean().item(), rel=1e-12)
        assert row[f"{part}_macro_f1"] == macro_f1(outputs, split.targets).item()


def test_without_validation_their_columns_are_empty(tmp_path: Path) -> None:
    dataset = DIGITS | {"validation": 0}
    training = {"epochs": 1, "metrics": ["macro_f1"]}
    learner = trained(tmp_path, dataset=dataset, training=training)
    assert [row["val_macro_f1"] for row in learner.rows] == [None, None]
    assert all(row["test_macro_f1"] is not None for row in learner.rows)


DROPPING = {"name": "mlp", "hidden": [17, 3], "dropout": 0.3}
IMAGES = [
    (DROPPING, "chain"),
    ({"name": "vit", "width": 8, "depth": 1, "heads": 2, "patch": 4, "dropout": 0.3}, "replay"),
    ({"name": "cnn", "channels": [2, 3], "hidden": 5, "dropout": 0.3}, "autograd"),
]


@pytest.mark.parametrize(("model", "way"), IMAGES, ids=lambda value: str(value)[:20])
def test_what_is_measured_changes_nothing_else_in_any_company(
    tmp_path: Path, model: dict[str, Any], way: str
) -> None:
    """Not even by drawing random numbers, or by writing into what it is given."""
    write_plugin(tmp_path, OWN)
    own = ["./plugin.py:shuffled", "./plugin.py:spoils", "top_5_accuracy"]
    training: dict[str, Any] = {"epochs": 2, "batch_size": 32, "evaluate_every": {"steps": 2}}
    items = [ADAM, {"name": "sgd", "lr": 0.1, "momentum": 0.9}]
    parts: dict[str, Any] = {
        "dataset": DIGITS | {"train": 90, "validation": 10},
        "model": model,
        "optimizer": items,
        "seeds": 2,
    }
    runs = make_runs(tmp_path, training=training | {"metrics": own}, **parts)
    bare = make_runs(tmp_path, training=training, **parts)
    learners = [make_learner(run) for run in runs]
    assert {learner.way.kind for learner in learners} == {way}
    expected = alone(runs)
    assert in_cohorts(runs, 4) == expected
    for trace, without in zip(expected, alone(bare), strict=True):
        assert trace["weights"] == without["weights"]
        rows: Any = trace["rows"]
        assert [",".join(row.split(",")[: len(COLUMNS)]) for row in rows] == without["rows"]
    sealed = stopped([make_learner(run) for run in runs], 3)
    (found,) = traces([resumed(runs[1], sealed[1])])
    assert_ends_as(found, expected[1])


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("fragile", "ArithmeticError('outputs beyond a thousand')"),
        ("undefined", "UsageError('the metric undefined gives nan, whatever the outputs')"),
        ("limitless", "UsageError('the metric limitless gives inf')"),
        ("too_good_accuracy", "UsageError('the metric too_good_accuracy gives 100.0; an accuracy "
                              "is between 0 and 1')"),
    ],
)  # fmt: skip
def test_what_a_metric_raises_fails_its_run_alone(tmp_path: Path, metric: str, reason: str) -> None:
    """In a cohort whose networks are stacked."""
    write_plugin(tmp_path, OWN)
    items = [{"name": "sgd", "lr": 1e5}, {"name": "sgd", "lr": 0.01}]
    own = [f"./plugin.py:{metric}"]
    bad = make_runs(tmp_path, optimizer=items, training={"epochs": 1, "metrics": own})
    good = make_runs(tmp_path, optimizer=items, training={"epochs": 1})
    found = traces([make_learner(run) for run in (bad[0], good[1])])
    assert found[0]["failed"] == reason
    assert found[1] == alone([good[1]])[0]
    if metric == "fragile":
        assert "weights" in alone([bad[1]])[0]


def test_a_run_that_diverges_has_not_failed(tmp_path: Path) -> None:
    """Its outputs are nan, and so would be a metric of them."""
    write_plugin(tmp_path, "def largest(outputs, targets): return outputs.max()\n")
    (run,) = make_runs(
        tmp_path,
        optimizer={"name": "sgd", "lr": 1e38},
        training={"epochs": 2, "metrics": ["./plugin.py:largest"]},
    )
    (trace,) = traces([make_learner(run)])
    assert "loss became" in str(trace["diverged"])


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (["./plugin.py:each"], "training.metrics[0]: each: it must return one number, not numbers "
                               "[8]"),
        (["macro_f1", "./plugin.py:one"], "training.metrics[1]: one refuses: TypeError: one() "
                                          "takes 1 positional argument but 2 were given"),
        (["./plugin.py:ratio"], "training.metrics[0]: ratio: it gives nan of 1,000 drawn outputs "
                                "and targets; where it has no value, let it return a number"),
        (["./plugin.py:word"], "word: it must return a number, not 'good'"),
        (["./plugin.py:words"], "words: it must return a number, not ['good', 'good', 'good', "
                                "'good', 'good', 'good', ...]"),
        (["./plugin.py:Counts"], "Counts: it gives 1 and then 2 for the same outputs and targets"),
        (["./plugin.py:accuracy"], "training.metrics[0]: there is a test_accuracy already"),
        (["macro_f1", "macro_f1"], "training.metrics[1]: there is another macro_f1"),
        (["mean_absolute_error"], "training.metrics[0]: mean_absolute_error is of numbers, and the "
                                  "targets of synthetic are classes"),
        ("macro_f1", "training.metrics: must be a list, got 'macro_f1' metrics: [macro_f1]"),
        (["macro_f2"], "training.metrics[0].name: unknown metric 'macro_f2' did you mean "
                       "'macro_f1'?"),
        (["./plugin.py:tops"], "training.metrics[0].name: plugin.py has no 'tops' did you mean "
                               "'top_k'?"),
        ([{"name": "./plugin.py:top_k", "n": 3}], "training.metrics[0].n: top_k has no such "
                                                  "argument"),
        (["./plugin.py:Recall"], "training.metrics[0].of: is missing"),
        ([3], "training.metrics[0]: must be a name or a mapping with a name, got 3"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_a_metric_is_refused_at_its_line(
    tmp_path: Path, metrics: object, message: str
) -> None:
    write_plugin(tmp_path, OWN)
    assert message in refusal(tmp_path, training={"epochs": 1, "metrics": metrics})


def test_a_metric_without_a_value_at_first_is_nan_there(tmp_path: Path) -> None:
    """Precision has none where no answer is of the class: of a network that begins."""
    write_plugin(tmp_path, OWN)
    own = [f"./plugin.py:{name}" for name in ("precision", "answers")]
    training = {"epochs": 5, "metrics": own}
    learner = trained(tmp_path, dataset=DIGITS, optimizer=ADAM, training=training)
    rows: list[Any] = [(row["test_answers"], row["test_precision"]) for row in learner.rows]
    assert rows[0][0] == 0 < rows[-1][0]
    assert [math.isnan(precision) for _, precision in rows] == [not count for count, _ in rows]
    assert format_rows(learner.rows).splitlines()[1].split(",")[-4:-1] == ["nan", "0.0", "nan"]


@pytest.mark.parametrize("number", ["np.float32(0.5)", "np.int64(2)", "fractions.Fraction(1, 2)"])
def test_a_number_of_any_kind_is_one(tmp_path: Path, number: str) -> None:
    head = "import fractions\nimport numpy as np\n"
    write_plugin(tmp_path, f"{head}def fixed(outputs, targets): return {number}\n")
    learner = trained(tmp_path, training={"epochs": 1, "metrics": ["./plugin.py:fixed"]})
    assert learner.rows[-1]["test_fixed"] == (2 if "int" in number else 0.5)


def test_numbers_of_16_bits_are_measured_in_32(tmp_path: Path) -> None:
    write_plugin(tmp_path, "def is_long(outputs, targets): return outputs.itemsize / 4\n")
    for kind, size in (
        ({"dtype": "bfloat16"}, 1),
        ({"amp": "bfloat16"}, 1),
        ({"dtype": "float64"}, 2),
    ):
        training = {"epochs": 1, "metrics": ["./plugin.py:is_long"], **kind}
        assert trained(tmp_path, training=training).rows[-1]["test_is_long"] == size


def test_a_regression_has_its_mean_absolute_error(tmp_path: Path) -> None:
    data = {"name": "linear-regression", "train": 60, "test": 20, "features": 3}
    training = {"epochs": 2, "metrics": ["mean_absolute_error"]}
    learner = trained(tmp_path, dataset=data, model="linear", training=training)
    split = learner.data.test
    with torch.no_grad():
        away = (learner.model(split.inputs) - split.targets).abs().mean().item()
    assert learner.rows[-1]["test_mean_absolute_error"] == pytest.approx(away, rel=1e-6)
