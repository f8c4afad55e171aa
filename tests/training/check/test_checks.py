"""Each check finds what is broken on purpose, and nothing where nothing is."""

from __future__ import annotations

import pytest
import torch

from optbench.catalog.candidate import candidate
from optbench.training.check.checks import FUNCTIONS, run_checks
from optbench.training.check.finding import CHECKS, Finding, Subject

UNTIMED = tuple(name for name in CHECKS if name != "cost")


def checked(target: str, *assignments: str, names: tuple[str, ...] = UNTIMED) -> dict[str, Finding]:
    """All findings about a target, or about one of `broken_optimizers`."""
    subject = Subject(candidate(target, assignments))
    return {finding.check: finding for finding in run_checks(subject, names)}


def found(name: str, check: str) -> tuple[str, str]:
    """What a check says of one that is broken, checked at the learning rate where it learns."""
    finding = checked(f"broken_optimizers:{name}", names=("constructs", check))[check]
    return finding.verdict, finding.reason


def failing(target: str, *assignments: str) -> list[str]:
    return [f.check for f in checked(target, *assignments).values() if f.verdict == "fails"]


def test_the_checks_are_those_that_are_announced() -> None:
    assert tuple(FUNCTIONS) == CHECKS


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")  # of torch's own code
@pytest.mark.parametrize(
    ("target", "fails"),
    [
        ("broken_optimizers:Sound", []),
        ("adam", ["sparse"]),  # torch refuses: "Adam does not support sparse gradients"
        ("adagrad", []),
        ("sgd", []),
        ("muon", ["sparse"]),
        ("torch.optim:Muon", ["shapes", "sparse"]),  # "only supports 2D parameters"
        ("sparseadam", ["shapes"]),  # takes sparse gradients alone
        # One group only, as its documentation says.
        ("lbfgs", ["groups", "sparse"]),
        # "lr (float): learning rate" is only the first step size: `step_sizes` bounds the rest.
        ("rprop", ["groups", "schedules", "sparse"]),
    ],
)
def test_torchs_optimizers_fail_where_their_documentation_says_so(
    target: str, fails: list[str]
) -> None:
    assert failing(target) == fails


@pytest.mark.parametrize(
    ("name", "check", "reason"),
    [
        ("NeedsMore", "constructs", "it needs horizon: --set horizon=…"),
        ("Wraps", "constructs", "it takes another optimizer, made before it"),
        ("Raises", "constructs", "RuntimeError: not today"),
        ("SecretlyNeedsClosure", "constructs", "ValueError: where is the closure?"),
        ("Forgets", "resumes", "takes other steps once its state was loaded: state_dict lacks "
                               "something"),
        ("KeepsDeque", "resumes", "its state holds a collections.deque, where a checkpoint can "
                                  "hold only tensors and plain values"),
        ("DrawsFromTheSystem", "repeats", "gives other bytes the second time, with all global "
                                          "generators seeded alike"),
        ("IgnoresLr", "groups", "moves a group whose lr is 0"),
        ("IgnoresLr", "schedules", "a changed lr changes nothing"),
        ("RefusesGroups", "groups", "refuses them: ValueError: one group, please"),
        ("DecaysAll", "frozen", "moves parameters that have no gradient"),
        ("RaisesAtNaN", "nan", "raises, so that a run fails: FloatingPointError: NaN"),
        ("HidesNaN", "nan", "parameters stay finite, but what had a NaN moves no more"),
        ("HidesNaNElsewhere", "nan", "parameters stay finite, but what had a NaN moves no more"),
        ("KeepsNaN", "nan", "parameters stay finite, but its state keeps NaN"),
        ("OnlyMatrices", "shapes", "does not take vectors: ValueError: matrices only"),
        ("IgnoresSparse", "sparse", "ignores them: nothing moves"),
        ("KeepsTheLoss", "closure", "step(closure) does not return the loss"),
        ("NeverAsks", "closure", "step(closure) never evaluates the loss"),
        ("ReturnsAnother", "closure", "step(closure) returns something else than the loss before "
                                      "the step"),
        ("NeverGoesBack", "modes", "can't go on after eval() and train(): RuntimeError: not in "
                                   "train mode"),
        ("SharesSteps", "stacks", "two of them disturb each other: something is kept for the "
                                  "class"),
    ],
)  # fmt: skip
def test_what_is_broken_on_purpose_fails_with_its_reason(
    name: str, check: str, reason: str
) -> None:
    assert found(name, check) == ("fails", reason)


@pytest.mark.parametrize(
    ("name", "check", "beginning"),
    [
        ("BreaksOnceLoaded", "resumes", "a loaded state breaks it: ValueError: "),
        ("WantsEveryGradient", "frozen", "raises at a parameter without gradient: AttributeError"),
        ("NoScalars", "shapes", "does not take scalars: TypeError: len() of a 0-d tensor"),
    ],
)
def test_what_torch_says_of_it_is_repeated(name: str, check: str, beginning: str) -> None:
    verdict, reason = found(name, check)
    assert verdict == "fails"
    assert reason.startswith(beginning)


