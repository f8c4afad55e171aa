from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from experiment_text import load, loaded, only_setting, problems, text_of, told, write_config
from experiments import make_runs, write_experiment
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optbench.catalog.experiment import count_settings, load_experiment, refuse_searches
from optbench.catalog.optimizers import optimizers
from optbench.catalog.schedules import schedules
from optbench.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

# DESIGN.md section 3, as it stands there.
DESIGN = """
name: adam_vs_sgd_tuned
dataset: {name: mnist, validation: 5000, fallback: {name: mnist-5k, validation: 500}}
model: {name: mlp, hidden: [128]}
optimizer:
  - {name: adam, lr: {grid: [1e-4, 1e-3, 1e-2]}, betas: [0.9, {grid: [0.99, 0.999]}]}
  - {name: sgd, lr: {logspace: [1e-3, 1, 7]}, momentum: {grid: [0, 0.9]}, schedule: {name: cosine,
     warmup: 0.05}}
training: {epochs: 5, batch_size: 64, loss: cross_entropy}
seeds: 8
device: auto
expect:
  - {metric: train_loss, setting: {optimizer: adam}, better_than: {optimizer: sgd}}
"""


def hash_of(folder: Path, **parts: str) -> str:
    return only_setting(folder, **parts).setting_hash


# What an experiment is


def test_the_designs_example_is_twenty_settings_and_160_runs(tmp_path: Path) -> None:
    experiment = load(tmp_path, DESIGN)
    assert experiment.name == "adam_vs_sgd_tuned"
    assert experiment.seeds == tuple(range(8))
    assert len(experiment.claims) == 1
    assert len(experiment.settings) == 3 * 2 + 7 * 2
    assert len(experiment.runs()) == 160
    schedule = {"name": "cosine", "warmup": 0.05, "final": 0.0}
    assert [s.schedule for s in experiment.settings] == [{"name": "constant"}] * 6 + [schedule] * 14


def test_runs_are_interleaved_by_seed(tmp_path: Path) -> None:
    experiment = loaded(tmp_path, optimizer="[adam, sgd]", seeds="[3, 0]")
    assert [(r.setting.optimizer["name"], r.seed) for r in experiment.runs()] == [
        ("adam", 3), ("sgd", 3), ("adam", 0), ("sgd", 0),
    ]  # fmt: skip
    assert {run.declared_seeds for run in experiment.runs()} == {2}


def test_more_seeds_keep_the_order_of_those_before(tmp_path: Path) -> None:
    optimizers = [{"name": "adam", "lr": {"grid": [1, 2]}}, {"name": "sgd", "lr": 0.1}]
    few, more = (make_runs(tmp_path, optimizer=optimizers, seeds=n) for n in (2, 4))
    assert [run.hash for run in more[: len(few)]] == [run.hash for run in few]
    assert [run.seed for run in more] == [seed for seed in range(4) for _ in range(3)]


def test_settings_that_are_the_same_count_once(tmp_path: Path) -> None:
    same = "[adam, {name: adam, lr: 1e-3}, {name: 'torch.optim:Adam'}, {name: adam, lr: 2e-3}]"
    settings = loaded(tmp_path, optimizer=same).settings
    assert [setting.label for setting in settings] == ["adam lr=0.001", "adam lr=0.002"]


def test_first_points_take_one_point_of_every_space(tmp_path: Path) -> None:
    experiment = load(tmp_path, DESIGN, first_points=True)
    assert [setting.label for setting in experiment.settings] == [
        "adam lr=0.0001 betas=[0.9, 0.99]", "sgd lr=0.001 schedule=cosine warmup=0.05",
    ]  # fmt: skip


def test_settings_are_counted_without_being_built(tmp_path: Path) -> None:
    path = tmp_path / "design.yaml"
    path.write_text(f"{DESIGN}schedule: [constant, {{name: steplr, step_size: {{grid: [2, 3]}}}}]")
    # Adam has 3 learning rates, 2 betas and the 3 schedules, SGD 7, 2 and its own.
    assert count_settings(path) == 3 * 2 * 3 + 7 * 2 == len(load_experiment(path).settings)
    assert count_settings(path, ["training.epochs={grid: [1, 2]}"]) == 2 * (18 + 14)


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [("3", (0, 1, 2)), ("4,2", (4, 2)), ("1-3", (1, 2, 3)), ("+2", (7, 8, 9))],
)
def test_seeds_of_the_command_replace_or_extend_the_files(
    tmp_path: Path, seeds: str, expected: tuple[int, ...]
) -> None:
    assert load(tmp_path, text_of(seeds="[7]"), seeds=seeds).seeds == expected


