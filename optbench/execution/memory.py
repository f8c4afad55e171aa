"""How much memory training may take. No torch, but for what a GPU has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHARE = 0.8  # of what is free: others need some too, and estimates are estimates


def available_memory() -> int:
    """Bytes that this process and its children may take before the system has to swap or kill.

    A container's limit counts where it is lower than what the machine has.
    """
    import psutil

    return min([psutil.virtual_memory().available, *_control_group_rooms(Path("/"))])


def process_memory() -> int:
    """Bytes that this process holds now."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def device_memory(device: str) -> int:
    """Bytes free on a device: of a CUDA device its own, else those of the machine."""
    import torch

    if torch.device(device).type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return available_memory()


def memory_for_runs(available: int, workers: int, process: int = 0) -> int:
    """Bytes for the runs of each of some workers, whose process takes `process` by itself."""
    return max(int(SHARE * available) // workers - process, 0)


def workers_that_fit(workers: int, need: int, memory: Callable[[int], int]) -> int:
    """The most workers, up to `workers`, whose share of the memory is `need` bytes; at least 1.

    `memory` gives the share of each from how many they are.
    """
    return next((n for n in range(workers, 1, -1) if memory(n) >= need), 1)


def _control_group_rooms(root: Path) -> Iterator[int]:
    """What the limits of this process's Linux control groups leave, from the inmost outwards."""
    try:
        memberships = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in memberships:
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            yield from _rooms(root / "sys/fs/cgroup", group, "memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            names = "memory.limit_in_bytes", "memory.usage_in_bytes"
            yield from _rooms(root / "sys/fs/cgroup/memory", group, *names)


def _rooms(mount: Path, group: str, limit_name: str, usage_name: str) -> Iterator[int]:
    """Limit minus use of a group and of those around it; a container may see the mount alone."""
    inmost = mount / group.strip("/")
    for folder in (inmost, *inmost.parents):
        if not folder.is_relative_to(mount):
            return
        limit, usage = _number(folder / limit_name), _number(folder / usage_name)
        if limit is not None and usage is not None:
            yield max(limit - usage + _cache(folder), 0)


def _number(path: Path) -> int | None:
    """The file's number; None where there is no such file or it says `max`."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _cache(folder: Path) -> int:
    """Bytes of files that the kernel keeps and can drop, which count as used."""
    try:
        lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    found = dict(line.split(" ", 1) for line in lines)
    return int(found.get("total_inactive_file", found.get("inactive_file", 0)))