@pytest.mark.parametrize(
    ("name", "check", "verdict", "reason"),
    [
        ("NeedsLr", "constructs", "works", "with its defaults, needs lr"),
        ("OnlyMatrices", "constructs", "works", "with its defaults; takes only matrices"),
        ("DrawsFromTorch", "repeats", "works", "the same bytes twice; draws from torch's "
                                               "generator, which is seeded"),
        ("DrawsFromPython", "repeats", "works", "the same bytes twice; draws from Python's or "
                                                "numpy's generator, which is seeded"),
        ("DrawsFromPython", "resumes", "works", "saved, loaded and gone on to the same bytes"),
        ("KeepsText", "resumes", "works", "saved, loaded and gone on to the same bytes"),
        ("WithoutLr", "groups", "doesn't apply", "its groups have no lr"),
        ("WithoutLr", "schedules", "doesn't apply", "its groups have no lr"),
        ("Sound", "nan", "works", "parameters become NaN, so that a run ends as diverged"),
        ("SkipsNaN", "nan", "works", "skips the step and goes on"),
        ("ZeroesNaN", "nan", "works", "parameters stay finite and move"),
        ("MovesAllRows", "sparse", "works", "takes them, moves rows without a gradient too"),
        ("TakesNoClosure", "closure", "doesn't apply", "step takes none"),
        ("ScheduleFree", "modes", "works", "is evaluated after eval(), and goes on after train()"),
        ("Sound", "closure", "works", "optional; evaluates the loss once and returns it"),
    ],
)  # fmt: skip
def test_what_is_as_it_should_be_is_described(
    name: str, check: str, verdict: str, reason: str
) -> None:
    assert found(name, check) == (verdict, reason)


def test_one_that_never_moves_does_not_learn_at_any_learning_rate() -> None:
    finding = checked("broken_optimizers:Still", names=("constructs", "learns"))["learns"]
    assert finding.verdict == "fails"
    for lr in ("its default lr=0.03", "lr=0.001", "lr=0.01", "lr=0.1", "lr=1", "lr=0.0001"):
        assert f"at {lr} (" in finding.reason


def test_a_learning_rate_that_is_given_is_the_only_one_tried() -> None:
    reason = checked("sgd", "lr=1e-5", names=("constructs", "learns"))["learns"].reason
    assert reason.startswith("does not halve the loss in 500 steps at lr=1e-05 (1.")
    assert reason.count("lr=") == 1


def test_all_others_are_checked_at_the_learning_rate_where_it_learns() -> None:
    subject = Subject(candidate("sgd"))  # its default of 0.001 is too small for the steps allowed
    assert [f.verdict for f in run_checks(subject, ("constructs", "learns"))] == ["works"] * 2
    assert subject.lr == 0.1


def test_the_step_of_lbfgs_needs_a_closure_and_evaluates_it_up_to_max_iter_times() -> None:
    reason = checked("lbfgs", "max_iter=3", names=("constructs", "closure"))["closure"].reason
    assert reason == "required; evaluates the loss 3 times in the first step and returns it"


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")  # of torch's own code
@pytest.mark.parametrize(
    ("target", "rows"),
    [
        ("sgd", "only rows with a gradient"),
        # "only moments that show up in the gradient get updated, and only those portions of the
        # gradient get applied to the parameters"
        ("sparseadam", "only rows with a gradient"),
        ("adagrad", "only rows with a gradient"),
        # The velocity of a row without a gradient is 0.9 times that before, not 0.
        ("broken_optimizers:Sound", "rows that had a gradient earlier too"),
    ],
)
def test_rows_that_move_are_those_of_the_update_rule(target: str, rows: str) -> None:
    finding = checked(target, names=("constructs", "sparse"))["sparse"]
    assert (finding.verdict, finding.reason) == ("works", f"takes them, moves {rows}")


@pytest.mark.parametrize(
    ("target", "assignments", "expected"),
    [
        ("sgd", (), 0),
        ("sgd", ("momentum=0.9",), 4),  # a float32 a parameter
        ("adam", (), 8),
        ("adam", ("amsgrad=true",), 12),
        ("torch.optim:Rprop", (), 8),  # the last gradient and the step sizes
    ],
)
def test_memory_is_what_the_state_holds_a_parameter(
    target: str, assignments: tuple[str, ...], expected: float
) -> None:
    value = checked(target, *assignments, names=("constructs", "memory"))["memory"].value
    assert value == pytest.approx(expected, abs=1e-3)  # beside them, a step count a tensor


def test_cost_is_a_ratio_beside_adam() -> None:
    cost = checked("broken_optimizers:Sound", names=("constructs", "cost"))["cost"]
    assert cost.value is not None
    assert cost.value > 0
    assert cost.reason.endswith("times the time of Adam's step (fused)")


def test_nothing_is_tried_of_one_that_cant_be_made() -> None:
    assert list(checked("broken_optimizers:Wraps")) == ["constructs"]


def test_settings_that_its_code_changes_are_put_back_for_the_next_check() -> None:
    for finding in checked("broken_optimizers:ChangesSettings").values():
        assert finding.verdict != "fails", finding
    assert torch.get_default_dtype() == torch.float32
