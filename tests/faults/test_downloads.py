"""Mirrors that misbehave, and many who ask them at once."""

from __future__ import annotations

import hashlib
import multiprocessing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from mirror_server import LONG, serving

from faults.counts import is_full, times
from faults.sabotage import Sabotage
from optbench.catalog.datasets.download import download
from optbench.catalog.datasets.remote import Remote, UnavailableError
from optbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.injections import Injection

pytestmark = pytest.mark.faults

CONTENT = bytes(range(256)) * 400
FAULTS = ["short", "stall", "drip", "500", "wrong", "gone"]


@dataclass(frozen=True)
class Pinned:
    """A file known by its SHA-256."""

    name: str = "images.bin"
    sha256: str = hashlib.sha256(CONTENT).hexdigest()

    @property
    def archive(self) -> str:
        return self.name

    def locate(self, folder: Path) -> Path | None:
        path = folder / self.name
        return path if path.exists() else None

    def check(self, path: Path) -> None:
        if hashlib.sha256(path.read_bytes()).hexdigest() != self.sha256:
            raise DataError(f"{path} is another file")


def bring(folder: Path, url: str, patience: float) -> None:
    remote = Remote((url,), {})
    download([Pinned()], folder, remote, lambda _: None, stall=patience, window=patience)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_bad_mirror_leaves_no_file_whoever_asks(
    tmp_path: Path, kind: str, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("download", f"a mirror on the loopback interface: {kind}")
    for number in range(times(20)):
        folder = tmp_path / str(number)
        with fault.holds():
            with serving({"images.bin": CONTENT}, kind) as mirror, pytest.raises(UnavailableError):
                bring(folder, mirror.url, 0.3)
            left = {path.name for path in folder.iterdir()} if folder.exists() else set()
            assert left <= {".download.lock"}


def test_of_many_clients_one_downloads(
    tmp_path: Path, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("download", "16 processes at once")
    many = 16 if is_full() else 4
    context = multiprocessing.get_context("forkserver")
    for number in range(times(10)):
        folder = tmp_path / str(number)
        with fault.holds(many):
            with serving({"images.bin": CONTENT}, clients=many) as mirror:  # then comes the body
                clients = [
                    context.Process(target=bring, args=(folder, mirror.url, LONG))
                    for _ in range(many)
                ]
                for client in clients:
                    client.start()
                for client in clients:
                    client.join(LONG)
            assert [client.exitcode for client in clients] == [0] * many
            assert mirror.count("GET") == 2  # torchvision asks where the file is, then for it
            assert {path.name for path in folder.iterdir()} == {"images.bin", ".download.lock"}
            assert (folder / "images.bin").read_bytes() == CONTENT


SABOTAGE = [
    Sabotage(
        "download",
        "the look at what arrived",
        "optbench/catalog/datasets/download.py",
        "            file.check(scratch / file.archive)\n",
        "",
        "test_a_bad_mirror_leaves_no_file_whoever_asks",
    ),
    Sabotage(
        "download",
        "the least pace",
        "optbench/catalog/datasets/pace.py",
        "            if self._bytes < LEAST * self._window:\n",
        "            if False:\n",
        "test_a_bad_mirror_leaves_no_file_whoever_asks[drip]",
    ),
    Sabotage(
        "download",
        "the lock",
        "optbench/catalog/datasets/alone.py",
        "            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "            pass\n",
        "test_of_many_clients_one_downloads",
    ),
]
