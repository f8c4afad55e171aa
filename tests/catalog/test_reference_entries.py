from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from experiment_text import loaded, only_setting, told

from optbench.catalog import plugins
from optbench.catalog.optimizers import optimizers
from optbench.catalog.receivers import optimizer_receiver
from optbench.catalog.reference import REFERENCE

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.catalog.signatures import Parameter

FOLDED = {"momentum": "sgd", "nesterov": "sgd"}  # what torch has as an argument of another class

OTHER_DEFAULTS = {
    ("momentum", "momentum"),  # 0.9, for which torch's is a preset
    ("nesterov", "momentum"),
    ("muon", "adjust_lr_fn"),  # one learning rate has to suit AdamW too
    ("muon", "eps"),  # AdamW's
}


@pytest.mark.parametrize("name", REFERENCE)
def test_it_is_built_from_its_resolved_defaults(tmp_path: Path, name: str) -> None:
    arguments: dict[str, Any] = dict(only_setting(tmp_path, optimizer=name).optimizer)
    assert arguments.pop("name") == name
    built = plugins.load(REFERENCE[name].target)([torch.zeros(1)], **arguments)
    assert isinstance(built, torch.optim.Optimizer)
    assert set(built.defaults) == set(arguments)


@pytest.mark.parametrize("name", REFERENCE)
def test_a_default_that_torch_has_too_is_torchs(name: str) -> None:
    own = name.partition(".")[2]
    theirs = _of_torch(FOLDED.get(own, own))
    for argument, parameter in optimizer_receiver(name).parameters.items():
        if argument in theirs and (own, argument) not in OTHER_DEFAULTS:
            assert parameter.default == theirs[argument].default, argument


def _of_torch(name: str) -> dict[str, Parameter]:
    """The parameters of torch's class, also of one that is refused."""
    return optimizer_receiver(name).parameters if name in optimizers() else {}


def test_its_name_is_its_own_in_labels_folders_and_hashes(tmp_path: Path) -> None:
    ours, torchs = loaded(tmp_path, optimizer="[reference.adam, adam]").settings
    assert ours.label == "reference.adam lr=0.001"
    assert ours.slug == "reference.adam-lr0.001"
    assert ours.setting_hash != torchs.setting_hash
    assert ours.problem_hash == torchs.problem_hash


def test_its_import_path_is_the_same_optimizer(tmp_path: Path) -> None:
    path = "'optbench.catalog.reference.adam:Adam'"
    by_path, by_name = (only_setting(tmp_path, optimizer=o) for o in (path, "reference.adam"))
    assert by_path.setting_hash == by_name.setting_hash


@pytest.mark.parametrize(
    ("optimizer", "mistake"),
    [
        ("{name: reference.adam, lr: -1}", "optimizer.lr: must be greater than 0, got -1"),
        (
            "{name: reference.adam, betas: [0.9, 1.0]}",
            "optimizer.betas[1]: must be at least 0 and below 1, got 1.0",
        ),
        (
            "{name: reference.muon, ns_steps: 100}",
            "optimizer.ns_steps: must be from 1 to 99, got 100",
        ),
        ("{name: reference.lion, betas: [0.9]}", "optimizer.betas: must be a list of 2, got 1"),
        (
            "{name: reference.rmsprop, alpha: 1.5}",
            "optimizer.alpha: must be between 0 and 1, got 1.5",
        ),
        (
            "{name: reference.adam, amsgrad: true}",
            "optimizer.amsgrad: Adam has no such argument [it takes lr, betas, eps, "
            "weight_decay, bias_correction, maximize]",
        ),
        (
            "{name: reference.adam, bias_corection: false}",
            "optimizer.bias_corection: Adam has no such argument [did you mean 'bias_correction'?]",
        ),
        (
            "{name: reference.amsgrad, correction: befor}",
            "optimizer.correction: must be one of none, after, before, got 'befor' "
            "[did you mean 'before'?]",
        ),
    ],
)
def test_what_is_wrong_with_its_arguments_is_told_as_of_torchs(
    tmp_path: Path, optimizer: str, mistake: str
) -> None:
    assert told(tmp_path, optimizer=optimizer) == [mistake]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("lion", "reference.lion"),
        ("gradient_descent", "reference.gradient_descent"),
        ("reference.adm", "reference.adam"),
        ("reference.nestrov", "reference.nesterov"),
    ],
)
def test_who_forgets_or_misspells_a_part_of_its_name_is_told(
    tmp_path: Path, written: str, meant: str
) -> None:
    remedy = f"did you mean '{meant}'?  (optbench list optimizers)"
    mistake = f"optimizer.name: unknown optimizer '{written}' [{remedy}]"
    assert told(tmp_path, optimizer=written) == [mistake]
