"""What optbench asks of the operating system."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from optbench.errors import EnvironmentFault


def require_posix() -> None:
    """Raise `EnvironmentFault` on Windows, and wherever else runs could not be locked."""
    if find_spec("fcntl") is None:
        raise EnvironmentFault(
            f"optbench needs Linux or macOS, and this Python was built for {sys.platform}: the "
            "locks, signals and pipes that keep runs whole are POSIX's.\n"
            "On Windows it runs in WSL 2, the Windows Subsystem for Linux (docs/platforms.md)"
        )