def test_a_device_of_the_command_replaces_the_files(tmp_path: Path) -> None:
    assert load(tmp_path, text_of(device="cpu")).device == "cpu"
    assert load(tmp_path, text_of(device="cpu"), device="cuda:1").device == "cuda:1"
    with pytest.raises(UsageError, match="--device: must be auto, cpu, cuda, cuda:N or mps, got"):
        load(tmp_path, text_of(), device="gpu")


def test_set_reaches_every_item(tmp_path: Path) -> None:
    text = text_of(optimizer="[adam, {name: sgd, lr: 1}]")
    experiment = load(tmp_path, text, overrides=["optimizer.lr=0.5", "training.epochs=2"])
    assert [setting.optimizer["lr"] for setting in experiment.settings] == [0.5, 0.5]
    with pytest.raises(
        ConfigError, match=r"--set optimizer\[0\].lr=-1: optimizer\[0\].lr: must be"
    ):
        load(tmp_path, text, overrides=["optimizer[0].lr=-1"])


# What makes two settings one


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{name: adam}", "{name: adam, lr: 1e-3}"),
        ("{name: adam, lr: 1}", "{name: adam, lr: 1.0}"),
        ("{name: adam, lr: 1e-3, eps: 1e-8}", "{eps: 0.00000001, lr: 0.001, name: adam}"),
        ("{name: momentum, lr: 0.1}", "{name: sgd, lr: 0.1, momentum: 0.9}"),
        ("{name: amsgrad, lr: 0.1}", "{name: adam, lr: 0.1, amsgrad: true}"),
        ("{name: momentum, momentum: 0.5}", "{name: sgd, momentum: 0.5}"),
        ("{name: sgd, weight_decay: 0}", "sgd"),
        ("{name: adam, foreach: null}", "adam"),
        ("{name: sgd, schedule: constant}", "sgd"),
        ("adam  # a comment", "adam"),
    ],
)
def test_the_same_said_in_another_way_has_the_same_hash(
    tmp_path: Path, one: str, other: str
) -> None:
    assert hash_of(tmp_path, optimizer=one) == hash_of(tmp_path, optimizer=other)


@pytest.mark.parametrize(
    "parts",
    [
        {"optimizer": "{name: adam, lr: 2e-3}"},
        {"optimizer": "sgd"},
        {"optimizer": "adamw"},
        {"optimizer": "{name: adam, groups: [{match: '*', lr: 1e-3}]}"},
        {"training": "{batch_size: 32}"},
        {"training": "{epochs: 6}"},
        {"training": "{evaluate_every: {steps: 10}}"},
        {"training": "{compile: true}"},
        {"training": "{accumulate: 2}"},
        {"training": "{freeze: ['1.*']}"},
        {"training": "{label_smoothing: 0.1}"},
        {"training": "{average: ema}"},
        {"training": "{augment: {crop: 1}}"},
        {"training": "{dtype: float64}"},
        {"training": "{amp: bfloat16}"},
        {"schedule": "cosine"},
        {"dataset": "{name: digits, validation: 1}"},
        {"dataset": "{name: digits, train: 100}"},
        {"dataset": "{name: digits, normalize: true}"},
        {"dataset": "mnist"},
        {"model": "logistic"},
        {"model": "{name: mlp, hidden: [64]}"},
    ],
)
def test_what_determines_results_changes_the_hash(tmp_path: Path, parts: dict[str, str]) -> None:
    assert hash_of(tmp_path, **parts) != hash_of(tmp_path)


@pytest.mark.parametrize(
    "parts",
    [
        {"name": "another"},
        {"device": "cpu"},
        {"seeds": "[5]"},
        {"training": "{compile: false}"},
        {"training": "{accumulate: 1, freeze: [], label_smoothing: 0}"},
        {"training": "{average: null, augment: null}"},
        {"training": "{dtype: float32, amp: null}"},
        {"dataset": "{name: digits, fallback: mnist-5k}"},
        {"dataset": "{name: digits, normalize: false}"},
        {"expect": "[{setting: {optimizer: adam}, diverges: false}]"},
    ],
)
def test_what_does_not_leaves_it_alone(tmp_path: Path, parts: dict[str, str]) -> None:
    assert hash_of(tmp_path, **parts) == hash_of(tmp_path)


