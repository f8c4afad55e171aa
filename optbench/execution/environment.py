"""What a run's results may depend on beside its configuration: recorded with each."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

# A run that stopped under other values of these can't go on to the same bits.
_SAME_BITS = ("torch", "device", "threads", "cpu_capability")

Environment = dict[str, str | float | int | None]


def describe_environment(device: str) -> Environment:
    """Versions, device and processor of this process; torch has been imported already."""
    import torch

    return {
        "optbench": VERSION,
        "python": platform.python_version(),
        "torch": str(torch.__version__),  # a class of torch's: to read one elsewhere imports it
        "numpy": version("numpy"),
        "device": device,
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "processor": _processor(),
        "host": platform.node(),
        "system": platform.system(),
    }


def same_bits(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether a run begun in one environment can be resumed in the other."""
    return all(one.get(key) == other.get(key) for key in _SAME_BITS)


def installed_torch() -> str:
    """torch's version without its build, told without importing it."""
    return version("torch").partition("+")[0]


def _processor() -> str:
    """The processor's name as Linux knows it, else as Python does."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
