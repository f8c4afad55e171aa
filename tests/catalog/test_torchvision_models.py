from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torchvision
from experiment_text import only_setting, told

from optbench.catalog.models import torchvision_models, weight_addresses

if TYPE_CHECKING:
    from pathlib import Path


def test_they_are_those_that_torchvision_registers_as_classifiers() -> None:
    known = torchvision.models.list_models(module=torchvision.models)
    assert set(torchvision_models()) == {f"torchvision.{name}" for name in known}


def test_their_weights_are_at_the_addresses_that_torchvision_states() -> None:
    for name in torchvision_models():
        enum = torchvision.models.get_model_weights(name.removeprefix("torchvision."))
        assert weight_addresses(name) == {member.name: member.url for member in enum}


def test_other_models_have_no_weights_at_torchvisions() -> None:
    assert weight_addresses("resnet18") == {}
    assert weight_addresses("torchvision.resnet19") == {}


def test_finding_one_imports_neither_torch_nor_torchvision(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "dataset: synthetic\nmodel: {name: torchvision.resnet18, weights: IMAGENET1K_V1, head: new}"
        "\noptimizer: adam\n"
    )
    program = (
        "import sys, optbench\n"
        "optbench.load_experiment('mine.yaml')\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_models_arguments_go_to_its_constructor(tmp_path: Path) -> None:
    model = "{name: torchvision.resnet18, zero_init_residual: true}"
    expected = {"name": "torchvision.resnet18", "zero_init_residual": True}
    assert only_setting(tmp_path, model=model).model == expected


@pytest.mark.parametrize(
    ("model", "mistake"),
    [
        (
            "{name: torchvision.resnet18, num_classes: 3}",
            "model.num_classes: optbench provides it [leave it out]",
        ),
        (
            "torchvision.resnet19",
            "model.name: unknown model 'torchvision.resnet19' "
            "[did you mean 'torchvision.resnet18'?  (optbench list models)]",
        ),
        (
            "resnet50",
            "model.name: unknown model 'resnet50' "
            "[did you mean 'torchvision.resnet50'?  (optbench list models)]",
        ),
    ],
)
def test_what_can_not_be_is_refused_with_what_may_be_meant(
    tmp_path: Path, model: str, mistake: str
) -> None:
    assert told(tmp_path, model=model) == [mistake]