def test_only_data_model_and_loss_make_the_problem(tmp_path: Path) -> None:
    problem = only_setting(tmp_path).problem_hash
    for parts in ({"optimizer": "sgd"}, {"schedule": "cosine"}, {"training": "{batch_size: 8}"}):
        assert only_setting(tmp_path, **parts).problem_hash == problem
    for parts in ({"model": "logistic"}, {"dataset": "{name: digits, validation: 9}"}):
        assert only_setting(tmp_path, **parts).problem_hash != problem


def test_a_hash_is_the_sha_256_of_sorted_json(tmp_path: Path) -> None:
    setting = only_setting(tmp_path, optimizer="{name: sgd, lr: 0.10}", model="logistic")
    written = (
        '{"optimizer":{"dampening":0,"lr":0.1,"maximize":false,"momentum":0,"name":"sgd",'
        '"nesterov":false,"weight_decay":0},'
        '"problem":{"data":"","dataset":{"name":"digits","test":null,"train":null,"validation":0},'
        '"loss":"cross_entropy","model":{"name":"logistic"}},'
        '"schedule":{"name":"constant"},'
        '"training":{"batch_size":64,"epochs":5,"evaluate_every":null,"loss":"cross_entropy"}}'
    )
    assert setting.setting_hash == hashlib.sha256(written.encode()).hexdigest()


@pytest.mark.parametrize("name", [n for n, e in optimizers().items() if not e.refusal])
def test_the_resolved_run_of_every_optimizer_repeats_it(tmp_path: Path, name: str) -> None:
    assert_repeats(tmp_path, optimizer=f"{{name: {name}, groups: [{{match: x, lr: 1}}]}}")


SCHEDULES = {
    "cycliclr": "{name: cycliclr, base_lr: 0.01, max_lr: 1}",
    "exponentiallr": "{name: exponentiallr, gamma: 0.9}",
    "multisteplr": "{name: multisteplr, milestones: [2, 4]}",
    "onecyclelr": "{name: onecyclelr, max_lr: 1}",
    "steplr": "{name: steplr, step_size: 2}",
    "cosineannealingwarmrestarts": "{name: cosineannealingwarmrestarts, T_0: 2}",
}


@pytest.mark.parametrize("name", schedules())
def test_the_resolved_run_of_every_schedule_repeats_it(tmp_path: Path, name: str) -> None:
    dataset = "{name: digits, validation: 100}"
    assert_repeats(tmp_path, dataset=dataset, schedule=SCHEDULES.get(name, name))


def assert_repeats(folder: Path, **parts: str) -> None:
    (run,) = loaded(folder, **parts, seeds="[7]").runs()
    (again,) = load_experiment(write_config(folder, run.config)).runs()
    assert again.hash == run.hash
    assert again.config == run.config


# Mistakes


def test_all_mistakes_of_a_file_come_at_once_in_its_order(tmp_path: Path) -> None:
    text = """name: ../x
dataset: {name: mnist, validation: 60000}
model: {name: mlp, hiden: [3]}
optimizer:
  - adamm
  - {name: sgd, lr: -1, momentun: 0.9}
  - {name: adam, schedule: {name: cosine, warmup: 2}}
schedule: steplr
training: {epochs: 0, batch_size: true}
seeds: [0, 0]
device: gpu
expect: [{metric: los, setting: {optimizer: adam}, at_most: 1}]
extra: 1
"""
    found = problems(tmp_path, text)
    assert [(problem.mark.line, problem.key) for problem in found] == [
        (1, "name"), (2, "dataset.validation"), (3, "model.hiden"), (5, "optimizer[0].name"),
        (6, "optimizer[1].lr"), (6, "optimizer[1].momentun"), (7, "optimizer[2].schedule.warmup"),
        (8, "schedule.step_size"), (9, "training.epochs"), (9, "training.batch_size"),
        (10, "seeds[1]"), (11, "device"), (12, "expect[0].metric"), (13, "extra"),
    ]  # fmt: skip
    assert all(problem.mark.file == str(tmp_path / "mine.yaml") for problem in found)


def test_an_error_looks_as_it_should(tmp_path: Path) -> None:
    # SCREENS.md, "Errors".
    text = "dataset: mnist\nmodel: mlp\noptimizer:\n  name: adamm\n  learning_rate: 0.001\n"
    (unknown,) = problems(tmp_path, text)
    assert str(unknown) == (
        f"{tmp_path}/mine.yaml:4: optimizer.name: unknown optimizer 'adamm'\n"
        "  4 │   name: adamm\n"
        "    │         ^^^^^  did you mean 'adam'?  (optbench list optimizers)"
    )
    (argument,) = problems(tmp_path, text.replace("adamm", "adam"))
    assert str(argument) == (
        f"{tmp_path}/mine.yaml:5: optimizer.learning_rate: Adam has no such argument\n"
        "  5 │   learning_rate: 0.001\n"
        "    │   ^^^^^^^^^^^^^  did you mean 'lr'?"
    )


