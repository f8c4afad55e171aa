from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest
import torch
from experiment_text import only_setting, told

from optbench.catalog.receivers import schedule_receiver
from optbench.catalog.schedules import RULES, schedules

if TYPE_CHECKING:
    from pathlib import Path

# The least that each needs, and its horizon where it has one.
NEEDED = {
    "cycliclr": "base_lr: 0.01, max_lr: 0.1",
    "exponentiallr": "gamma: 0.9",
    "multisteplr": "milestones: [2]",
    "onecyclelr": "max_lr: 0.1",
    "steplr": "step_size: 2",
    "cosineannealingwarmrestarts": "T_0: 2",
}
HELD_OUT = "{name: digits, validation: 100}"


def written(name: str) -> str:
    return f"{{name: {name}, {NEEDED[name]}}}" if name in NEEDED else name


def made(name: str, arguments: dict[str, Any]) -> Any:
    module, _, attribute = schedules()[name].target.partition(":")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    return getattr(importlib.import_module(module), attribute)(optimizer, **arguments)


def resolved(folder: Path, schedule: str) -> dict[str, Any]:
    setting = only_setting(folder, dataset=HELD_OUT, optimizer="sgd", schedule=schedule)
    return {key: value for key, value in setting.schedule.items() if key != "name"}


@pytest.mark.parametrize("name", [n for n in schedules() if n != "constant"])
def test_every_schedule_is_made_by_torch_from_its_resolved_arguments(
    tmp_path: Path, name: str
) -> None:
    horizon = schedules()[name].horizon
    arguments = resolved(tmp_path, written(name))
    if horizon:
        assert arguments.pop(horizon, None) is None
        arguments[horizon] = 10
    made(name, arguments)


@pytest.mark.parametrize("name", [n for n in schedules() if n != "constant"])
def test_a_required_argument_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    needed = [part.split(":")[0] for part in NEEDED.get(name, "").split(", ") if part]
    assert told(tmp_path, dataset=HELD_OUT, optimizer="sgd", schedule=name) == [
        f"schedule.{argument}: is missing [{name} needs it: {argument}: …]" for argument in needed
    ]


