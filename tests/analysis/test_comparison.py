from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from stored_runs import ADAM, SGD, digest, load, make_rows, write_run, write_seeds

from optbench.analysis.comparison import ProblemComparison, compare
from optbench.analysis.question import Question
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

D = [0.3, 0.1, 0.2, 0.5, 0.4, -0.1, 0.2, 0.6]  # the worked example of the statistics page


def problem(root: Path, **options: object) -> ProblemComparison:
    (found,) = compare(load(root), Question(**options)).problems  # type: ignore[arg-type]
    return found


def both(root: Path, adam: list[float], sgd: list[float]) -> None:
    write_seeds(root, adam)
    write_seeds(root, sgd, optimizer=SGD, experiment="sgd_mnist")


def test_paired_differences_are_those_of_the_worked_example(tmp_path: Path) -> None:
    base = [0.1, 0.2, 0.15, 0.3, 0.25, 0.2, 0.05, 0.1]
    both(tmp_path, [b + d for b, d in zip(base, D, strict=True)], base)
    (row,) = problem(tmp_path).contrasts
    assert row.difference is not None
    assert row.difference.paired
    assert row.difference.seeds == tuple(range(8))
    found = row.difference.estimate
    assert (found.mean, found.low, found.high) == pytest.approx((0.275, 0.0867, 0.4633), abs=5e-5)


def test_only_seeds_that_both_completed_are_paired(tmp_path: Path) -> None:
    both(tmp_path, [0.97, 0.98, 0.99], [0.9, 0.9])
    write_run(tmp_path, make_rows([0.1, 0.5]), optimizer=SGD, seed=2, status="failed")
    (row,) = problem(tmp_path).contrasts
    assert row.difference is not None
    assert row.difference.seeds == (0, 1)
    assert row.difference.estimate.mean == pytest.approx(0.075)


@pytest.mark.parametrize("name", ["initial_weights", "batch_order"])
@pytest.mark.parametrize("value", [digest("other"), None])
def test_other_weights_or_order_make_an_unpaired_difference(
    tmp_path: Path, name: str, value: str | None
) -> None:
    write_seeds(tmp_path, [0.97, 0.98])
    for seed in (0, 1):
        hashes = {
            "data": digest("data"),
            "initial_weights": digest(f"weights {seed}"),
            "batch_order": digest(f"order {seed}"),
        }
        rows = make_rows([0.1, 0.9])
        write_run(tmp_path, rows, optimizer=SGD, seed=seed, hashes=hashes | {name: value})
    (row,) = problem(tmp_path).contrasts
    assert row.difference is not None
    assert not row.difference.paired
    assert row.difference.estimate.mean == pytest.approx(0.075)


def test_the_reference_is_plain_sgd_at_its_best_whoever_wins(tmp_path: Path) -> None:
    both(tmp_path, [0.99], [0.5])
    write_seeds(tmp_path, [0.6], optimizer=SGD | {"lr": 0.1}, experiment="b")
    write_seeds(tmp_path, [0.7], optimizer=SGD | {"momentum": 0.9}, experiment="c")
    found = problem(tmp_path)
    assert found.reference is not None
    assert found.reference.label == "sgd lr=0.1 momentum=0"


MOMENTUM, AMSGRAD = SGD | {"momentum": 0.9}, ADAM | {"amsgrad": True}
ADAGRAD, RMSPROP = ({"name": name, "lr": 0.1} for name in ("adagrad", "rmsprop"))
OWN, OTHER_OWN = ({"name": f"./mine.py:{name}", "lr": 0.1} for name in ("Abc", "Sgd"))


