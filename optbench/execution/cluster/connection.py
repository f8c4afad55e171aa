"""Joining a Ray cluster, or starting one of this machine's for a command; who else could."""

from __future__ import annotations

import importlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from optbench.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from optbench.execution.signals import Interruptions

DEADLINE = 20.0  # seconds until a cluster has to answer
# Asks a cluster for something that takes its token, in a process that can be given up.
_ASK = """
import sys
from ray._raylet import GcsClient
from ray.exceptions import AuthenticationError
try:
    GcsClient(address=sys.argv[1]).internal_kv_keys(b"", b"session", timeout=10)
except AuthenticationError:
    sys.exit(3)
"""
_LET_IN, _TURNED_AWAY = 0, 3
_TEMPORARY = Path("/tmp")  # noqa: S108  (folders in it are made by mkdtemp)
_OTHER_VERSIONS = "; install the same Ray and Python on every machine of it"
_LOCAL = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # on Linux too: listen on 127.0.0.1 alone
    "RAY_USAGE_STATS_ENABLED": "0",
}


@dataclass(frozen=True)
class RayOptions:
    """Which cluster, and how: `address` is None for one of this machine's, or `auto`.

    `gpus` are what a cohort takes where it trains on one; `insecure` allows a cluster where
    whoever reaches it can run anything; with `shared_store` nodes write big files to the store,
    which all of them see.
    """

    address: str | None = None
    gpus: float = 1.0
    insecure: bool = False
    shared_store: bool = False


def ray_options(
    executor: str,
    address: str | None,
    gpus: float | None,
    *,
    insecure: bool,
    shared_store: bool,
) -> RayOptions | None:
    """What the command line says of Ray; None where it asks for this machine's own processes."""
    if executor == "ray":
        return RayOptions(address, 1.0 if gpus is None else gpus, insecure, shared_store)
    if executor != "local":
        raise UsageError(f"--executor must be local or ray, got {executor}")
    if address is not None or gpus is not None or insecure or shared_store:
        raise UsageError(
            "--ray-address, --ray-gpus, --ray-insecure and --shared-store need --executor ray"
        )
    return None


@contextmanager
def connected(asked: RayOptions, workers: int, interruptions: Interruptions) -> Iterator[Any]:
    """The `ray` module, connected; a cluster of this machine's ends with the context.

    Raises `UsageError` where a token is missing, or the cluster is open to everybody, and
    `EnvironmentFault` where it can't be reached or has another version.
    """
    with ExitStack() as undone:
        with interruptions.shielded():
            ray = _start(workers, undone) if asked.address is None else _join(asked, undone)
            undone.callback(_leave, ray, interruptions)
        yield ray


def _leave(ray: Any, interruptions: Interruptions) -> None:
    with interruptions.shielded():
        ray.shutdown()


def _start(workers: int, undone: ExitStack) -> Any:
    """A cluster of this machine alone, that nobody else can use."""
    undone.enter_context(_environment(_LOCAL | {"RAY_AUTH_TOKEN": _token()}))
    folder = _scratch()
    undone.callback(shutil.rmtree, folder, ignore_errors=True)
    ray = _initialized(
        "this machine",
        address="local",
        num_cpus=workers,
        include_dashboard=False,
        _temp_dir=folder,
        _node_ip_address="127.0.0.1",
    )
    _end_autoscaler()
    return ray


def _end_autoscaler() -> None:
    """There is nothing to scale on one machine, and `ray.shutdown` would wait a second for it."""
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if any(word.endswith("/autoscaler/_private/monitor.py") for word in child.cmdline()):
                child.kill()


def _scratch() -> str:
    """A folder for Ray's logs and sockets, which must not have long names, as under many a TMPDIR.

    Those of commands that were killed are removed.
    """
    for left in _TEMPORARY.glob("optbench-ray-*-*"):
        pid = left.name.split("-")[2]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"optbench-ray-{os.getpid()}-", dir=_TEMPORARY)


@cache
def _token() -> str:
    """Of all clusters that this process starts: Ray reads it once."""
    return secrets.token_hex(32)


def _join(asked: RayOptions, undone: ExitStack) -> Any:
    """A cluster that is there, if it asks whoever comes for a token."""
    undone.enter_context(_environment({} if asked.insecure else {"RAY_AUTH_MODE": "token"}))
    address = _found(str(asked.address))
    _check_reachable(address)
    if not asked.insecure:
        _check_token(address)
    return _initialized(f"the Ray cluster at {address}", address=address)


def _initialized(where: str, **arguments: Any) -> Any:
    """`ray.init`, quiet, with the signals as they were before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray = importlib.import_module("ray")
        with _signals_kept():
            try:
                ray.init(log_to_driver=False, logging_level="ERROR", **arguments)
            except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
                ray.shutdown()
                told = " ".join(str(error).split())
                remedy = _OTHER_VERSIONS if told.startswith("Version mismatch") else ""
                raise EnvironmentFault(f"can't use {where}: {told}{remedy}") from error
    return ray


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """These variables set, for Ray and what it starts, and put back in the end."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _found(address: str) -> str:
    """`host:port`, of `auto` that of the cluster that this machine is a node of."""
    if address.startswith("ray://"):
        raise UsageError(
            f"--ray-address: {address} is for Ray's client; run this on a node of the cluster, "
            "with --ray-address auto"
        )
    if address == "auto":
        services = importlib.import_module("ray._private.services")
        found = {os.environ.get("RAY_ADDRESS", "")} - {""} or services.find_gcs_addresses()
        if len(found) != 1:
            what = f"in several: {', '.join(sorted(found))}" if found else "in no Ray cluster"
            raise EnvironmentFault(
                f"--ray-address auto: this machine is {what}; name HOST:PORT, or `ray start` one"
            )
        return str(*found)
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"--ray-address must be auto or HOST:PORT, got {address}")
    return address


def _check_reachable(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), DEADLINE / 2).close()
    except (OSError, OverflowError) as error:
        raise EnvironmentFault(f"no Ray cluster answers at {address}: {error}") from error


def _check_token(address: str) -> None:
    """Refuse a cluster that would take anybody, and tell of a token that it doesn't take."""
    openly, ours = _Asking(address, "disabled"), _Asking(address, "token")
    answers = openly.answer(), ours.answer()
    if answers[0] == _LET_IN:
        raise UsageError(
            f"the Ray cluster at {address} runs what anybody who reaches it sends, as it was "
            "started without RAY_AUTH_MODE=token; start it with a token, or allow it by "
            "--ray-insecure"
        )
    if answers[1] == _LET_IN:
        return
    if _TURNED_AWAY not in answers:
        raise EnvironmentFault(f"no Ray cluster answers at {address} within {DEADLINE:g} s")
    given = "does not take the token of this machine" if _has_token() else "asks for a token"
    raise UsageError(
        f"the Ray cluster at {address} {given}; put the cluster's into RAY_AUTH_TOKEN, into the "
        "file that RAY_AUTH_TOKEN_PATH names, or into ~/.ray/auth_token"
    )


def _has_token() -> bool:
    named = os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token"
    return bool(os.environ.get("RAY_AUTH_TOKEN")) or Path(named).is_file()


class _Asking:
    """A process that asks a cluster for something, with the token of this machine or without."""

    def __init__(self, address: str, mode: str) -> None:
        hidden = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH") if mode == "disabled" else ()
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        self.process = subprocess.Popen(  # noqa: S603  (this program itself)
            [sys.executable, "-c", _ASK, address],
            env=kept | {"RAY_AUTH_MODE": mode},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def answer(self) -> int:
        """How it ended; by a signal where the deadline passed."""
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
