from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from experiment_text import only_setting, told

from optbench.catalog import plugins
from optbench.catalog.optimizers import RELATIONS, RULES, optimizers
from optbench.catalog.receivers import optimizer_receiver
from optbench.catalog.reference import REFERENCE

if TYPE_CHECKING:
    from pathlib import Path

TORCHS = {name: entry for name, entry in optimizers().items() if name not in REFERENCE}
# One value on each side of every bound that torch's constructors check, and beyond.
TRIED = [-1.0, -0.1, 0.0, 0.5, 1.0, 1.5]
# Where optbench is stricter than torch: no step, an average that grows without bound, nesterov
# without momentum, or what torch doesn't look at.
STRICTER = {
    ("lr", 0.0), ("momentum", 1.5), ("alpha", 1.5), ("dampening", 1.5), ("dampening", -1.0),
    ("dampening", -0.1), ("t0", -1.0), ("t0", -0.1), ("eps", -1.0), ("eps", -0.1),
    ("lambd", -1.0), ("lambd", -0.1), ("alpha", -1.0), ("alpha", -0.1), ("momentum", 0.0),
}  # fmt: skip
LOOSER = {("sparseadam", "eps", 0.0)}  # refused once it is built


def torch_takes(name: str, arguments: dict[str, Any]) -> bool:
    entry = optimizers()[name]
    factory = plugins.load(entry.target)
    try:
        factory([torch.nn.Parameter(torch.zeros(2, 2))], **arguments)
    except (ValueError, RuntimeError, TypeError):
        return False
    return True


@pytest.mark.parametrize("name", [*TORCHS])
def test_what_torch_refuses_of_a_number_is_refused_and_little_else(
    tmp_path: Path, name: str
) -> None:
    for argument, parameter in optimizer_receiver(name).parameters.items():
        if parameter.type.kinds != {"float"}:
            continue
        for value in TRIED:
            found = told(tmp_path, optimizer=f"{{name: {name}, {argument}: {value}}}")
            taken = torch_takes(name, {argument: value})
            if taken and found:
                assert (argument, value) in STRICTER
            assert taken or found or (name, argument, value) in LOOSER, (argument, value)


@pytest.mark.parametrize("name", [*TORCHS])
def test_every_optimizer_is_made_by_torch_from_its_resolved_defaults(
    tmp_path: Path, name: str
) -> None:
    arguments = dict(only_setting(tmp_path, optimizer=name).optimizer)
    resolved = str(arguments.pop("name"))
    assert torch_takes(resolved, arguments)


def test_all_of_torch_is_there_and_two_more() -> None:
    classes = {
        name.lower()
        for name, value in vars(torch.optim).items()
        if isinstance(value, type) and issubclass(value, torch.optim.Optimizer)
    }
    assert set(TORCHS) == (classes - {"optimizer"}) | {"momentum", "amsgrad"}


def test_muon_by_name_takes_all_parameters_and_by_path_it_is_torchs_for_matrices(
    tmp_path: Path,
) -> None:
    assert only_setting(tmp_path, optimizer="muon").optimizer["name"] == "muon"
    written = "torch.optim:Muon"
    assert only_setting(tmp_path, optimizer=written).optimizer["name"] == written
    vector = [torch.nn.Parameter(torch.zeros(2))]
    plugins.load(optimizers()["muon"].target)(vector)
    with pytest.raises(ValueError, match="Muon only supports 2D parameters"):
        plugins.load(written)(vector)


@pytest.mark.parametrize(
    ("optimizer", "mistake"),
    [
        ("{name: sgd, nesterov: true}", "optimizer.nesterov: needs momentum, and dampening 0"),
        (
            "{name: sgd, nesterov: true, momentum: 0.9, dampening: 0.1}",
            "optimizer.nesterov: needs momentum, and dampening 0",
        ),
        (
            "{name: momentum, nesterov: true, momentum: 0}",
            "optimizer.nesterov: needs momentum, and dampening 0",
        ),
        (
            "{name: adam, foreach: true, fused: true}",
            "optimizer.fused: can't be true together with foreach",
        ),
        (
            "{name: rprop, etas: [1.2, 0.5]}",
            "optimizer.etas: must be [a, b] with a below 1 and b above 1, got [1.2, 0.5]",
        ),
        (
            "{name: rprop, step_sizes: [50, 1]}",
            "optimizer.step_sizes: must be [smallest, largest], got [50, 1]",
        ),
        ("{name: adam, betas: [0.9]}", "optimizer.betas: must be a list of 2, got 1"),
        ("{name: adam, betas: [0.9, 0.9, 0.9]}", "optimizer.betas: must be a list of 2, got 3"),
        (
            "{name: adam, betas: [0.9, 1.0]}",
            "optimizer.betas[1]: must be at least 0 and below 1, got 1.0",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path: Path, optimizer: str, mistake: str) -> None:
    assert told(tmp_path, optimizer=optimizer) == [mistake]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("sgd", {"nesterov": True}),
        ("sgd", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
        ("adam", {"foreach": True, "fused": True}),
        ("rprop", {"etas": (1.2, 0.5)}),
        ("adam", {"betas": (0.9, 1.0)}),
    ],
)
def test_torch_refuses_those_contradictions_too(name: str, arguments: dict[str, Any]) -> None:
    assert not torch_takes(name, arguments)


@pytest.mark.parametrize(
    "optimizer",
    [
        "{name: momentum, nesterov: true}",
        "{name: sgd, nesterov: true, momentum: 0.9}",
        "{name: rprop, etas: [0.5, 1.2], step_sizes: [1e-6, 50]}",
        "{name: adafactor, eps: [null, 1e-3]}",
        "{name: adam, betas: [0, 0.999]}",
        "{name: adam, fused: true}",
    ],
)
def test_what_belongs_together_is_taken(tmp_path: Path, optimizer: str) -> None:
    assert told(tmp_path, optimizer=optimizer) == []


def test_betas_of_whole_numbers_reach_torch_as_the_floats_it_insists_on(tmp_path: Path) -> None:
    setting = only_setting(tmp_path, optimizer="{name: adam, betas: [0, 0.999]}")
    betas = setting.optimizer["betas"]
    assert isinstance(betas, list)
    assert torch_takes("adam", {"betas": tuple(betas)})
    assert not torch_takes("adam", {"betas": (0, 0.999)})


def test_rules_and_relations_are_about_arguments_that_there_are() -> None:
    usable = [*[*TORCHS], *REFERENCE]
    known = {name for n in usable for name in optimizer_receiver(n).parameters}
    assert set(RULES) <= known
    assert {relation.argument for relation in RELATIONS} <= known