@pytest.mark.parametrize(
    ("optimizers", "reference"),
    [
        ([OWN, ADAM, MOMENTUM, SGD], "sgd lr=0.01 momentum=0"),
        ([OWN, ADAM, MOMENTUM], "sgd lr=0.01 momentum=0.9"),
        ([OWN, ADAGRAD, AMSGRAD, ADAM], "adam lr=0.001 amsgrad=false"),
        ([OWN, ADAGRAD, AMSGRAD], "adam lr=0.001 amsgrad=true"),
        ([OWN, RMSPROP, ADAGRAD], "adagrad lr=0.1"),
        ([OTHER_OWN, OWN], "Abc lr=0.1"),
    ],
)
def test_the_default_reference_is_the_best_known_optimizer_and_nobodys_own(
    tmp_path: Path, optimizers: list[dict[str, object]], reference: str
) -> None:
    for index, optimizer in enumerate(optimizers):
        write_seeds(tmp_path, [0.9 - index / 10], optimizer=optimizer, experiment=f"{index}")
    found = problem(tmp_path)
    assert found.reference is not None
    assert found.reference.label == reference


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("adam", "adam lr=0.001"),
        ("sgd", "sgd lr=0.1 momentum=0"),
        ("momentum", "sgd lr=0.1 momentum=0.9"),
        ("sgd lr=0.01", "sgd lr=0.01 momentum=0"),
        ("sgd lr=1e-2", "sgd lr=0.01 momentum=0"),
        ("sgd momentum=0.9", "sgd lr=0.1 momentum=0.9"),
        ("ada", "adam lr=0.001"),
    ],
)
def test_a_reference_is_named_by_optimizer_or_setting(
    tmp_path: Path, name: str, label: str
) -> None:
    both(tmp_path, [0.99], [0.5])
    write_seeds(tmp_path, [0.6], optimizer=SGD | {"lr": 0.1}, experiment="b")
    write_seeds(tmp_path, [0.7], optimizer=SGD | {"lr": 0.1, "momentum": 0.9}, experiment="c")
    found = problem(tmp_path, reference=name)
    assert found.reference is not None
    assert found.reference.label == label


@pytest.mark.parametrize("name", ["dtype=float32", "adam dtype=float32", "amp=null dtype=float32"])
def test_a_reference_is_named_by_a_default_that_its_configuration_leaves_out(
    tmp_path: Path, name: str
) -> None:
    write_seeds(tmp_path, [0.6])
    write_seeds(tmp_path, [0.9], training={"dtype": "float64"}, experiment="b")
    found = problem(tmp_path, reference=name)
    assert found.reference is not None
    assert found.reference.label == "adam lr=0.001 dtype=float32"


def test_values_of_several_settings_name_no_reference(tmp_path: Path) -> None:
    both(tmp_path, [0.99], [0.5])
    with pytest.raises(UsageError, match="'dtype=float32' means 2 settings; write one"):
        problem(tmp_path, reference="dtype=float32")
    with pytest.raises(UsageError, match="'dtype=float64' is no run's optimizer or setting"):
        problem(tmp_path, reference="dtype=float64")


def test_an_unknown_reference_is_refused_with_the_nearest(tmp_path: Path) -> None:
    both(tmp_path, [0.99], [0.5])
    with pytest.raises(UsageError, match=r"reference 'adamm' is no run's .*; did you mean 'adam'"):
        problem(tmp_path, reference="adamm")


def test_an_ambiguous_reference_is_refused_with_what_it_means(tmp_path: Path) -> None:
    both(tmp_path, [0.99], [0.5])
    write_seeds(tmp_path, [0.6], optimizer=SGD | {"lr": 0.1}, experiment="b")
    with pytest.raises(UsageError, match="'sg' means 2 settings; write one of\n  --ref"):
        problem(tmp_path, reference="sg")


