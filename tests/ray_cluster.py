"""A Ray cluster of several nodes on this machine, each with a loopback address of its own."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

PATIENCE = 120.0  # seconds, for what takes well under twenty
QUICK_TO_NOTICE = {  # a node that does not answer any more
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "5",
}
RAY = "import sys; from ray.scripts.scripts import main; sys.exit(main())"


@dataclass
class RayNodes:
    """A head without processors, where commands run, and nodes of one processor each.

    `token` is None for a cluster that anybody may use.
    """

    nodes: int = 2
    token: str | None = field(default_factory=lambda: secrets.token_hex(16))
    words: tuple[str, ...] = ()  # more for `ray start` of the nodes
    of_nodes: dict[str, str] = field(default_factory=dict)  # more for their environment
    of_all: dict[str, str] = field(default_factory=dict)  # and for the head's

    def __enter__(self) -> Self:
        self.folder = tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)
        self.address = f"127.0.0.2:{_free_port()}"
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        try:
            port = self.address.partition(":")[2]
            self._start("127.0.0.2", "--head", f"--port={port}", "--num-cpus=0")
            for number in range(self.nodes):
                self.add(f"127.0.0.{number + 3}")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def environment(self) -> dict[str, str]:
        """What a command has to know of the cluster, beside its address."""
        return _access(self.token) | {"RAY_USAGE_STATS_ENABLED": "0"}

    def add(self, ip: str) -> None:
        self._start(ip, f"--address={self.address}", "--num-cpus=1", *self.words)

    def processes(self, ip: str) -> list[psutil.Process]:
        """Those of a node: `ray start`, its raylet, its workers."""
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(self.started[ip].pid)
            return [first, *first.children(recursive=True)]
        return []

    def signal(self, ip: str, number: int) -> None:
        """Do the same to all processes of a node, as if its power went."""
        for process in self.processes(ip):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def kill(self, ip: str) -> None:
        self.signal(ip, signal.SIGKILL)
        self.started.pop(ip).wait()

    def _start(self, ip: str, *words: str) -> None:
        log = Path(self.folder.name) / f"{ip}.log"
        command = [sys.executable, "-c", RAY, "start", "--block", f"--node-ip-address={ip}"]
        command += ["--min-worker-port=0", "--max-worker-port=0", "--disable-usage-stats"]
        command += ["--dashboard-agent-listen-port=0", "--object-store-memory=100000000"]
        own = QUICK_TO_NOTICE | self.of_all | self.of_nodes
        if "--head" in words:
            own = QUICK_TO_NOTICE | self.of_all
            command += ["--include-dashboard=false", f"--temp-dir={self.folder.name}"]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [*command, *words],
                env=_without_access(os.environ)
                | self.environment
                | QUICK_TO_NOTICE
                | self.of_all
                | own,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        self.started[ip] = process
        waited = psutil.Process(process.pid)
        while b"Ray runtime started" not in log.read_bytes():
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
            with suppress(psutil.TimeoutExpired):
                waited.wait(0.2)

    def _end(self) -> None:
        for ip in list(self.started):
            self.kill(ip)
        self.folder.cleanup()


def _access(token: str | None) -> dict[str, str]:
    if token is None:
        return {"RAY_AUTH_MODE": "disabled"}
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}


def _without_access(environment: Mapping[str, str]) -> dict[str, str]:
    hidden = {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_ADDRESS"}
    return {name: value for name, value in environment.items() if name not in hidden}


def _free_port() -> int:
    """One below those that Ray gives to workers."""
    for port in range(6400, 10_000):
        with socket.socket() as candidate, suppress(OSError):
            candidate.bind(("127.0.0.2", port))
            return port
    raise RuntimeError("no port is free")
