from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from experiment_text import load, loaded, problems, text_of, told, underlined

from optbench.catalog.selectors import chosen

if TYPE_CHECKING:
    from pathlib import Path

OPTIMIZERS = (
    "[{name: adam, lr: {grid: [1e-3, 1e-2]}}, {name: momentum, lr: 0.1, schedule: cosine}, "
    "{name: 'torch.optim:AdamW', lr: 0.5}, './own.py:Own']"
)
TAKEN = "a selector takes optimizer, model, dataset, schedule, their arguments and keys of training"
PARTS = {
    "dataset": "{name: digits, validation: 100, fallback: mnist-5k}",
    "optimizer": OPTIMIZERS,
    "training": "{epochs: {grid: [2, 3]}}",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(
        "from torch.optim import Optimizer\n"
        "class Own(Optimizer):\n    def __init__(self, params, lr=0.7, rho=1): ...\n"
    )
    return tmp_path


def claim(selector: str) -> str:
    return f"[{{setting: {selector}, diverges: true}}]"


@pytest.mark.parametrize(
    "selector",
    [
        "{optimizer: adam}",
        "{optimizer: adam, lr: 0.001, epochs: 3}",
        "{lr: 1.0e-3}",
        "{optimizer: momentum, schedule: cosine, warmup: 0}",
        "{optimizer: sgd, momentum: 0.9}",
        "{optimizer: 'torch.optim:AdamW'}",
        "{optimizer: adamw, lr: 5e-1}",
        "{optimizer: './own.py:Own', rho: 1.0}",
        "{optimizer: Own}",
        "{dataset: digits, validation: 100}",
        "{dataset: mnist-5k}",
        "{model: mlp, activation: relu, dropout: 0}",
        "{schedule: constant, amsgrad: false}",
        "{optimizer: adam, optimizer.lr: 0.001, training.epochs: 3, model.dropout: 0}",
        "{schedule: cosine, schedule.warmup: 0, optimizer.groups: 0}",
        "{dtype: float32, amp: null, compile: false, clip_norm: null, accumulate: 1}",
        "{label_smoothing: 0, average: null, augment: null, augment.flip: false, augment.crop: 0}",
        "{training.dtype: float32, training.augment.flip: false}",
    ],
)
def test_a_selector_may_name_parts_and_their_arguments(folder: Path, selector: str) -> None:
    assert told(folder, **PARTS, expect=claim(selector)) == []


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [("{name: sgd, momentum: 0.5}", "momentum"), ("{name: adam, amsgrad: true}", "amsgrad")],
)
def test_momentum_and_amsgrad_are_what_they_resolve_to(
    tmp_path: Path, optimizer: str, name: str
) -> None:
    expect = claim(f"{{optimizer: {name}}}")
    assert told(tmp_path, optimizer=optimizer, expect=expect) == []
    assert len(told(tmp_path, optimizer="[sgd, adam]", expect=expect)) == 1


@pytest.mark.parametrize(
    ("selector", "key", "remedy", "caret"),
    [
        ("{optimizer: adma}", "optimizer", "did you mean 'adam'?", "adma"),
        ("{optimizer: amsgrad}", "optimizer",
         "it has adam, sgd, momentum, adamw, AdamW, …", "amsgrad"),
        ("{model: cnn}", "model", "it has mlp", "cnn"),
        ("{optimizer: adam, lr: 0.1}", "lr", "it has 0.001, 0.01", "0.1"),
        ("{lr: 0.1, optimizer: adam}", "lr", "it has 0.001, 0.01", "0.1"),
        ("{lr: '0.1'}", "lr", "it has 0.001, 0.01, 0.1, 0.5, 0.7", "'0.1'"),
        ("{optimizer: adam, lr: .nan}", "lr", "it has 0.001, 0.01", ".nan"),
        ("{amsgrad: 0}", "amsgrad", "it has false", "0"),
        ("{optimizer: adam, momentum: 0.9}", "momentum",
         TAKEN, "momentum"),
        ("{modle: mlp}", "modle", "did you mean 'model'?", "modle"),
        ("{epoch: 3}", "epoch", "did you mean 'epochs'?", "epoch"),
        ("{name: adam}", "name", TAKEN, "name"),
        ("{optimizer.name: adam}", "optimizer.name", TAKEN, "optimizer.name"),
        ("{training.lr: 0.001}", "training.lr", "did you mean 'lr'?", "training.lr"),
        ("{optimizer: adam, optimizer.lr: 0.1}", "optimizer.lr", "it has 0.001, 0.01", "0.1"),
        ("{dtype: float64}", "dtype", "it has float32", "float64"),
        ("{training.clip_norm: 1}", "training.clip_norm", "it has null", "1"),
    ],
)  # fmt: skip
def test_what_matches_no_setting_is_told_at_its_place(
    folder: Path, selector: str, key: str, remedy: str, caret: str
) -> None:
    (found,) = problems(folder, text_of(**PARTS, expect=claim(selector)))
    assert found.key == f"expect[0].setting.{key}"
    assert found.message == "matches no setting of this experiment"
    assert (found.remedy, underlined(found)) == (remedy, caret)


