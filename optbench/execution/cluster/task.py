"""What a node of a Ray cluster does: rehearses a plan, trains a cohort, tells what happens."""

from __future__ import annotations

import dataclasses
import platform
import sys
import warnings
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from optbench.errors import EnvironmentFault, OptbenchError
from optbench.execution.cluster.messages import (
    Assigned,
    Placed,
    Versions,
    Written,
    packed,
    unpacked,
)
from optbench.execution.cluster.relayed import STATES, RelayedDirectory, pointless
from optbench.execution.wire import Broken, Happened, Moved
from optbench.training.events import Advanced
from optbench.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from optbench.catalog.datasets import Data, Examples
    from optbench.execution.cluster.messages import FromTask
    from optbench.execution.cluster.staging import StagingFolder
    from optbench.training.events import Event

FLUSH_SECONDS = 0.2  # what waits longer is sent, so that whoever watches sees a run move
FLUSH_BYTES = 4 << 20  # checkpoints that wait take memory here


def versions() -> Versions:
    """Those of this process, without importing what takes long."""
    try:
        torch = version("torch").partition("+")[0]
    except PackageNotFoundError:
        torch = ""
    return Versions(VERSION, torch, ".".join(platform.python_version_tuple()[:2]))


def warm_up() -> None:
    """Import what training takes, before a cohort waits for it."""
    from optbench.execution.worker import Worker  # noqa: F401
    from optbench.training.device import finish_imports

    finish_imports()


def rehearse_plan(expected: Versions, content: bytes) -> bytes:
    """A packed plan rehearsed on this node: a packed `Rehearsed`, or `Broken`."""
    try:
        _refuse_other_versions(expected)
        from optbench.execution.rehearsal import rehearse

        return packed(rehearse(unpacked(content, {})))
    except OptbenchError as error:
        return packed(Broken(error))


def train_cohort(
    expected: Versions, content: bytes, data: Data, staging: StagingFolder | None = None
) -> Iterator[bytes]:
    """Train packed `Assigned` runs: packed lists of messages, what is to be written among them.

    `data` are those of their problem, in memory that other processes of the node share. What is
    too big to be told goes into `staging`.
    """
    try:
        yield packed([Placed(_node())])
        _refuse_other_versions(expected)
        if staging is not None:
            yield packed([staging.answer()])
        yield from _train(unpacked(content, {}), data, staging)
    except OptbenchError as error:
        yield packed([Broken(error)])


def _train(cohort: list[Assigned], data: Data, staging: StagingFolder | None) -> Iterator[bytes]:
    from optbench.execution.claim import Claimed
    from optbench.execution.signals import Interruptions
    from optbench.execution.worker import Worker

    outbox = _Outbox(cohort, staging)
    claimed = [Claimed(each.planned, outbox.directory(each)) for each in cohort]
    worker = Worker(lambda _: _writable(data), Interruptions())
    with warnings.catch_warnings():
        # Torch can't know that nothing writes to the images, which are scaled into new memory.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        for event in worker.train_claimed(claimed):
            outbox.tell(event)
            if outbox.due:
                yield outbox.emptied()
    yield outbox.emptied()


class _Outbox:
    """What has not been sent yet, without what later messages make pointless."""

    def __init__(self, cohort: list[Assigned], staging: StagingFolder | None) -> None:
        self.staging = staging
        self.indices = {each.planned.run.hash: each.index for each in cohort}
        self._messages: dict[Hashable, FromTask] = {}
        self._count = 0
        self._bytes = 0
        self._sent = monotonic()
        self._lock = Lock()  # a thread tells of what follows a commit

    def directory(self, assigned: Assigned) -> RelayedDirectory:
        write = partial(self.write, assigned.index)
        return RelayedDirectory(assigned.path, write, assigned.stored, assigned.checkpoints)

    def write(self, index: int, method: str, arguments: tuple[Any, ...]) -> None:
        """Where a run stands later says all that it said before."""
        once = method in STATES
        with self._lock:
            for stale in pointless(method, arguments):
                self._messages.pop((index, stale), None)
            self._add(Written(index, method, arguments), (index, method) if once else None)
            self._bytes += sum(len(value) for value in arguments if isinstance(value, bytes))

    def tell(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, Advanced):
                self._add(Moved(self.indices[event.run.hash], event.record))
            else:
                self._add(Happened(event))

    def _add(self, message: FromTask, key: Hashable = None) -> None:
        self._count += 1
        self._messages[key or self._count] = message

    @property
    def due(self) -> bool:
        return self._bytes > FLUSH_BYTES or monotonic() - self._sent > FLUSH_SECONDS

    def emptied(self) -> bytes:
        with self._lock:
            messages = [*self._messages.values()]
            self._messages, self._bytes, self._sent = {}, 0, monotonic()
        if self.staging is not None:
            messages = _staged(messages, self.staging)
        return packed(messages, frozenset(self.indices))


def _staged(messages: list[FromTask], staging: StagingFolder) -> list[FromTask]:
    """The messages, with the bytes that they are about in files."""
    writes = [message for message in messages if isinstance(message, Written)]
    contents = [value for one in writes for value in one.arguments if isinstance(value, bytes)]
    files = iter(staging.stage(contents))

    def told(value: object) -> object:
        return next(files) if isinstance(value, bytes) else value

    return [
        dataclasses.replace(message, arguments=tuple(map(told, message.arguments)))
        if isinstance(message, Written)
        else message
        for message in messages
    ]


def _writable(data: Data) -> Data:
    """Data that a model may be given as they are: what Ray shares can't be written to."""
    import numpy as np

    from optbench.catalog.datasets.mapped import Mapped

    def own(examples: Examples) -> Examples:
        if isinstance(examples.inputs, Mapped) or examples.inputs.dtype == np.uint8:
            return examples  # read or scaled, and so copied, wherever it is used
        return dataclasses.replace(examples, inputs=examples.inputs.copy())

    held_out = None if data.validation is None else own(data.validation)
    return dataclasses.replace(
        data, train=own(data.train), validation=held_out, test=own(data.test)
    )


def _node() -> str:
    """The id of the node that this process is on; empty where it is on none."""
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return ""
    return str(ray.get_runtime_context().get_node_id())


def _refuse_other_versions(expected: Versions) -> None:
    difference = expected.difference(versions())
    if difference:
        raise EnvironmentFault(
            f"{platform.node()} has {difference}; install the same on every node of the cluster"
        )
