"""A reader that leaves, a full disk and a closed stream behind standard output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from experiments import command, write_experiment

FULL = Path("/dev/full")


def shell(line: str, cwd: Path) -> int:
    """The exit code of the first program of a shell's pipeline."""
    program = f"{sys.executable} -m optbench"
    script = f"set -o pipefail; {line.replace('optbench', program)}; exit ${{PIPESTATUS[0]}}"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(["bash", "-c", script], cwd=cwd, env=environment, check=False)
    return done.returncode


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    assert command("run", write_experiment(tmp_path), "--runs-dir", tmp_path / "runs").code == 0
    return tmp_path


def test_a_reader_that_leaves_is_no_error(trained: Path) -> None:
    assert shell("optbench compare | head -n 0", trained) == 0


def test_training_goes_on_when_its_reader_leaves(tmp_path: Path) -> None:
    write_experiment(tmp_path)
    assert shell("optbench run tiny.yaml | head -n 1", tmp_path) == 0
    assert len(list(tmp_path.glob("runs/*/*/weights.pt"))) == 1


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_standard_output_is_told(trained: Path) -> None:
    assert shell("optbench compare > /dev/full", trained) == 4


def test_a_closed_standard_output_is_no_error(trained: Path) -> None:
    assert shell("optbench compare >&-", trained) == 0