@pytest.mark.parametrize(
    ("schedule", "mistake"),
    [
        ("cosin", "schedule.name: unknown schedule 'cosin' [did you mean 'cosine'?  (optbench list"
                  " schedules)]"),
        ("{name: steplr, step_size: 0}", "schedule.step_size: must be 1 or greater, got 0"),
        ("{name: steplr, step_size: 2, gamma: 0}", "schedule.gamma: must be greater than 0, got 0"),
        ("{name: cosine, warmup: 1}", "schedule.warmup: must be at least 0 and below 1, got 1"),
        ("{name: cosine, total_steps: 9}",
         "schedule.total_steps: optbench provides it [leave it out]"),
        ("{name: cosineannealinglr, t_max: 9}",
         "schedule.t_max: cosineannealinglr has no such argument [did you mean 'T_max'?]"),
        ("{name: reducelronplateau, factor: 1.0}",
         "schedule.factor: must be at least 0 and below 1, got 1.0"),
        ("{name: linearlr, start_factor: 0}",
         "schedule.start_factor: must be greater than 0 and at most 1, got 0"),
        ("{name: multisteplr, milestones: [4, 2]}",
         "schedule.milestones: must be increasing epochs, got [4, 2]"),
        ("{name: onecyclelr, max_lr: 0.1, epochs: 5}",
         "schedule.epochs: optbench provides it [leave it out]"),
        ("{name: onecyclelr, max_lr: 0.1, anneal_strategy: cosine}",
         "schedule.anneal_strategy: must be one of cos, linear, got 'cosine'"
         " [did you mean 'cos'?]"),
        ("{name: exponentiallr, gamma: 0.9, last_epoch: 3}",
         "schedule.last_epoch: optbench provides it [leave it out]"),
        ("{name: constant, lr: 1}", "schedule.lr: constant has no such argument [it takes none]"),
        ("lambdalr", "schedule.name: lambdalr can't be used: it takes a function, which YAML can't"
                     " write [see: optbench list schedules]"),
        ("torch.optim.lr_scheduler:SequentialLR",
         "schedule.name: torch.optim.lr_scheduler:SequentialLR can't be used: it takes other"
         " schedules, which YAML can't write [see: optbench list schedules]"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_schedule_is_told(tmp_path: Path, schedule: str, mistake: str) -> None:
    assert told(tmp_path, dataset=HELD_OUT, optimizer="sgd", schedule=schedule) == [mistake]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("reducelronplateau", {"factor": 1.0}),
        ("linearlr", {"start_factor": 0}),
        ("onecyclelr", {"max_lr": 0.1, "epochs": 5}),
        ("onecyclelr", {"max_lr": 0.1, "total_steps": 5, "pct_start": 1}),
    ],
)
def test_torch_refuses_the_same(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        made(name, arguments)


def test_a_whole_number_reaches_torch_as_the_float_it_insists_on(tmp_path: Path) -> None:
    arguments = resolved(tmp_path, "{name: onecyclelr, max_lr: 0.1, pct_start: 1}")
    made("onecyclelr", {**arguments, "total_steps": 5})


@pytest.mark.parametrize(
    "form", ["reducelronplateau", "torch.optim.lr_scheduler:ReduceLROnPlateau"]
)
@pytest.mark.parametrize(
    ("dataset", "key"),
    [
        ("mnist", "dataset"),
        ("{name: mnist, validation: 5000, fallback: mnist-5k}", "dataset.fallback"),
    ],
)
def test_plateau_needs_validation_whichever_data_are_used(
    tmp_path: Path, form: str, dataset: str, key: str
) -> None:
    assert told(tmp_path, dataset=dataset, schedule=form) == [
        f"schedule: reducelronplateau watches the validation loss, and {key}.validation is 0 "
        "[hold examples out: {name: …, validation: 5000}]"
    ]


def test_plateau_with_validation_is_taken(tmp_path: Path) -> None:
    assert not told(
        tmp_path,
        dataset="{name: mnist, validation: 5000, fallback: {name: mnist-5k, validation: 500}}",
        schedule="reducelronplateau",
    )


@pytest.mark.parametrize("name", ["onecyclelr", "cycliclr"])
def test_cycling_the_momentum_needs_one(tmp_path: Path, name: str) -> None:
    needed = NEEDED[name]
    assert told(tmp_path, optimizer="adagrad", schedule=f"{{name: {name}, {needed}}}") == [
        "schedule.cycle_momentum: adagrad has neither momentum nor betas to cycle "
        "[cycle_momentum: false]"
    ]
    optimizer = torch.optim.Adagrad([torch.nn.Parameter(torch.zeros(1))])
    target = schedules()[name].target.rpartition(":")[2]
    arguments = {"base_lr": 0.01, "max_lr": 0.1} if name == "cycliclr" else {"max_lr": 0.1}
    total = {} if name == "cycliclr" else {"total_steps": 5}
    with pytest.raises(ValueError, match="cycle_momentum"):
        getattr(torch.optim.lr_scheduler, target)(optimizer, **arguments, **total)
    for fine in ("sgd", "adam"):
        assert not told(tmp_path, optimizer=fine, schedule=f"{{name: {name}, {needed}}}")
    without = f"{{name: {name}, {needed}, cycle_momentum: false}}"
    assert not told(tmp_path, optimizer="adagrad", schedule=without)


def test_only_two_of_torchs_advance_by_step_beside_ours() -> None:
    # torch's documentation: "Should be called after each batch" stands at these two.
    by_step = {name for name, entry in schedules().items() if entry.by_step}
    assert by_step == {"cosine", "inverse-sqrt", "onecyclelr", "cycliclr"}


def test_a_schedule_that_is_not_known_by_name_may_be_any_class(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "class Slow:\n    def __init__(self, optimizer, pace: float, last_epoch=-1): ..."
    )
    schedule = "{name: './mine.py:Slow', pace: 2}"
    assert resolved(tmp_path, schedule) == {"pace": 2.0}
    assert told(tmp_path, schedule="./mine.py:Slow") == [
        "schedule.pace: is missing [Slow needs it: pace: …]"
    ]
    assert told(tmp_path, schedule="{name: './mine.py:Slow', pace: 2, last_epoch: 1}") == [
        "schedule.last_epoch: optbench provides it [leave it out]"
    ]


def test_rules_are_about_arguments_that_there_are() -> None:
    known = {name for n in schedules() for name in schedule_receiver(n).parameters}
    assert set(RULES) - known <= {"total_steps"}
