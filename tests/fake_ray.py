"""As much of Ray as a study asks for, in this process, with faults where a test wants them."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from optbench.execution.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import pytest


class RayError(Exception):
    """Of which all others of Ray's are."""


class RayTaskError(RayError):
    """What a task has raised, which is `cause`; the text is its traceback."""

    cause: BaseException | None = None


class WorkerCrashedError(RayError):
    """A task's process has died."""


class OtherRayError(RayError):
    """What a study asks for, and no test brings about."""


EXCEPTIONS = SimpleNamespace(
    RayError=RayError,
    RayTaskError=RayTaskError,
    WorkerCrashedError=WorkerCrashedError,
    OutOfMemoryError=type("OutOfMemoryError", (OtherRayError,), {}),
    GetTimeoutError=type("GetTimeoutError", (OtherRayError,), {}),
    ObjectStoreFullError=type("ObjectStoreFullError", (OtherRayError,), {}),
    OutOfDiskError=type("OutOfDiskError", (OtherRayError,), {}),
)


@dataclass(frozen=True)
class Fault:
    """What comes instead of a stream's next message; without an error nothing comes any more."""

    after: int
    error: RayError | None = None


@dataclass
class Stream:
    """What a task yields. It begins when it is asked, and goes on however little it is heard."""

    contents: Generator[bytes]
    fault: Fault | None = None
    told: int = 0
    cancelled: bool = False

    @property
    def is_silent(self) -> bool:
        fault = self.fault
        return fault is not None and fault.error is None and self.told >= fault.after

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __next__(self) -> Any:
        if self.fault is not None and self.told == self.fault.after:
            raise self.fault.error or RuntimeError("nothing is to be read of this stream")
        self.told += 1
        return SimpleNamespace(value=next(self.contents))

    def go_on(self) -> None:
        """Do the rest of it, as a node does that was given up and comes back."""
        for _ in self.contents:
            pass


@dataclass
class FakeRay:
    """A cluster of one node with a processor, and of those named by `others`.

    `faults` are by the number of the stream that they happen to, from 0.
    """

    exceptions: ClassVar[Any] = EXCEPTIONS
    faults: dict[int, Fault] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    begun: ClassVar[list[Stream]] = []  # of all clusters

    @classmethod
    def end_all(cls) -> None:
        """End the processes of all clusters; what they train is in this one and would stay."""
        for stream in cls.begun:
            stream.contents.close()
        cls.begun.clear()

    def nodes(self) -> list[dict[str, Any]]:
        has = {"CPU": 1.0, "memory": 8e9}
        return [
            {"NodeID": name, "Alive": True, "Resources": has} for name in ("node", *self.others)
        ]

    def remote(self, function: Callable[..., Any]) -> Any:
        def begin(*arguments: Any) -> Any:
            found = function(*(getattr(one, "value", one) for one in arguments))
            if found is None or isinstance(found, bytes):
                return self.put(found)
            self.streams.append(Stream(found, self.faults.get(len(self.streams))))
            self.begun.append(self.streams[-1])
            return self.streams[-1]

        task = SimpleNamespace(remote=begin)
        return SimpleNamespace(options=lambda **_: task)

    def put(self, value: Any) -> Any:
        return SimpleNamespace(value=value)

    def get(self, reference: Any, timeout: float | None = None) -> Any:
        return reference.value

    def wait(
        self, streams: list[Stream], num_returns: int, timeout: float
    ) -> tuple[list[Stream], list[Stream]]:
        ready = [stream for stream in streams if not stream.is_silent][:num_returns]
        return ready, [stream for stream in streams if stream not in ready]

    def cancel(self, stream: Stream, *, force: bool) -> None:
        stream.cancelled = True


def drive_by(main: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the processes that talk to Ray begin with a function, whether there is Ray or not."""
    find, begin = importlib.util.find_spec, Process.__init__
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *more: find("os" if name == "ray" else name, *more)
    )
    function = f"{main.__module__}:{main.__name__}"
    monkeypatch.setattr(
        "optbench.execution.cluster.executor.Driver.__init__",
        lambda self: begin(self, function, silent=True),
    )
