"""docs/optimizers.md tells of every optimizer that there is, and what it shows works."""

from __future__ import annotations

import re
from pathlib import Path

from experiment_text import load

from optbench.catalog.optimizers import optimizers

PAGE = (Path(__file__).parents[2] / "docs" / "optimizers.md").read_text(encoding="utf-8")


def test_every_optimizer_of_the_catalogue_is_on_the_page() -> None:
    named = set(re.findall(r"`([\w.]+)`", PAGE))
    assert set(optimizers()) <= named
    assert {name for name in named if name.startswith("reference.")} <= set(optimizers())


def test_the_experiment_on_the_page_loads(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    labels = [setting.label for setting in load(tmp_path, shown).settings]
    assert labels == ["adam lr=0.001", "reference.adam lr=0.001 bias_correction=false"]
