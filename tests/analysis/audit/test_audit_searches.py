"""The audit of a comparison whose settings a search has chosen, on other seeds."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from stored_runs import ADAM, SGD, digest, make_rows, write_run

from optbench.analysis.audit.audit import audit
from optbench.analysis.comparison import Comparison, compare
from optbench.analysis.question import Question
from optbench.store.scan import scan
from optbench.store.tuning import Contender, Dimension, Study, Trial

if TYPE_CHECKING:
    from pathlib import Path

LR = Dimension("lr", "loguniform", 1e-5, 1.0)
BATCH = Dimension("training.batch_size", "grid", choices=(32, 64))
TUNED_ADAM, TUNED_SGD = ADAM | {"lr": 0.003}, SGD | {"lr": 0.3}


def setting(root: Path, optimizer: dict[str, Any], accuracy: float, **told: Any) -> str:
    """Eight runs of a setting; its hash."""
    for seed in range(8):
        rows = make_rows([0.1, accuracy + seed / 1000], val_loss=[2.3, 1 - accuracy])
        path = write_run(root, rows, optimizer=optimizer, seed=seed, declared_seeds=8, **told)
    return scan(path).runs[0].result.setting


def contender(label: str, selected: str, default: str, trials: int = 30) -> Contender:
    tried = tuple(Trial(n, {"lr": 0.1}, (digest(f"{label} {n}"),)) for n in range(trials))
    return Contender(label, (LR, BATCH), tried, 0, selected, default)


def study(*contenders: Contender) -> Study:
    return Study(
        experiment="tuned",
        file="my tuned.yaml",
        objective="val_loss",
        sampler="tpe",
        sampler_seed=0,
        batch=None,
        pruner="none",
        trials=30,
        epochs=5,
        seeds=(1_000_000,),
        reporting_seeds=tuple(range(8)),
        round=0,
        contenders=contenders,
    )


def reported(root: Path, **told: Any) -> tuple[Contender, Contender]:
    """Adam and SGD, tuned and by default; Adam's default is by luck the better one."""
    chosen = setting(root, TUNED_ADAM, 0.95, **told)
    adam = contender("adam", chosen, setting(root, ADAM, 0.96))
    sgd = contender("sgd", setting(root, TUNED_SGD, 0.94), setting(root, SGD, 0.5))
    return adam, sgd


def compared(root: Path, *studies: Study) -> Comparison:
    return compare(scan(root).runs, Question(), studies)


def findings(comparison: Comparison) -> dict[str, str]:
    return {found.kind: found.message for found in audit(comparison)}


def test_what_a_search_has_chosen_leads_and_defaults_stand_beside(tmp_path: Path) -> None:
    found = compared(tmp_path, study(*reported(tmp_path)))
    (problem,) = found.problems
    leading = [(row.optimizer, row.hyperparameters["lr"]) for row in problem.rows if row.leads]
    assert leading == [("adam", 0.003), ("sgd", 0.3)]
    assert problem.reference is not None
    assert problem.reference.hyperparameters["lr"] == 0.3
    assert len(problem.rows) == 4
    assert not any(row.selected_by for row in problem.rows)


def test_without_the_search_the_default_would_lead(tmp_path: Path) -> None:
    reported(tmp_path)
    (problem,) = compared(tmp_path).problems
    leading = [row.hyperparameters["lr"] for row in problem.rows if row.leads]
    assert leading == [ADAM["lr"], 0.3]


def test_a_default_of_another_family_is_no_contestant(tmp_path: Path) -> None:
    momentum = SGD | {"lr": 0.3, "momentum": 0.9}
    adam = contender("adam", setting(tmp_path, TUNED_ADAM, 0.95), setting(tmp_path, ADAM, 0.9))
    sgd = contender("sgd", setting(tmp_path, momentum, 0.94), setting(tmp_path, SGD, 0.5))
    (problem,) = compared(tmp_path, study(adam, sgd)).problems
    assert [row.name for row in problem.rows if row.leads] == ["adam", "momentum"]
    assert problem.reference is not None
    assert problem.reference.hyperparameters["momentum"] == 0.9


def test_equal_searches_on_other_seeds_are_fair(tmp_path: Path) -> None:
    found = compared(tmp_path, study(*reported(tmp_path)))
    assert findings(found) == {}
    assert "selected on reported seeds" in findings(compared(tmp_path))


def test_a_search_against_one_setting_is_one_side_tuned(tmp_path: Path) -> None:
    adam, sgd = reported(tmp_path)
    setting(tmp_path, ADAM | {"name": "rmsprop"}, 0.9)
    found = findings(compared(tmp_path, study(adam, sgd)))
    assert found["one side tuned"].startswith("rmsprop")
    assert "up to 30 settings" in found["one side tuned"]


def test_searches_of_unlike_budgets_are_unequal(tmp_path: Path) -> None:
    adam, sgd = reported(tmp_path)
    short = dataclasses.replace(sgd, trials=sgd.trials[:10])
    small = dataclasses.replace(study(short), trials=10)
    found = findings(compared(tmp_path, study(adam), small))
    assert found["unequal tuning budgets"] == (
        "unequal tuning budgets: adam 30 settings in 30 runs, sgd 10 settings in 10 runs"
    )


def test_pruned_searches_of_as_many_epochs_are_equal_whatever_their_trials(
    tmp_path: Path,
) -> None:
    adam, sgd = reported(tmp_path)
    short = dataclasses.replace(sgd, trials=sgd.trials[:15])
    found = compared(tmp_path, dataclasses.replace(study(adam, short), pruner="median"))
    assert "unequal tuning budgets" not in findings(found)


def test_the_end_of_a_space_is_named_with_the_command_that_widens_it(tmp_path: Path) -> None:
    adam, sgd = reported(tmp_path)
    edge = dataclasses.replace(sgd, edges=("lr upper",))
    (finding,) = audit(compared(tmp_path, study(adam, edge)))
    assert finding.kind == "learning rate at the edge"
    assert finding.message.endswith("the best of its search is at an end of its space: lr upper")
    assert finding.command == "optbench tune 'my tuned.yaml' --extend"


def test_batch_sizes_that_both_searched_may_differ(tmp_path: Path) -> None:
    adam, sgd = reported(tmp_path, training={"batch_size": 32})
    assert findings(compared(tmp_path, study(adam, sgd))) == {}
    fixed = dataclasses.replace(sgd, dimensions=(LR,))
    assert "batch size or epochs" in findings(compared(tmp_path, study(adam, fixed)))