def test_an_expansion_beyond_the_bounds_is_refused_before_it_is_made(tmp_path: Path) -> None:
    two = "{{name: adam, lr: {{linspace: [1, 2, {0}]}}, eps: {{linspace: [1, 2, {1}]}}}}"
    assert told(tmp_path, optimizer=two.format(10_000, 10_000)) == [
        "optimizer: expands to 100,000,000 settings; at most 100,000 are taken "
        "[take fewer points, or split the experiment]"
    ]
    assert told(tmp_path, optimizer=two.format(100, 100), seeds="101") == [
        "optimizer: expands to 1,010,000 runs; at most 1,000,000 are taken "
        "[take fewer points, or split the experiment]"
    ]
    assert told(tmp_path, optimizer="{name: adam, lr: {linspace: [1, 2, 1000000000]}}") == [
        "optimizer.lr.linspace[2]: must be a whole number from 2 to 10,000, got 1000000000 "
        "[it is how many points there are]"
    ]
    wide = load(tmp_path, text_of(optimizer=two.format(10_000, 10_000)), first_points=True)
    assert len(wide.settings) == 1


@pytest.mark.parametrize(
    ("parts", "key", "number"),
    [
        ({"model": {"name": "mlp", "hidden": [1], "dropout": 1000}}, "model", "10,000,000"),
        ({"training": {"epochs": 1000, "batch_size": 16}}, "training", "10,000,000"),
        ({"schedule": {"name": "exponentiallr", "gamma": 1000}}, "schedule", "10,000,000"),
    ],
)
def test_what_explodes_is_refused_where_most_points_are(
    tmp_path: Path, parts: dict[str, Any], key: str, number: str
) -> None:
    points = {"linspace": [0, 1, 10_000]}
    spread: dict[str, Any] = {
        part: {name: points if value == 1000 else value for name, value in content.items()}
        for part, content in parts.items()
    }
    rates = {"name": "adam", "lr": {"linspace": [1, 2, 1000]}}
    with pytest.raises(ConfigError) as refused:
        load_experiment(write_experiment(tmp_path, optimizer=rates, **spread))
    (problem,) = refused.value.problems
    assert problem.key == key
    assert problem.message == f"expands to {number} settings; at most 100,000 are taken"
    assert problem.mark.line == 1
    assert not (tmp_path / "runs").exists()


def test_a_million_seeds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_experiment(write_experiment(tmp_path, seeds=1_000_000))
    (problem,) = refused.value.problems
    assert (problem.key, problem.mark.line) == ("seeds", 1)
    assert "from 1 to 10,000" in problem.message
    assert "1000000" in problem.message


