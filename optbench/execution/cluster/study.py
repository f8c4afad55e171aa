"""A plan on a Ray cluster: cohorts are its tasks, the store stays here."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from optbench.errors import EnvironmentFault
from optbench.execution.cluster.attempt import Attempt
from optbench.execution.cluster.messages import Placed, Said, Written, packed, unpacked
from optbench.execution.cluster.nodes import Nodes
from optbench.execution.cluster.staging import staging
from optbench.execution.cluster.task import rehearse_plan, train_cohort, versions, warm_up
from optbench.execution.cohorts import cohort_bytes
from optbench.execution.data import data_key, load_data
from optbench.execution.deal import deal
from optbench.execution.deaths import bury, halves
from optbench.execution.wire import Broken, Happened, Moved
from optbench.store.staged import Staged
from optbench.training.events import Ended, Unbegun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor, Future

    from optbench.config.spec import Setting
    from optbench.execution.cluster.messages import FromDriver, FromTask, Order
    from optbench.execution.cluster.staging import Staging
    from optbench.execution.cohorts import Cohort, Footprint
    from optbench.execution.deal import Rehearsed
    from optbench.execution.signals import Interruptions

UNREAD = 4  # messages that a task may be ahead of the driver; then it waits
WRITERS = 16  # threads that store what tasks tell; they wait for the disk
FETCH = 0.5  # seconds to wait for what is known to be on its way
LOOK = 2.0  # seconds between looks at which nodes there are
MOST_LOSSES = 5  # nodes that a run may be lost with before it is taken for the reason


class Study:
    """A plan's cohorts that wait, and those that a task of the cluster has."""

    def __init__(
        self,
        ray: Any,
        order: Order,
        tell: Callable[[Sequence[FromDriver]], None],
        interruptions: Interruptions,
        data: dict[str, Any],
    ) -> None:
        """`ray` is connected; `tell` is told what happens; `data` are what Ray has, by key."""
        self.ray = ray
        self.order = order
        self.plan = order.plan
        self.tell = tell
        self.interruptions = interruptions
        functions = warm_up, rehearse_plan, train_cohort
        self.warm_up, self.rehearse_plan, self.train_cohort = map(ray.remote, functions)
        self.to_train = self.plan.to_train
        self.indices = {planned.run.hash: index for index, planned in enumerate(self.to_train)}
        self.runs = {planned.run.hash: planned.run for planned in self.to_train}
        self.waiting: deque[Cohort] = deque()
        self.attempts: list[Attempt] = []
        self.losses: Counter[int] = Counter()
        self.next_look = 0.0
        self.lookout = ThreadPoolExecutor(1)
        self.looking: Future[Nodes] | None = None
        self.staging: Staging | None = None
        self.resources = ExitStack()
        self.resources.callback(self.lookout.shutdown, wait=False)
        self.data = data
        self.versions = versions()
        self.nodes = Nodes.alive(ray)
        devices = (planned.run.device for planned in self.to_train)
        self.gpus = self.nodes.gpus_for(devices, order.asked.gpus)
        self.footprints: Mapping[str, Footprint] = {}
        self.process_bytes = 0

    def train(self) -> None:
        """Until every run has ended; raises as an executor does."""
        if self.order.asked.shared_store:
            store = self.to_train[0].directory.parent.parent
            self.staging = self.resources.enter_context(staging(store))
        self._deal()
        with ThreadPoolExecutor(WRITERS) as writers:
            while self.waiting or self.attempts:
                self._give_up()
                while self.waiting and len(self.attempts) < self.most:
                    self._begin(self.waiting.popleft())
                told = [each for attempt in self._ready() for each in self._heard(attempt)]
                with self.interruptions.shielded():
                    taken = self.take(told, writers)
                    # Still shielded: who watches is to know of an end before a signal does.
                    self.tell(taken)

    def interrupt(self) -> None:
        """Say of the runs that haven't ended that they were stopped."""
        for attempt in self.attempts:
            attempt.interrupt(self.interruptions.reason)

    def dismiss(self) -> None:
        """Leave nothing running."""
        for attempt in self.attempts:
            self.ray.cancel(attempt.stream, force=True)
            attempt.release()
        self.resources.close()

    @property
    def most(self) -> int:
        """Cohorts at a time: a few more than there is room for, so that no node waits for this."""
        slots = self.nodes.slots(self.gpus)
        return self.order.workers or slots + max(slots // 4, 1)

    def _deal(self) -> None:
        """Have a node try every setting out, and cut the plan into cohorts."""
        nodes, asked = self.nodes, self.order.workers
        workers = min(asked or nodes.slots(self.gpus), len(self.to_train))
        to_rehearse = dataclasses.replace(self.plan, runs=self.to_train)
        task = self._task(self.rehearse_plan, max_retries=MOST_LOSSES)
        rehearsal = task.remote(self.versions, packed(to_rehearse))
        self._warm_up(workers - 1)
        self._data(self.to_train[0].run.setting)
        try:
            told = self.ray.get(rehearsal)
        except self.ray.exceptions.RayError as error:
            raise EnvironmentFault(f"a worker could not begin: {_line(error)}") from error
        found: Rehearsed | Broken = unpacked(told, {})
        if isinstance(found, Broken):
            raise found.error
        available = nodes.share * workers
        dealt = deal(self.to_train, nodes.shared(found, self.gpus), available, workers, asked)
        if dealt.warning:
            self._say(dealt.warning)
        self.footprints, self.process_bytes = found.footprints, found.process_bytes
        self.waiting.extend(dealt.cohorts)

    def _warm_up(self, processes: int) -> None:
        """Have torch imported by as many more; one that has a GPU ends with its task."""
        for _ in range(0 if self.gpus else processes):
            self._task(self.warm_up, max_retries=0).remote()

    def _task(self, function: Any, **options: Any) -> Any:
        """With a processor, and the GPU or its part that a cohort trains on."""
        return function.options(num_cpus=1, num_gpus=self.gpus, **options)

    def _say(self, text: str) -> None:
        self.tell([Said(text)])

    def _begin(self, cohort: Cohort) -> None:
        folder = self.staging.folder() if self.staging else None
        attempt = Attempt(self.plan, cohort, folder)
        self.tell([*map(Happened, attempt.claim())])
        if not attempt.left:
            attempt.release()
            return
        need = self.process_bytes + cohort_bytes(attempt.left, self.to_train, self.footprints)
        task = self._task(
            self.train_cohort,
            memory=min(need, self.nodes.largest),  # what fits nowhere is tried where most is
            max_retries=0,  # what is tried again goes on from its last checkpoint
            num_returns="streaming",
            _generator_backpressure_num_objects=UNREAD,
        )
        data = self._data(self.to_train[cohort[0]].run.setting)
        attempt.stream = task.remote(self.versions, packed(attempt.assigned()), data, folder)
        self.attempts.append(attempt)

    def _data(self, setting: Setting) -> Any:
        """A problem's data, given to Ray once; freed are those that no cohort waits for."""
        key = data_key(setting)
        if key not in self.data:
            waiting = {data_key(self.to_train[cohort[0]].run.setting) for cohort in self.waiting}
            for other in self.data.keys() - waiting:
                del self.data[other]
            with self._room():
                self.data[key] = self.ray.put(load_data(setting, self.order.data_dir))
        return self.data[key]

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Say what to do where an object store is full, and the disk that it spills to."""
        full = self.ray.exceptions.ObjectStoreFullError, self.ray.exceptions.OutOfDiskError
        try:
            yield
        except full as error:
            raise EnvironmentFault(
                f"Ray's object store has no room ({_line(error)}); give it more by "
                "`ray start --object-store-memory`, or its disk"
            ) from error

    def _ready(self) -> list[Attempt]:
        """The attempts that have something to tell; after some seconds none."""
        by_stream = {a.stream: a for a in self.attempts if a.next is None}
        late = [attempt for attempt in self.attempts if attempt.next is not None]
        streams = list(by_stream)
        if not streams:
            return late
        ready, _ = self.ray.wait(streams, num_returns=1, timeout=0 if late else LOOK)
        if ready:  # and whichever else: none is to wait for the others
            ready, _ = self.ray.wait(streams, num_returns=len(streams), timeout=0)
        return late + [by_stream[stream] for stream in ready]

    def _give_up(self) -> None:
        """Look which nodes there are, and leave the tasks of those that aren't any more.

        Ray tells of a node that hangs at once, but of its tasks only when a connection breaks.
        """
        if monotonic() < self.next_look:
            return
        self.looking = self.looking or self.lookout.submit(Nodes.alive, self.ray)
        try:
            self.nodes = self.looking.result(FETCH)
        except TimeoutError:
            return  # a head that is gone keeps whoever asks it for a minute, from signals too
        self.next_look, self.looking = monotonic() + LOOK, None
        for attempt in [a for a in self.attempts if a.node and a.node not in self.nodes.ids]:
            self.ray.cancel(attempt.stream, force=True)
            self._lost(attempt, None)

    def _heard(self, attempt: Attempt) -> Iterator[tuple[Attempt, bytes]]:
        """What a task tells next, if it has not ended."""
        try:
            if attempt.next is None:
                attempt.next = next(attempt.stream)
            with self._room():
                content = self.ray.get(attempt.next, timeout=FETCH)
            attempt.next = None
            yield attempt, content
        except self.ray.exceptions.GetTimeoutError:
            pass  # it is on a slow node, or on one that hangs; the others go on meanwhile
        except StopIteration:
            self._forget(attempt)
        except self.ray.exceptions.RayTaskError as error:
            if "ModuleNotFoundError" not in str(error):
                raise  # a mistake in this program
            raise EnvironmentFault(f"a worker could not begin: {_line(error)}") from error
        except self.ray.exceptions.RayError as error:
            self._lost(attempt, error)

    def take(
        self, told: Sequence[tuple[Attempt, bytes]], writers: Executor
    ) -> list[Moved | Happened]:
        """Store what tasks have told, each run in a thread; the messages that go on from here."""
        messages = [
            (attempt, message)
            for attempt, content in told
            for message in unpacked(content, self.runs)
        ]
        writes: defaultdict[tuple[Attempt, int], list[Written]] = defaultdict(list)
        for attempt, message in messages:
            if isinstance(message, Written):
                writes[attempt, message.index].append(message)
        for _ in writers.map(_write, writes.items()):
            pass  # but raise what kept one from the disk
        taken = (self._taken(attempt, message) for attempt, message in messages)
        return [message for message in taken if message is not None]

    def _taken(self, attempt: Attempt, message: FromTask) -> Moved | Happened | None:
        match message:
            case Placed(node=node):
                attempt.node = node
            case Staged():
                attempt.check(message)
            case Broken():
                raise message.error
            case Happened(event=Ended() | Unbegun() as event):
                index = self.indices[event.run.hash]
                attempt.left.remove(index)
                place = self.to_train[index].directory
                return Happened(dataclasses.replace(event, directory=place))
            case Happened() | Moved():
                return message
        return None

    def _forget(self, attempt: Attempt) -> None:
        self.attempts.remove(attempt)
        attempt.release()

    def _lost(self, attempt: Attempt, error: Exception | None) -> None:
        """Go on without a task that its process took along, or its node: without an error."""
        self._forget(attempt)
        self.next_look = 0.0
        left = attempt.left
        if not left:
            return
        died = isinstance(
            error, self.ray.exceptions.WorkerCrashedError | self.ray.exceptions.OutOfMemoryError
        )
        runs = f"{len(left)} unfinished run{'s'[: len(left) > 1]}"
        if not died and max(self.losses[index] for index in left) < MOST_LOSSES:
            self.losses.update(left)
            self._say(f"A node of the Ray cluster was lost; its {runs} go on elsewhere.")
            self.waiting.appendleft(tuple(left))
        elif len(left) == 1:
            reason = "its process died (" + (_line(error) if error else "with its node") + ")"
            buried = bury(self.to_train[left[0]], reason, force=self.plan.force)
            self.tell([Happened(buried)])
        else:
            self._say(f"A worker died; its {runs} are tried again.")
            self.waiting.extendleft(reversed(halves(left)))


def _write(of_a_run: tuple[tuple[Attempt, int], Sequence[Written]]) -> None:
    (attempt, _), writes = of_a_run
    for written in writes:
        attempt.write(written)


def _line(error: Exception) -> str:
    """What Ray says, in a line: of a task's own error the last, after its traceback."""
    lines = str(error).strip().splitlines()
    return lines[-1 if hasattr(error, "cause") else 0].rstrip(".")
