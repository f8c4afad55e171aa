from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from experiments import make_learner, make_runs, trained, write_plugin
from plain_loop import mlp
from torch import nn

from optbench.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.training.learner import Learner

DIGITS = {"name": "digits", "train": 200, "test": 60}


def built(folder: Path, **parts: Any) -> Learner:
    (run,) = make_runs(folder, **parts)
    return make_learner(run)


def test_a_parameter_goes_to_the_first_group_that_matches(tmp_path: Path) -> None:
    groups = [{"match": "1.*", "lr": 0.5}, {"match": "*.bias", "weight_decay": 0.25}]
    learner = built(tmp_path, optimizer={"name": "adamw", "lr": 0.1, "groups": groups})
    names = {id(parameter): name for name, parameter in learner.model.named_parameters()}
    found = [
        ([names[id(p)] for p in group["params"]], group["lr"], group["weight_decay"])
        for group in learner.optimizer.param_groups
    ]
    assert found == [
        (["3.weight"], 0.1, 0.01),
        (["1.weight", "1.bias"], 0.5, 0.01),
        (["3.bias"], 0.1, 0.25),
    ]


def test_groups_train_as_torchs_own_do(tmp_path: Path) -> None:
    groups = [{"match": "*.bias", "lr": 0.5, "momentum": 0.5}]
    optimizer = {"name": "sgd", "lr": 0.1, "momentum": 0.9, "groups": groups}
    learner = trained(tmp_path, optimizer=optimizer, training={"epochs": 2, "batch_size": 60})
    model = mlp(6, 5, 3)
    weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    given: list[dict[str, Any]] = [
        {"params": weights},
        {"params": biases, "lr": 0.5, "momentum": 0.5},
    ]
    other = torch.optim.SGD(given, 0.1, momentum=0.9)
    inputs, targets = learner.data.train.inputs, learner.data.train.targets
    for epoch in range(2):
        order = learner.order(epoch)
        other.zero_grad()
        nn.functional.cross_entropy(model(inputs[order]), targets[order]).backward()  # type: ignore[no-untyped-call]
        other.step()
    for (name, mine), theirs in zip(
        learner.model.named_parameters(), model.parameters(), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6, msg=name)


def test_a_group_that_no_parameter_is_left_for_is_refused_at_its_line(tmp_path: Path) -> None:
    groups = [{"match": "*", "lr": 0.5}, {"match": "*.bias"}]
    with pytest.raises(ConfigError, match=r"no parameter is left for the group '\*\.bias'") as told:
        built(tmp_path, optimizer={"name": "adam", "lr": 0.1, "groups": groups})
    assert [problem.mark.line for problem in told.value.problems] == [1]
    assert "1.weight, 1.bias, 3.weight, 3.bias" in str(told.value)


def test_what_torch_refuses_is_told_in_its_words_at_the_line(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    model = {"name": "torch.nn:Conv2d", "in_channels": 3, "out_channels": 2, "kernel_size": 1}
    with pytest.raises(ConfigError, match="in_channels must be divisible by groups") as told:
        built(tmp_path, model={**model, "groups": 2})
    assert str(told.value).startswith(f"{path}:1: model: Conv2d refuses: ValueError: ")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def Thing(): return 3", "it made a int, which is no torch.nn.Module"),
        ("from torch.nn import Flatten as Thing", "it has no parameter to train"),
        ("class Thing:\n    def __init__(self): raise KeyError('no')", "Thing refuses: KeyError"),
        ("import torch\nclass Thing: pass\nraise OSError('gone')", "can't load .*OSError: gone"),
    ],
)
def test_a_model_that_is_none_is_refused_with_the_reason(
    tmp_path: Path, source: str, reason: str
) -> None:
    write_plugin(tmp_path, source)
    with pytest.raises(ConfigError, match=reason):
        built(tmp_path, model={"name": "./plugin.py:Thing"})


def test_an_optimizer_that_is_none_is_refused(tmp_path: Path) -> None:
    source = (
        "Base = type('Base', (), {})\nclass Thing(Base):\n    def __init__(self, params, lr): pass"
    )
    write_plugin(tmp_path, source)
    with pytest.raises(ConfigError, match=r"it is a Thing, no torch\.optim\.Optimizer"):
        built(tmp_path, optimizer={"name": "./plugin.py:Thing", "lr": 0.1})


def test_a_model_is_given_the_shape_and_the_classes_by_name(tmp_path: Path) -> None:
    source = """
from torch import nn

class Wide(nn.Sequential):
    def __init__(self, num_classes, input_shape, width=4):
        assert input_shape == (1, 8, 8) and type(input_shape) is tuple
        super().__init__(nn.Flatten(), nn.Linear(64, width), nn.Linear(width, num_classes))
"""
    write_plugin(tmp_path, source)
    learner = built(tmp_path, dataset=DIGITS, model={"name": "./plugin.py:Wide", "width": 7})
    assert learner.size == 64 * 7 + 7 + 7 * 10 + 10


def test_a_torch_module_by_import_path_is_used_as_it_is(tmp_path: Path) -> None:
    model = {"name": "torch.nn:Linear", "in_features": 6, "out_features": 3}
    assert isinstance(built(tmp_path, model=model).model, nn.Linear)


@pytest.mark.parametrize("argument", [{"foreach": True}, {"fused": False}])
def test_who_names_an_implementation_gets_it(tmp_path: Path, argument: dict[str, bool]) -> None:
    learner = built(tmp_path, optimizer={"name": "adam", "lr": 0.1, **argument})
    assert not learner.optimizer.defaults["fused"]


def test_frozen_parameters_are_left_alone(tmp_path: Path) -> None:
    source = """
from torch import nn

class Half(nn.Sequential):
    def __init__(self, input_shape, classes):
        super().__init__(nn.Linear(input_shape[0], 4), nn.Linear(4, classes))
        self[0].requires_grad_(False)
"""
    write_plugin(tmp_path, source)
    learner = trained(tmp_path, model={"name": "./plugin.py:Half"})
    assert learner.size == 4 * 3 + 3
    fresh = make_learner(learner.run)
    for mine, untrained in zip(learner.model.parameters(), fresh.model.parameters(), strict=True):
        assert torch.equal(mine, untrained) != mine.requires_grad


def test_tied_weights_are_trained_once(tmp_path: Path) -> None:
    source = """
from torch import nn

class Tied(nn.Sequential):
    def __init__(self, input_shape, classes):
        first, second = nn.Linear(6, 6), nn.Linear(6, 6)
        second.weight = first.weight
        super().__init__(first, second, nn.Linear(6, classes))
"""
    write_plugin(tmp_path, source)
    learner = trained(tmp_path, model={"name": "./plugin.py:Tied"})
    assert learner.size == 36 + 6 + 6 + 6 * 3 + 3
