"""How much memory there is to train in, whatever the machine or the container allows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from optbench.execution.memory import (
    _control_group_rooms,
    available_memory,
    device_memory,
    memory_for_runs,
    process_memory,
    workers_that_fit,
)

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30
V1_UNLIMITED = 9223372036854771712  # what the kernel's documentation has there


def write(root: Path, files: dict[str, object]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n", encoding="ascii")
    return root


def test_no_more_is_available_than_the_machine_has() -> None:
    assert 0 < available_memory() <= psutil.virtual_memory().total
    assert device_memory("cpu") <= psutil.virtual_memory().total
    assert 0 < process_memory() < psutil.virtual_memory().total


def test_the_limit_of_a_second_version_control_group_counts(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/user.slice/study.service"
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user.slice/study.service",
            f"{group}/memory.max": 4 * GIB,
            f"{group}/memory.current": 3 * GIB,
            f"{group}/memory.stat": f"anon 5\ninactive_file {GIB // 2}\nfile 7",
            "sys/fs/cgroup/user.slice/memory.max": "max",
            "sys/fs/cgroup/user.slice/memory.current": 9 * GIB,
        },
    )
    # 4 - 3, and what the kernel holds of files and can drop
    assert list(_control_group_rooms(root)) == [GIB + GIB // 2]


def test_the_limit_of_a_first_version_control_group_counts(tmp_path: Path) -> None:
    memory = "sys/fs/cgroup/memory"
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "9:name=systemd:/\n4:cpu,memory:/docker/abc\n0::/",
            f"{memory}/docker/abc/memory.limit_in_bytes": 2 * GIB,
            f"{memory}/docker/abc/memory.usage_in_bytes": 3 * GIB,  # over it already
            f"{memory}/memory.limit_in_bytes": V1_UNLIMITED,
            f"{memory}/memory.usage_in_bytes": 0,
        },
    )
    assert list(_control_group_rooms(root)) == [0, V1_UNLIMITED]


def test_a_container_that_sees_only_its_own_group_is_under_its_limit(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/../outside/not-mounted-here",
            "sys/fs/cgroup/memory.max": GIB,
            "sys/fs/cgroup/memory.current": 0,
        },
    )
    assert list(_control_group_rooms(root)) == [GIB]


def test_without_control_groups_nothing_limits(tmp_path: Path) -> None:
    assert list(_control_group_rooms(tmp_path)) == []


@pytest.mark.parametrize(
    ("need", "workers"),
    [(GIB, 4), (8 * GIB // 3 - GIB, 3), (3 * GIB, 2), (7 * GIB, 1), (99 * GIB, 1)],
)
def test_workers_are_as_many_as_their_processes_and_runs_fit(need: int, workers: int) -> None:
    # Of 10 GiB 8 are to be had: for 4 processes of 1 GiB with 1 each, 2 with 3, 1 with 7.
    share = partial(memory_for_runs, 10 * GIB, process=GIB)
    assert workers_that_fit(4, need, share) == workers