@pytest.mark.parametrize(
    "text", ["", "3", "[a]", "dataset: [", "dataset: mnist\ndataset: mnist", "a: &x [*x]", "\0"]
)
def test_a_file_that_is_no_experiment_is_a_config_error(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


# Ranges for tuning


def test_ranges_for_tuning_are_validated_and_named_where_they_cannot_run(tmp_path: Path) -> None:
    optimizer = "{name: adam, lr: {loguniform: [1e-4, 1]}, eps: {grid: [1e-8, 1e-7]}}"
    experiment = loaded(tmp_path, optimizer=optimizer, training="{epochs: {integer: [1, 5]}}")
    assert [part.key for part in experiment.searches] == ["optimizer.lr", "training.epochs"]
    assert len(experiment.settings) == 2
    with pytest.raises(ConfigError) as refused:
        refuse_searches(experiment)
    assert [(p.key, p.mark.line, p.message) for p in refused.value.problems] == [
        ("optimizer.lr", 3, "loguniform is a range for tuning, not values to run"),
        ("training.epochs", 4, "integer is a range for tuning, not values to run"),
    ]


def test_without_ranges_there_is_nothing_to_refuse(tmp_path: Path) -> None:
    experiment = loaded(tmp_path)
    assert not experiment.searches
    refuse_searches(experiment)


# Never torch, never another exception


@pytest.mark.parametrize("text", [DESIGN, text_of(optimizer="adamm"), text_of(optimizer="[")])
def test_neither_a_good_nor_a_bad_file_imports_torch(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    code = (
        "import sys; from optbench.catalog.experiment import load_experiment\n"
        "from optbench.errors import ConfigError\n"
        "try: [run.config for run in load_experiment(sys.argv[1]).runs()]\n"
        "except ConfigError: pass\n"
        "heavy = {'torch', 'torchvision', 'numpy', 'polars', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True)


VALID: dict[str, Any] = {
    "name": "valid",
    "dataset": {"name": "synthetic", "train": 40, "validation": 5, "fallback": "digits"},
    "model": {"name": "mlp", "hidden": [8], "dropout": 0.1},
    "optimizer": [
        {"name": "adam", "lr": {"grid": [0.1, 0.2]}, "betas": [0.9, 0.99]},
        {"name": "sgd", "groups": [{"match": "*.bias", "lr": 1}], "schedule": {"name": "cosine"}},
        {"name": "torch.optim:RMSprop", "alpha": {"uniform": [0.1, 0.9]}},
    ],
    "schedule": {"name": "steplr", "step_size": 2},
    "training": {"epochs": 2, "batch_size": 16, "evaluate_every": {"steps": 3}},
    "seeds": [0, 1],
    "device": "cpu",
    "expect": [{"metric": "train_loss", "setting": {"optimizer": "adam"}, "at_most": 1.0}],
}
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, -1, 0, 1.5, 10**9, 1e300, float("inf"), float("nan"),
        "", "adam", "cosine", "./x.py:Opt", "a:b", "torch:Tensor", "../x", "é\u202e", "x" * 300,
        [], [[]], [1, "a"], {}, {"name": "adam"}, {"name": {}},
        {"grid": [1, 2]}, {"grid": [[]]}, {"uniform": [0, 1]}, {"steps": 1},
    ]
)  # fmt: skip
KEYS = st.sampled_from(
    ["name", "lr", "grid", "schedule", "fallback", "groups", "match", "steps", "betas", "evaluate",
     "extends", "expect", "", "a.b", "steps[0]", "diverges", "seeds"]
)  # fmt: skip


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a tree."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = []
    for key, child in list(pairs):
        found.append((tree, key))
        if isinstance(child, dict | list):
            found += places(child)
    return found


def mutate(tree: dict[str, Any], data: st.DataObject) -> None:
    found = places(tree)
    container, key = found[data.draw(st.integers(0, len(found) - 1))]
    match data.draw(st.sampled_from(["delete", "replace", "add", "copy"])):
        case "delete":
            del container[key]
        case "replace":
            container[key] = deepcopy(data.draw(ODD))  # what is drawn is shared by all examples
        case "add" if isinstance(container, dict):
            container[data.draw(KEYS)] = deepcopy(data.draw(ODD))
        case "copy":
            source, name = found[data.draw(st.integers(0, len(found) - 1))]
            container[key] = deepcopy(source[name])


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_change_to_a_file_loads_or_is_a_config_error(
    tmp_path: Path, data: st.DataObject
) -> None:
    tree = deepcopy(VALID)
    for _ in range(data.draw(st.integers(1, 3))):
        if places(tree):
            mutate(tree, data)
    text = json.dumps(tree).replace("NaN", ".nan").replace("Infinity", ".inf")
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with contextlib.suppress(ConfigError):
        experiment = load_experiment(path)
        for run in experiment.runs()[:3]:
            assert run.directory_name
            assert json.dumps(run.config, allow_nan=False)
        refuse_searches(experiment)


def test_the_file_that_is_changed_is_valid(tmp_path: Path) -> None:
    assert len(load(tmp_path, json.dumps(VALID)).settings) == 4


# Losses


def test_a_loss_left_out_is_the_data_sets_first(tmp_path: Path) -> None:
    assert only_setting(tmp_path, dataset="digits").training["loss"] == "cross_entropy"
    assert only_setting(tmp_path, dataset="random-targets").training["loss"] == "bce"


def test_a_loss_given_is_the_same_setting_as_the_one_left_out(tmp_path: Path) -> None:
    given_ = hash_of(tmp_path, training="{loss: cross_entropy}")
    assert given_ == hash_of(tmp_path, training="{loss: null}") == hash_of(tmp_path)


def test_a_loss_that_does_not_fit_the_targets_is_refused_at_its_line(tmp_path: Path) -> None:
    (told_,) = told(tmp_path, dataset="digits", training="{loss: mse}")
    assert told_ == "training.loss: must be cross_entropy for the targets of digits, got mse"
    (told_,) = told(tmp_path, dataset="random-targets", training="{label_smoothing: 0.1}")
    assert told_ == "training.label_smoothing: is for cross_entropy, and the loss is bce"
    (told_,) = told(tmp_path, dataset="random-targets", training="{loss: cross_entropy}")
    assert "must be one of bce, bce_with_logits, mse for the targets of random-targets" in told_