def test_each_mistake_of_each_selector_is_told(folder: Path) -> None:
    selectors = "{optimizer: adma, epochs: 9}, better_than: {optimizer: adam, lr: 1}"
    expect = f"[{{metric: test_loss, setting: {selectors}}}]"
    found = problems(folder, text_of(**PARTS, expect=expect))
    assert [problem.key for problem in found] == [
        "expect[0].setting.optimizer", "expect[0].setting.epochs", "expect[0].better_than.lr",
    ]  # fmt: skip


def test_many_values_are_not_all_listed(tmp_path: Path) -> None:
    optimizer = "{name: adam, lr: {linspace: [1, 9, 9]}}"
    assert told(tmp_path, optimizer=optimizer, expect=claim("{lr: 0}")) == [
        "expect[0].setting.lr: matches no setting of this experiment [it has 1, 2, 3, 4, 5, …]"
    ]


@pytest.mark.parametrize(
    ("training", "default", "other"),
    [
        ("dtype: {grid: [float32, float64]}", "dtype: float32", "dtype: float64"),
        ("clip_norm: {grid: [null, 1.0]}", "clip_norm: null", "clip_norm: 1"),
        ("compile: {grid: [false, true]}", "compile: false", "compile: true"),
        ("accumulate: {grid: [1, 4]}", "accumulate: 1", "accumulate: 4"),
        ("label_smoothing: {grid: [0, 0.1]}", "label_smoothing: 0", "label_smoothing: 0.1"),
        ("amp: {grid: [null, bfloat16]}", "amp: null", "amp: bfloat16"),
        ("average: {grid: [null, ema]}", "average: null", "average: ema"),
        ("augment: {crop: {grid: [0, 2]}}", "augment.crop: 0", "augment.crop: 2"),
    ],
)
def test_the_default_of_training_is_chosen_like_any_value(
    tmp_path: Path, training: str, default: str, other: str
) -> None:
    sides = f"setting: {{{default}}}, better_than: {{training.{other}}}"
    expect = f"[{{metric: test_loss, {sides}}}]"
    experiment = loaded(tmp_path, training=f"{{{training}}}", expect=expect)
    plain, changed = experiment.settings
    (written,) = experiment.claims
    assert chosen(written, "setting", experiment) == (plain,)
    assert chosen(written, "better_than", experiment) == (changed,)


def test_an_argument_left_to_a_tuner_may_have_any_value(tmp_path: Path) -> None:
    optimizer = "{name: adam, lr: {uniform: [1, 2]}, betas: [0.9, {uniform: [0.1, 0.9]}]}"
    assert told(tmp_path, optimizer=optimizer, expect=claim("{lr: 1.7}")) == []
    assert told(tmp_path, optimizer=optimizer, expect=claim("{eps: 1}")) == [
        "expect[0].setting.eps: matches no setting of this experiment [it has 1e-08]"
    ]


def test_what_the_command_changes_or_leaves_out_is_not_held_against_the_claims(
    folder: Path,
) -> None:
    text = text_of(**PARTS, expect=claim("{optimizer: adam, lr: 1e-2}"))
    assert load(folder, text, first_points=True).claims
    assert load(folder, text, overrides=["optimizer=sgd"]).claims


def chosen_by(folder: Path, selector: str) -> list[str]:
    experiment = loaded(folder, **PARTS, expect=claim(selector))
    settings = chosen(experiment.claims[0], "setting", experiment)
    return [setting.label for setting in settings]


@pytest.mark.parametrize(
    ("selector", "labels"),
    [
        ("{optimizer: adam, epochs: 2}", ["adam lr=0.001 epochs=2", "adam lr=0.01 epochs=2"]),
        ("{dataset: mnist-5k, lr: 0.7, epochs: 3}", ["Own lr=0.7 epochs=3"]),
        ("{lr: 1.0e-3}", ["adam lr=0.001 epochs=2", "adam lr=0.001 epochs=3"]),
    ],
)
def test_a_selector_chooses_what_has_all_that_it_names(
    folder: Path, selector: str, labels: list[str]
) -> None:
    assert chosen_by(folder, selector) == labels


