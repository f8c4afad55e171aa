from __future__ import annotations

import pytest

from optbench.config.suggest import VERY_SIMILAR, did_you_mean, did_you_mean_metric, nearest

OPTIMIZERS = ["adadelta", "adagrad", "adam", "adamw", "rmsprop", "sgd"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("adamm", "adam"), ("Adam", "adam"), ("rms_prop", "rmsprop"), ("sdg", "sgd")],
)
def test_a_misspelled_name_finds_the_one_meant(name: str, meant: str) -> None:
    assert nearest(name, OPTIMIZERS) == meant


@pytest.mark.parametrize("name", ["", "zzz", "lookahead", "a" * 1_000_000])
def test_a_name_like_no_other_finds_none(name: str) -> None:
    assert nearest(name, OPTIMIZERS) is None


def test_the_order_of_the_known_names_does_not_matter() -> None:
    assert nearest("LR", ["lr", "Lr"]) == nearest("LR", ["Lr", "lr"])


def test_the_known_spelling_is_suggested() -> None:
    assert nearest("t_max", ["T_max", "eta_min"]) == "T_max"


def test_a_suggestion_is_a_question() -> None:
    assert did_you_mean("adamm", OPTIMIZERS) == "did you mean 'adam'?"


def test_without_a_similar_name_there_is_no_question() -> None:
    assert did_you_mean("zzz", OPTIMIZERS) == ""
    assert did_you_mean("adam", []) == ""


def test_a_greater_share_in_common_can_be_asked_for() -> None:
    # signsgd and sgd have 2·3 of 10 characters in common, adamm and adam 2·4 of 9.
    assert did_you_mean("signsgd", OPTIMIZERS) == "did you mean 'sgd'?"
    assert did_you_mean("signsgd", OPTIMIZERS, VERY_SIMILAR) == ""
    assert did_you_mean("adamm", OPTIMIZERS, VERY_SIMILAR) == "did you mean 'adam'?"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("accuracy", "test_accuracy"), ("Loss", "test_loss"), ("test-loss", "test_loss"),
        ("val accuracy", "val_accuracy"), ("train_acuracy", "train_accuracy"),
        ("macro_f1", "test_macro_f1"), ("Macro-F2", "test_macro_f1"), ("val_macro", "val_macro_f1"),
        ("tset_loss", "test_loss"), ("regrets", "regret"),
    ],
)  # fmt: skip
def test_a_metric_without_a_split_is_that_of_the_test_data(name: str, meant: str) -> None:
    quantities = ("loss", "accuracy", "macro_f1")
    metrics = [f"{split}_{what}" for split in ("train", "val", "test") for what in quantities]
    metrics.append("regret")
    assert did_you_mean_metric(name, metrics) == f"did you mean '{meant}'?"
