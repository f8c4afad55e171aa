"""Where locks, signals and pipes of POSIX are missing. There is no Windows here: it is made up."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

WINDOWS = """
import shutil, signal, sys  # shutil knows the true system
for name in ("fcntl", "resource", "termios", "pwd"):
    sys.modules[name] = None
del signal.SIGKILL
sys.platform = "win32"
"""
COMMAND = "sys.argv[1:] = ['runs', 'list']; from optbench.__main__ import main; main()"
REFUSED = "optbench needs Linux or macOS, and this Python was built for win32"


def windows(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WINDOWS + source]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_command_on_windows_is_one_clear_error(tmp_path: Path) -> None:
    done = windows(COMMAND, tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith(REFUSED)
    assert "WSL 2" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["run", "compare", "load_runs"])
def test_what_python_imports_on_windows_says_the_same(tmp_path: Path, name: str) -> None:
    done = windows(f"from optbench import {name}", tmp_path)
    assert f"EnvironmentFault: {REFUSED}" in done.stderr
    assert "ModuleNotFoundError" not in done.stderr
