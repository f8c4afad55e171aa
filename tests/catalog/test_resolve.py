from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from experiment_text import only_setting, problems, text_of, told, underlined

from optbench.catalog.resolve import source_of
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_bare_name_stands_for_its_defaults(tmp_path: Path) -> None:
    setting = only_setting(tmp_path)
    assert setting.dataset == {"name": "digits", "train": None, "test": None, "validation": 0}
    assert setting.model == {"name": "mlp", "hidden": [128], "activation": "relu", "dropout": 0}
    assert setting.schedule == {"name": "constant"}
    assert setting.training == {
        "epochs": 5, "batch_size": 64, "loss": "cross_entropy", "evaluate_every": None,
    }  # fmt: skip
    # torch's signature, without what only says how a step is computed.
    assert setting.optimizer == {
        "name": "adam", "lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0,
        "amsgrad": False, "maximize": False, "decoupled_weight_decay": False,
    }  # fmt: skip


def test_how_a_step_is_computed_is_kept_only_where_it_is_asked_for(tmp_path: Path) -> None:
    assert "foreach" not in only_setting(tmp_path).optimizer
    assert only_setting(tmp_path, optimizer="{name: adam, foreach: true}").optimizer["foreach"]


@pytest.mark.parametrize(
    ("dataset", "mistake"),
    [
        ("mnst", "dataset.name: unknown data set 'mnst' [did you mean 'mnist'?  (optbench list "
                 "datasets)]"),
        ("zzz", "dataset.name: unknown data set 'zzz' [see: optbench list datasets]"),
        ("{name: 3}", "dataset.name: must be the name of a data set, got 3"),
        ("{name: [mnist]}",
         "dataset.name: must be the name of a data set, got a list [write mnist]"),
        ("{name: mnist, validation: 60000}",
         "dataset.validation: must be at most 59,999, got 60,000 [mnist has 60,000 training and "
         "10,000 test examples]"),
        ("{name: mnist, validation: 5000, train: 55001}",
         "dataset.train: must be at most 55,000, got 55,001 [mnist has 60,000 training and 10,000 "
         "test examples]"),
        ("{name: mnist, validation: 60000, train: 9}",
         "dataset.validation: must be at most 59,999, got 60,000 [mnist has 60,000 training and "
         "10,000 test examples]"),
        ("{name: mnist, test: 10001}",
         "dataset.test: must be at most 10,000, got 10,001 [mnist has 60,000 training and 10,000 "
         "test examples]"),
        ("{name: mnist, train: 0}", "dataset.train: must be 1 or greater, got 0"),
        ("{name: mnist, validation: -1}", "dataset.validation: must be 0 or greater, got -1"),
        ("{name: mnist, validation: 0.1}",
         "dataset.validation: must be a whole number, got 0.1"),
        ("{name: synthetic, classes: 1}", "dataset.classes: must be 2 or greater, got 1"),
        ("{name: synthetic, features: [0]}", "dataset.features[0]: must be 1 or greater, got 0"),
        ("{name: synthetic, data_seed: -1}",
         "dataset.data_seed: must be from 0 to 4,294,967,295, got -1"),
        ("{name: synthetic, separation: -1}", "dataset.separation: must be 0 or greater, got -1"),
        ("{name: synthetic, train: 10, validation: 10}",
         "dataset.validation: must be at most 9, got 10 [synthetic has 10 training and 200 test "
         "examples]"),
        ("{name: synthetic, train: 100000000}",
         "dataset: (train + test) × features must be below 1,073,741,824, got 2,000,004,000"),
        ("{name: mnist, fallback: mnist}",
         "dataset.fallback.name: mnist can't stand in for itself"),
        ("{name: mnist-5k, instead_of: mnst}",
         "dataset.instead_of: unknown data set 'mnst' [did you mean 'mnist'?  (optbench list "
         "datasets)]"),
        ("{name: mnist, fallback: 3}",
         "dataset.fallback: must be a name or a mapping with a name, got 3"),
        ("{name: mnist, fallback: {validation: 3}}",
         "dataset.fallback: has no name [fallback: {name: …}]"),
        ("{name: mnist, fallback: {name: mnist-5k, fallback: digits}}",
         "dataset.fallback.fallback: a fallback can't have one of its own [leave it out]"),
        ("{name: mnist, fallback: mnst-5k}",
         "dataset.fallback.name: unknown data set 'mnst-5k' [did you mean 'mnist-5k'?  (optbench "
         "list datasets)]"),
        ("{name: mnist, fallback: {name: mnist-5k, validation: 4000}}",
         "dataset.fallback.validation: must be at most 3,999, got 4,000 [mnist-5k has 4,000 "
         "training and 1,000 test examples]"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_data_set_is_told(tmp_path: Path, dataset: str, mistake: str) -> None:
    assert told(tmp_path, dataset=dataset) == [mistake]


def test_the_largest_sizes_that_there_are_are_taken(tmp_path: Path) -> None:
    for dataset in ("{name: mnist, validation: 59999}",
                    "{name: mnist, validation: 5000, train: 55000, test: 10000}",
                    "{name: synthetic, train: 10, validation: 9}"):  # fmt: skip
        assert told(tmp_path, dataset=dataset) == []


@pytest.mark.parametrize(
    ("model", "mistake"),
    [
        ("logistc", "model.name: unknown model 'logistc' [did you mean 'logistic'?  (optbench list "
                    "models)]"),
        ("{name: mlp, hidden: 128}", "model.hidden: must be a list, got 128 [write [128]]"),
        ("{name: mlp, hidden: [0]}", "model.hidden[0]: must be 1 or greater, got 0"),
        ("{name: mlp, hidden: [1.5]}", "model.hidden[0]: must be a whole number, got 1.5"),
        ("{name: mlp, dropout: 1}", "model.dropout: must be at least 0 and below 1, got 1"),
        ("{name: mlp, classes: 10}", "model.classes: optbench provides it [leave it out]"),
        ("{name: mlp, hiden: [3]}",
         "model.hiden: mlp has no such argument [did you mean 'hidden'?]"),
        ("{name: logistic, hidden: [1]}",
         "model.hidden: logistic has no such argument [it takes none]"),
        ("{name: mlp, activation: rel}",
         "model.activation: must be one of relu, tanh, sigmoid, gelu, silu, elu, leaky_relu, got "
         "'rel' [did you mean 'relu'?]"),
        ("{name: 'torch.nn:Linear', in_features: 64}",
         "model.out_features: is missing [Linear needs it: out_features: …]"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_model_is_told(tmp_path: Path, model: str, mistake: str) -> None:
    assert told(tmp_path, model=model) == [mistake]


@pytest.mark.parametrize(
    ("training", "mistake"),
    [
        ("{epochs: -1}", "training.epochs: must be from 1 to 1,000,000, got -1"),
        ("{epochs: 0}", "training.epochs: must be from 1 to 1,000,000, got 0"),
        ("{epochs: 1e9}", "training.epochs: must be from 1 to 1,000,000, got 1000000000.0"),
        ("3", "training: must be a mapping, got 3"),
        ("{grid: [1, 2]}", "training: must be a mapping, got a grid [a space stands for one value: "
                           "epochs: {grid: [2, 5]}]"),
        ("{epochs: 0.5}", "training.epochs: must be a whole number, got 0.5"),
        ("{epochs: true}", "training.epochs: must be a whole number, got true"),
        ("{epochs: '5'}", "training.epochs: must be a whole number, got text '5'"),
        ("{epochs: .nan}", "training.epochs: must be a whole number, got nan"),
        ("{batch_size: 0}", "training.batch_size: must be 1 or greater, got 0"),
        ("{batch_size: ful}", "training.batch_size: must be a whole number or full, got text "
                              "'ful' [did you mean 'full'?]"),
        ("{batch_size: '64'}",
         "training.batch_size: must be a whole number or full, got text '64'"),
        ("{batch_size: [16, full]}",
         "training.batch_size: must be a whole number or full, got a list [write {grid: "
         "[16, full]} to try each]"),
        ("{batchsize: 3}",
         "training.batchsize: training has no such argument [did you mean 'batch_size'?]"),
        ("{name: 3}", "training.name: training has no such argument [it takes epochs, batch_size, "
                      "loss, evaluate_every, checkpoint_every, keep_state, clip_norm, compile, "
                      "accumulate, freeze, label_smoothing, average, augment, dtype, amp, "
                      "metrics]"),
        ("{dtype: double}",
         "training.dtype: must be one of float32, float64, bfloat16, float16, got 'double'"),
        ("{amp: float32}", "training.amp: must be one of bfloat16, float16, got 'float32' "
                           "[did you mean 'float16'?]"),
        ("{amp: float16, dtype: float64}", "training.amp: mixes a shorter type with float32, "
                                           "which dtype has to be then"),
        ("{keep_state: 1}", "training.keep_state: must be true or false, got 1 [write true]"),
        ("{keep_state: yes}",
         "training.keep_state: must be true or false, got text 'yes' [write true]"),
        ("{compile: Off}", "training.compile: must be true or false, got text 'Off' [write false]"),
        ("{keep_state: maybe}", "training.keep_state: must be true or false, got text 'maybe'"),
        ("{accumulate: 0}", "training.accumulate: must be 1 or greater, got 0"),
        ("{accumulate: 2, batch_size: full}",
         "training.accumulate: must be 1 with batch_size: full, which leaves one batch an epoch"),
        ("{freeze: '0.*'}", "training.freeze: must be a list, got text '0.*' [write ['0.*']]"),
        ("{label_smoothing: 1}",
         "training.label_smoothing: must be at least 0 and below 1, got 1"),
        ("{average: emma}",
         "training.average.name: must be one of ema, swa, got 'emma' [did you mean 'ema'?]"),
        ("{average: {decay: 0.9}}", "training.average: has no name [average: {name: …}]"),
        ("{average: {name: ema, decay: 1}}",
         "training.average.decay: must be at least 0 and below 1, got 1"),
        ("{average: {name: ema, start: 0.5}}",
         "training.average.start: ema has no such argument [did you mean 'decay'?]"),
        ("{freeze: [0]}", "training.freeze[0]: must be text, got 0"),
        ("{loss: crossentropy}",
         "training.loss.name: unknown loss 'crossentropy' [did you mean 'cross_entropy'?  "
         "(optbench list losses)]"),
        ("{evaluate_every: 3}",
         "training.evaluate_every: must be {steps: N}, got 3 [left out, it is an epoch]"),
        ("{evaluate_every: {steps: 0}}",
         "training.evaluate_every.steps: must be 1 or greater, got 0"),
        ("{evaluate_every: {steps: 1, more: 2}}",
         "training.evaluate_every.more: evaluate_every has no such argument [did you mean "
         "'steps'?]"),
        ("{evaluate_every: {}}",
         "training.evaluate_every.steps: is missing [evaluate_every needs it: steps: …]"),
        ("{checkpoint_every: 100}",
         "training.checkpoint_every: must be {steps: N}, got 100 [left out, it is an epoch]"),
    ],
)  # fmt: skip
def test_a_mistake_in_training_is_told(tmp_path: Path, training: str, mistake: str) -> None:
    assert told(tmp_path, training=training) == [mistake]


@pytest.mark.parametrize(
    ("optimizer", "mistake", "caret"),
    [
        ("adamm", "unknown optimizer 'adamm'", "adamm"),
        ("{name: adam, learning_rate: 0.1}", "Adam has no such argument", "learning_rate"),
        ("{name: adam, lr: -0.1}", "must be greater than 0, got -0.1", "-0.1"),
        ("{name: adam, lr: 0}", "must be greater than 0, got 0", "0"),
        ("{name: adam, lr: '0.1'}", "must be a number, got text '0.1'", "'0.1'"),
        ("{name: adam, lr: true}", "must be a number, got true", "true"),
        ("{name: adam, lr: .inf}", "must be a finite number, got inf", ".inf"),
        ("{name: adam, lr: .nan}", "must be a finite number, got nan", ".nan"),
        ("{name: adam, betas: [0.9, 1.0]}", "must be at least 0 and below 1, got 1.0", "1.0"),
        ("{name: sgd, momentum: 1.5}", "must be between 0 and 1, got 1.5", "1.5"),
        ("{name: adam, weight_decay: -1}", "must be 0 or greater, got -1", "-1"),
        ("{name: adam, amsgrad: 1}", "must be true or false, got 1", "1"),
        ("{name: adam, params: 1}", "optbench provides it", "params"),
        ("{name: adam, groups: 3}", "must be a list of groups, got 3", "3"),
        ("{name: adam, groups: []}", "must be a list of groups, got an empty list", "[]"),
        (
            "{name: adam, groups: [{lr: 1}]}",
            'must be a mapping with a glob on parameter names: {match: "*.bias", …}',
            "{lr: 1}",
        ),
        ("{name: adam, groups: [{match: x, lr: -1}]}", "must be greater than 0, got -1", "-1"),
        ("{name: adam, groups: [{match: x, name: sgd}]}", "Adam has no such argument", "name"),
        ("{nam: adam}", "has no name", "{nam: adam}"),
    ],
)
def test_a_mistake_in_an_optimizer_is_told_and_underlined(
    tmp_path: Path, optimizer: str, mistake: str, caret: str
) -> None:
    (found,) = problems(tmp_path, text_of(optimizer=optimizer))
    assert (found.message, underlined(found)) == (mistake, caret)


def test_groups_keep_their_own_arguments_only(tmp_path: Path) -> None:
    optimizer = "{name: adam, groups: [{match: '*.bias', weight_decay: 0}, {match: '0.*', lr: 1}]}"
    setting = only_setting(tmp_path, optimizer=optimizer)
    assert setting.optimizer["groups"] == [
        {"match": "*.bias", "weight_decay": 0.0},
        {"match": "0.*", "lr": 1.0},
    ]


def test_what_was_asked_for_is_known_and_no_part_of_the_data_set(tmp_path: Path) -> None:
    setting = only_setting(tmp_path, dataset="{name: mnist-5k, instead_of: mnist}")
    plain = only_setting(tmp_path, dataset="mnist-5k")
    assert (setting.requested_dataset, plain.requested_dataset) == ("mnist", None)
    assert setting.dataset == plain.dataset
    assert setting.setting_hash == plain.setting_hash


def test_a_fallback_is_resolved_and_no_part_of_the_data_set(tmp_path: Path) -> None:
    setting = only_setting(tmp_path, dataset="{name: mnist, fallback: mnist-5k}")
    assert "fallback" not in setting.dataset
    assert setting.fallback == {"name": "mnist-5k", "train": None, "test": None, "validation": 0}


def test_a_resolved_data_set_leads_to_its_source() -> None:
    dataset = {"name": "synthetic", "train": 30, "test": 10, "features": [1, 4, 4], "classes": 3}
    source = source_of({**dataset, "separation": 6.0, "data_seed": 0, "validation": 5})
    assert (source.train_size, source.test_size, source.classes) == (30, 10, 3)
    assert source.input_shape == (1, 4, 4)
    with pytest.raises(UsageError, match="classes must be a whole number"):
        source_of({**dataset, "classes": 1})