def test_what_an_ambiguous_reference_may_mean_is_listed_as_a_command_takes_it(
    tmp_path: Path,
) -> None:
    for training in ({}, {"dtype": "float64"}, {"dtype": "bfloat16"}):
        for betas in ([0.9, 0.99], [0.5, 0.9]):
            write_seeds(tmp_path, [0.6], optimizer=ADAM | {"betas": betas}, training=training)
    with pytest.raises(UsageError) as refused:
        problem(tmp_path, reference="adam lr=0.001 dtype=float64")
    assert len(str(refused.value).splitlines()) == 1 + 2
    with pytest.raises(UsageError) as refused:
        problem(tmp_path, reference="adam lr=0.001")
    head, *listed = str(refused.value).splitlines()
    assert head == "reference 'adam lr=0.001' means 6 settings; write one of"
    named = [shlex.split(line) for line in listed]
    assert {option for option, _ in named} == {"--reference"}
    found = [problem(tmp_path, reference=label).reference for _, label in named]
    assert len({row.key for row in found if row}) == 6
    short = problem(tmp_path, reference="adam betas=[0.5, 0.9] dtype=float64").reference
    assert short is not None
    assert short.label == "adam lr=0.001 betas=[0.5, 0.9] dtype=float64"


def test_a_problem_without_the_reference_says_so_and_the_others_have_it(tmp_path: Path) -> None:
    both(tmp_path, [0.99], [0.5])
    write_seeds(tmp_path, [0.9], problem="digits · logistic", experiment="digits")
    digits, mnist = compare(load(tmp_path), Question(reference="sgd")).problems
    assert digits.label == "digits · logistic"
    assert digits.reference is None
    assert digits.rows[0].difference is None
    assert mnist.reference is not None


def test_runs_of_different_problems_are_never_compared(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.99])
    write_seeds(tmp_path, [0.9], optimizer=SGD, problem="mnist-5k", experiment="b")
    assert [len(found.rows) for found in compare(load(tmp_path), Question()).problems] == [1, 1]


def test_the_best_of_each_optimizer_stands_first_then_the_rest(tmp_path: Path) -> None:
    for lr, final in ((0.1, 0.6), (0.01, 0.9), (1.0, 0.3)):
        write_seeds(tmp_path, [final], optimizer=SGD | {"lr": lr}, experiment=f"sgd{lr}")
    write_seeds(tmp_path, [0.5], optimizer=ADAM)
    found = problem(tmp_path)
    assert [row.label for row in found.rows] == [
        "sgd lr=0.01",
        "adam lr=0.001",
        "sgd lr=0.1",
        "sgd lr=1",
    ]
    assert [row.leads for row in found.rows] == [True, True, False, False]
    assert [row.selected_by for row in found.rows] == ["train_loss", None, None, None]


def test_a_setting_is_selected_on_validation_even_if_another_tests_better(tmp_path: Path) -> None:
    for lr, validation, test in ((0.1, 0.2, 0.8), (0.2, 0.4, 0.99)):
        rows = make_rows([0.1, test], val_loss=[2.3, validation])
        write_run(tmp_path, rows, optimizer=SGD | {"lr": lr})
    row = problem(tmp_path).rows[0]
    assert (row.label, row.selected_by) == ("sgd lr=0.1", "val_loss")


def test_estimates_are_of_the_completed_seeds_and_divergence_is_counted(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.9, 0.8], declared_seeds=4)
    write_run(tmp_path, make_rows([0.1, 0.2]), seed=2, status="diverged", declared_seeds=4)
    write_run(tmp_path, make_rows([0.1, 0.99]), seed=3, status="interrupted", declared_seeds=4)
    (row,) = problem(tmp_path).rows
    assert (row.completed, row.diverged, row.total) == (2, 1, 4)
    assert row.estimates["test_accuracy"].mean == pytest.approx(0.85)
    assert "val_accuracy" not in row.estimates


def test_seeds_that_were_declared_and_never_begun_are_in_the_total(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.9], declared_seeds=8)
    assert problem(tmp_path).rows[0].total == 8