def test_groups_go_by_their_number(tmp_path: Path) -> None:
    optimizer = '[sgd, {name: sgd, groups: [{match: "*.bias", lr: 0.5}]}, adam]'
    found = []
    for number in (0, 1):
        expect = claim(f"{{groups: {number}}}")
        experiment = loaded(tmp_path, optimizer=optimizer, expect=expect)
        settings = chosen(experiment.claims[0], "setting", experiment)
        found.append([len(s.optimizer.get("groups", ())) for s in settings])  # type: ignore[arg-type]
    assert found == [[0, 0], [1]]


def compared(setting: str, other: str) -> str:
    return f"[{{metric: test_loss, setting: {setting}, better_than: {other}}}]"


@pytest.mark.parametrize(
    ("dataset", "model", "setting", "other"),
    [
        ("digits", "[mlp, cnn]", "{model: mlp}", "{model: cnn}"),
        ("[digits, mnist-5k]", "mlp", "{optimizer: adam}", "{optimizer: sgd, dataset: digits}"),
    ],
)
def test_settings_of_different_problems_are_not_compared(
    tmp_path: Path, dataset: str, model: str, setting: str, other: str
) -> None:
    expect = compared(setting, other)
    parts = {"dataset": dataset, "model": model, "optimizer": "[adam, sgd]", "expect": expect}
    (found,) = problems(tmp_path, text_of(**parts))
    assert found.key == "expect[0].better_than"
    assert found.message == "chooses settings of other problems than `setting` does"
    assert underlined(found) == other


def test_settings_may_be_compared_on_several_problems(tmp_path: Path) -> None:
    expect = compared("{optimizer: adam}", "{optimizer: sgd}")
    parts = {"dataset": "[digits, mnist-5k]", "optimizer": "[adam, sgd]", "expect": expect}
    assert told(tmp_path, **parts) == []


def test_settings_are_not_compared_with_themselves(tmp_path: Path) -> None:
    expect = compared("{optimizer: adam}", "{lr: 0.1}")
    assert told(tmp_path, optimizer="{name: adam, lr: 0.1}", expect=expect) == [
        "expect[0].better_than: chooses the very settings that `setting` chooses "
        "[name what they differ in, such as optimizer or lr]"
    ]


RANGE = "{name: adam, lr: {loguniform: [1e-4, 1e-1]}}"


def test_tuned_and_default_are_compared_though_nobody_knows_yet_which_they_are(
    tmp_path: Path,
) -> None:
    assert told(tmp_path, optimizer=RANGE, expect=compared("{tuned: true}", "{tuned: false}")) == []
    both = compared("{tuned: true}", "{tuned: true, optimizer: adam}")
    (found,) = told(tmp_path, optimizer=RANGE, expect=both)
    assert "chooses the very settings" in found


def test_tuned_chooses_what_a_search_has_chosen_once_that_is_known(tmp_path: Path) -> None:
    expect = compared("{tuned: true}", "{tuned: false}")
    two = loaded(tmp_path, optimizer="{name: adam, lr: {grid: [1e-3, 1e-2]}}")
    (claim,) = loaded(tmp_path, optimizer=RANGE, expect=expect).claims
    experiment = replace(two, tuned=frozenset([two.settings[1].setting_hash]))
    assert chosen(claim, "setting", experiment) == two.settings[1:]
    assert chosen(claim, "better_than", experiment) == two.settings[:1]


@pytest.mark.parametrize("value", ["true", "'yes'"])
def test_tuned_is_about_experiments_with_ranges_alone_and_true_or_false(
    tmp_path: Path, value: str
) -> None:
    optimizer = "adam" if value == "true" else RANGE
    assert told(tmp_path, optimizer=optimizer, expect=claim(f"{{tuned: {value}}}")) == [
        "expect[0].setting.tuned: matches no setting of this experiment "
        "[tuned: true, or false, of an experiment with ranges]"
    ]


def test_a_mistake_in_one_claim_does_not_hide_that_another_chooses_nothing(folder: Path) -> None:
    wrong = "{setting: {optimizer: adam}, metric: test_accuracy, at_least: 97}"
    nobody = "{setting: {optimizer: sgdd}, diverges: true}"
    found = told(folder, **PARTS, expect=f"[{wrong}, {nobody}]")
    assert [text.partition(":")[0] for text in found] == [
        "expect[0].at_least",
        "expect[1].setting.optimizer",
    ]
