from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from optbench.catalog.datasets import DATASETS
from optbench.catalog.listing import KINDS, headings, listing
from optbench.catalog.losses import LOSSES
from optbench.catalog.models import MODELS
from optbench.catalog.objectives import OBJECTIVES
from optbench.catalog.optimizers import optimizers
from optbench.catalog.schedules import schedules

if TYPE_CHECKING:
    from collections.abc import Iterable


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("datasets", DATASETS),
        ("models", [*MODELS, "torchvision.NAME"]),
        ("optimizers", optimizers()),
        ("schedules", schedules()),
        ("losses", LOSSES),
        ("objectives", OBJECTIVES),
    ],
)
def test_everything_that_can_be_named_is_listed_with_a_summary(
    kind: str, names: Iterable[str]
) -> None:
    lines = listing(kind)
    assert [name for name, _, _ in lines] == list(names)
    assert all(summary for _, summary, _ in lines)


@pytest.mark.parametrize(
    ("kind", "name", "arguments"),
    [
        ("models", "mlp", "hidden=[128], activation=relu, dropout=0"),
        ("models", "logistic", ""),
        ("optimizers", "sgd", "lr=0.001, momentum=0, dampening=0, weight_decay=0, nesterov=false, "
                              "maximize=false"),
        ("optimizers", "momentum", "momentum=0.9"),
        ("optimizers", "sparseadam", "lr=0.001, betas=[0.9, 0.999], eps=1e-08, maximize=false"),
        ("schedules", "constant", ""),
        ("objectives", "bowl", "condition=10"),
        ("objectives", "sphere", ""),
        ("schedules", "cosine", "warmup=0, final=0"),
        ("schedules", "steplr", "step_size, gamma=0.1"),
        ("schedules", "cosineannealinglr", "T_max=null, eta_min=0"),
        ("datasets", "mnist", "train=null, test=null, validation=0, normalize=false"),
        ("datasets", "synthetic", "train=1000, test=200, features=20, classes=10, separation=6, "
                                  "data_seed=0, validation=0, normalize=false"),
    ],
)  # fmt: skip
def test_arguments_are_those_that_yaml_may_give(kind: str, name: str, arguments: str) -> None:
    (found,) = (detail for listed, _, detail in listing(kind) if listed == name)
    assert found == arguments


def test_torchs_optimizers_come_first_and_the_textbook_versions_under_a_heading() -> None:
    names = [name for name, _, _ in listing("optimizers")]
    assert [name.startswith("reference.") for name in names] == sorted(
        name.startswith("reference.") for name in names
    )
    (first,) = headings("optimizers")
    assert names.index(first) == sum(not name.startswith("reference.") for name in names)
    assert not any(headings(kind) for kind in KINDS if kind != "optimizers")


def test_listing_imports_no_torch() -> None:
    code = (
        "import sys; from optbench.catalog.listing import listing\n"
        "kinds = ('datasets', 'models', 'optimizers', 'schedules', 'objectives')\n"
        "for kind in kinds: listing(kind)\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