def test_differences_of_a_setting_that_diverged_are_marked_as_the_survivors(
    tmp_path: Path,
) -> None:
    both(tmp_path, [0.9, 0.8], [0.7, 0.7, 0.7])
    write_run(tmp_path, make_rows([0.1, 0.2]), seed=2, status="diverged")
    (row,) = problem(tmp_path).contrasts
    assert row.difference is not None
    assert row.difference.survivors_only


def test_a_diverged_reference_leaves_no_difference(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.9])
    write_run(tmp_path, make_rows([0.1, 0.1]), optimizer=SGD, status="diverged")
    (row,) = problem(tmp_path).contrasts
    assert row.difference is None


def test_the_default_target_is_the_references_own(tmp_path: Path) -> None:
    both(tmp_path, [0.97, 0.98], [0.92, 0.91])
    found = problem(tmp_path)
    assert found.target == 0.91
    assert [row.to_target.reached for row in found.rows if row.to_target] == [2, 2]


def test_a_problem_without_accuracy_is_compared_on_the_loss(tmp_path: Path) -> None:
    for seed in (0, 1):
        rows = [row | {"test_accuracy": None} for row in make_rows([0.1, 0.9])]
        write_run(tmp_path, rows, seed=seed)
    assert problem(tmp_path).metric.name == "test_loss"


def test_a_setting_without_company_has_no_target_of_its_own(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.97, 0.98])
    assert problem(tmp_path).target is None
    assert problem(tmp_path, target=0.9).target == 0.9


@pytest.mark.parametrize("metric", ["val_accuracy", "val_loss"])
def test_a_validation_metric_without_validation_is_refused(tmp_path: Path, metric: str) -> None:
    both(tmp_path, [0.9], [0.8])
    with pytest.raises(UsageError, match=f"metric {metric} is in no run: add `validation: N`"):
        problem(tmp_path, metric=metric)
    rows = make_rows([0.1, 0.9], val_loss=[2.3, 0.4])
    write_run(tmp_path, rows, problem="digits (200 for validation)", experiment="digits")
    held_out, without = compare(load(tmp_path), Question(metric=metric)).problems
    assert held_out.is_measured
    assert not without.is_measured


def test_damaged_rows_are_named_and_left_out(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.9, 0.8])
    damaged = write_run(tmp_path, make_rows([0.1, 1.0]), seed=2, files={"metrics.csv": "0" * 64})
    found = compare(load(tmp_path), Question())
    assert found.problems[0].rows[0].completed == 2
    assert [(note.path, note.kind) for note in found.notes] == [(damaged, "damaged")]


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("test_acuracy", "did you mean 'test_accuracy'"),
        ("test loss", "did you mean 'test_loss'"),
        ("speed", "must be one of train_accuracy"),
    ],
)
def test_an_unknown_metric_is_refused_with_the_nearest(
    tmp_path: Path, metric: str, message: str
) -> None:
    write_seeds(tmp_path, [0.9])
    with pytest.raises(UsageError, match=message):
        problem(tmp_path, metric=metric)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (95.0, "between 0 and 1, got 95; did you mean 0.95"),
        (-0.1, "between 0 and 1, got -0.1"),
        (float("nan"), "must be a finite number, got nan"),
    ],
)
def test_an_impossible_target_is_refused(tmp_path: Path, target: float, message: str) -> None:
    write_seeds(tmp_path, [0.9])
    with pytest.raises(UsageError, match=message):
        problem(tmp_path, target=target)


def test_without_a_finished_run_there_is_nothing_to_compare(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]), status="interrupted")
    with pytest.raises(UsageError, match=r"no finished run to compare \(1 interrupted\)"):
        problem(tmp_path)
    with pytest.raises(UsageError, match="there are none"):
        compare([], Question())


def test_the_outcome_does_not_depend_on_the_order_of_the_runs(tmp_path: Path) -> None:
    both(tmp_path, [0.97, 0.98], [0.92, 0.91])
    runs = load(tmp_path)
    assert compare(runs[::-1], Question()).problems == compare(runs, Question()).problems
