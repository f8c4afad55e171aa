"""What `optbench check` is asked for: names, paths and arguments, refused before torch is there."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from optbench.catalog.candidate import candidate
from optbench.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def test_arguments_are_kept_as_they_were_given_and_defaults_left_to_the_class() -> None:
    found = candidate("adam", ["betas=[0.8, 0.9]", "eps=1e-6"])
    assert found.setting.optimizer == {"name": "adam", "betas": [0.8, 0.9], "eps": 1e-6}
    assert found.given == "betas=[0.8, 0.9] eps=1e-06"
    assert (found.first, found.missing, found.takes_lr) == ("params", (), True)
    assert found.at(0.5).optimizer["lr"] == 0.5
    assert not candidate("adam", ["lr=0.1"]).takes_lr


def test_a_preset_is_what_its_name_means() -> None:
    optimizer = candidate("momentum", ["lr=0.1"]).setting.optimizer
    assert optimizer == {"name": "sgd", "momentum": 0.9, "lr": 0.1}


def test_what_has_no_default_is_noted_rather_than_refused() -> None:
    found = candidate("broken_optimizers:NeedsMore")
    assert found.missing == ("horizon",)
    assert candidate("broken_optimizers:NeedsMore", ["horizon=3"]).missing == ()
    assert candidate("broken_optimizers:NeedsLr").missing == ("lr",)
    assert candidate("broken_optimizers:Wraps").first == "optimizer"


def test_a_file_is_found_from_here_and_known_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text("import torch\nclass Mine(torch.optim.SGD): pass\n")
    monkeypatch.chdir(tmp_path)
    setting = candidate("./mine.py:Mine").setting
    assert setting.optimizer["name"] == f"{tmp_path}/mine.py:Mine"
    assert len(str(setting.plugins[f"{tmp_path}/mine.py:Mine"])) == 64  # SHA-256


@pytest.mark.parametrize(
    ("target", "assignments", "message"),
    [
        ("adamm", [], "check adamm: name: unknown optimizer 'adamm'\n  did you mean 'adam'?"),
        ("nowhere:Adam", [], "there is no module named 'nowhere'"),
        ("torch.optim:Addam", [], "has no 'Addam'\n  did you mean 'Adam'?"),
        ("./missing.py:Mine", [], "there is no file"),
        ("string:Formatter", [], "Formatter is not a torch.optim.Optimizer"),
        ("adam", ["lr"], "must be key=value, has no '='\n  --set lr=VALUE"),
        ("adam", ["learning_rate=1"], "Adam has no such argument\n  did you mean 'lr'?"),
        ("adam", ["lr=-1"], "lr: must be greater than 0, got -1"),
    ],
)
def test_what_leads_nowhere_is_refused_with_a_remedy(
    target: str, assignments: list[str], message: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        candidate(target, assignments)
    assert message in str(refusal.value)


def test_nothing_of_torch_is_imported_for_it() -> None:
    code = (
        "import sys; from optbench.catalog.candidate import candidate\n"
        "import optbench.execution.examination, optbench.commands.check\n"
        "candidate('torch.optim:Adam'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
