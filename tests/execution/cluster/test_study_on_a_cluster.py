"""A study on a cluster whose nodes and processes are lost: nothing is, and nobody else writes."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from experiments import TINY, status_of, write_experiment
from fake_ray import FakeRay, Fault, RayError, RayTaskError, WorkerCrashedError

from optbench.errors import EnvironmentFault
from optbench.execution.cluster import task
from optbench.execution.cluster.connection import RayOptions
from optbench.execution.cluster.messages import Order, Said, Versions
from optbench.execution.cluster.staging import StagingFolder
from optbench.execution.cluster.study import MOST_LOSSES, Study
from optbench.execution.signals import Interruptions
from optbench.execution.study import Options, load_experiments, plan_runs, train_plan
from optbench.execution.wire import Happened
from optbench.store.checkpoint_header import MAGIC
from optbench.store.scan import scan
from optbench.training.events import Ended, Started

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from optbench.execution.cluster.attempt import Attempt
    from optbench.execution.cluster.messages import FromDriver
    from optbench.execution.plan import Plan
    from optbench.store.staged import Staged

THREE: dict[str, Any] = {
    "optimizer": [TINY["optimizer"], {"name": "sgd", "lr": {"grid": [0.1, 0.2]}}]
}
DIED = WorkerCrashedError("the process died")
LOST = RayError("the node died")
ELSEWHERE = "A node of the Ray cluster was lost; its 3 unfinished runs go on elsewhere."


@pytest.fixture(scope="module", autouse=True)
def _tasks_tell_everything_at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(task, "FLUSH_SECONDS", 0.0)
        yield


@pytest.fixture(autouse=True)
def _no_task_outlives_its_test() -> Iterator[None]:
    yield
    FakeRay.end_all()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What this process stores of the runs."""
    folder = tmp_path_factory.mktemp("here")
    list(train_plan(plan(folder), Options(runs_dir=folder)))
    return stored(folder)


def plan(folder: Path) -> Plan:
    options = Options(runs_dir=folder)
    experiments = load_experiments([write_experiment(folder, **THREE)], options)
    return plan_runs(experiments, options, lambda _: None)


def stored(folder: Path) -> dict[str, bytes]:
    files = (path for name in ("metrics.csv", "weights.pt") for path in folder.rglob(name))
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in files}


class Trained:
    """A study on a cluster with faults, and what was told of it."""

    def __init__(
        self, folder: Path, ray: FakeRay, workers: int = 1, *, shared: bool = False
    ) -> None:
        self.folder = folder
        self.told: list[FromDriver] = []
        self.committed: dict[str, float] = {}  # by hash: steps, when a node was lost
        order = Order(plan(folder), folder, RayOptions(shared_store=shared), workers)
        self.study = Study(ray, order, self._tell, Interruptions(), {})
        self.heard: list[bytes] = []
        take = self.study.take

        def take_and_keep(told: Sequence[tuple[Attempt, bytes]], writers: Executor) -> Any:
            self.heard += [content for _, content in told]
            return take(told, writers)

        self.study.take = take_and_keep  # type: ignore[method-assign]
        self.ray = ray

    def _tell(self, messages: Sequence[FromDriver]) -> None:
        self.told += messages
        if messages and isinstance(messages[0], Said):
            found = (run.result for run in scan(self.folder).runs)
            self.committed = {one.run: (one.last or {}).get("steps") or 0 for one in found}

    def to_the_end(self) -> Trained:
        try:
            self.study.train()
        finally:
            self.study.dismiss()
        return self

    @property
    def said(self) -> list[str]:
        return [message.text for message in self.told if isinstance(message, Said)]

    def events(self, kind: type[Started | Ended]) -> list[Any]:
        return [m.event for m in self.told if isinstance(m, Happened) and isinstance(m.event, kind)]


def test_a_study_stores_the_bytes_that_this_process_does(
    tmp_path: Path, expected: dict[str, bytes]
) -> None:
    trained = Trained(tmp_path, FakeRay()).to_the_end()
    assert [event.result.status for event in trained.events(Ended)] == ["completed"] * 3
    assert len(trained.ray.streams) == 1
    assert stored(tmp_path) == expected


@pytest.mark.parametrize("shared", [False, True])
def test_with_a_shared_store_weights_and_checkpoints_are_not_told(
    tmp_path: Path, expected: dict[str, bytes], *, shared: bool
) -> None:
    trained = Trained(tmp_path, FakeRay(), shared=shared).to_the_end()
    assert stored(tmp_path) == expected
    weights = [content for name, content in expected.items() if name.endswith("weights.pt")]
    assert len(weights) == 3
    assert any(one in told for one in weights for told in trained.heard) is not shared
    assert any(MAGIC in told for told in trained.heard) is not shared
    assert not list(tmp_path.glob(".staging-*"))
    assert {note.kind for note in scan(tmp_path).notes} == set()


@pytest.mark.parametrize("removes", [True, False])
def test_a_node_that_comes_back_while_its_successor_trains_changes_nothing_in_a_shared_store(
    tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, *, removes: bool
) -> None:
    if not removes:  # as where it writes while its folder is being removed
        monkeypatch.setattr(StagingFolder, "remove", lambda _: None)
    ray = FakeRay({0: Fault(8, LOST)})
    trained = Trained(tmp_path, ray, shared=True)
    tell = trained.study.tell
    written: list[int] = []

    def let_it_come_back(messages: Sequence[FromDriver]) -> None:
        tell(messages)
        if len(ray.streams) == 2 and ray.streams[1].told == 8:
            before = len(list(tmp_path.rglob("*")))
            ray.streams[0].go_on()
            written.append(len(list(tmp_path.rglob("*"))) - before)

    trained.study.tell = let_it_come_back
    trained.to_the_end()
    assert trained.said == [ELSEWHERE]
    assert bool(written[0]) is not removes
    assert stored(tmp_path) == expected
    assert not list(tmp_path.glob(".staging-*"))


def test_a_node_that_does_not_see_the_shared_store_is_named_before_it_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StagingFolder, "answer", StagingFolder(tmp_path / "a" / "b", "0").answer)
    with pytest.raises(EnvironmentFault, match=rf" does not see {tmp_path}; --shared-store needs"):
        Trained(tmp_path, FakeRay(), shared=True).to_the_end()
    assert not list(tmp_path.rglob("result.json"))
    assert not list(tmp_path.glob(".staging-*"))


def test_a_node_that_writes_to_another_folder_of_that_name_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = StagingFolder.answer

    def answer_elsewhere(folder: StagingFolder) -> Staged:
        staged = answer(folder)
        staged.path.unlink()
        return staged

    monkeypatch.setattr(StagingFolder, "answer", answer_elsewhere)
    with pytest.raises(EnvironmentFault, match=r"what a node wrote to .* is not here; --shared"):
        Trained(tmp_path, FakeRay(), shared=True).to_the_end()
    assert not list(tmp_path.rglob("result.json"))


@pytest.mark.parametrize("workers", [1, 3])
def test_as_many_processes_import_torch_as_cohorts_train_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    warmed: list[None] = []
    monkeypatch.setattr("optbench.execution.cluster.study.warm_up", lambda: warmed.append(None))
    Trained(tmp_path, FakeRay(), workers).to_the_end()
    assert len(warmed) == workers - 1  # one rehearses


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many a task tells of the three runs."""
    ray = FakeRay()
    Trained(tmp_path_factory.mktemp("calm"), ray).to_the_end()
    return ray.streams[0].told


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_runs_of_a_node_that_is_lost_go_on_from_what_it_told_last(
    tmp_path: Path, expected: dict[str, bytes], messages: int, share: float
) -> None:
    trained = Trained(tmp_path, FakeRay({0: Fault(int(share * messages), LOST)})).to_the_end()
    assert len(trained.said) == 1
    assert trained.said[0].startswith("A node of the Ray cluster was lost; its ")
    assert stored(tmp_path) == expected
    assert len(trained.events(Ended)) == 3
    begun = trained.events(Started)
    assert {event.steps for event in begun[:3]} == {0}
    for event in begun[3:]:
        assert event.steps == trained.committed[event.run.hash]
    assert any(event.steps for event in begun[3:]) == (share > 0.4)


def test_a_node_that_was_given_up_and_trains_on_changes_nothing(
    tmp_path: Path, expected: dict[str, bytes]
) -> None:
    trained = Trained(tmp_path, FakeRay({0: Fault(8, LOST)})).to_the_end()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    trained.ray.streams[0].go_on()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert stored(tmp_path) == expected


def test_a_silent_node_is_left_when_the_cluster_does_not_have_it_any_more(
    tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "_node", lambda: "other")
    monkeypatch.setattr("optbench.execution.cluster.study.LOOK", 0.0)
    ray = FakeRay({0: Fault(8)}, others=["other"])
    trained = Trained(tmp_path, ray)
    tell = trained.study.tell

    def lose_the_node(messages: Sequence[FromDriver]) -> None:
        tell(messages)
        if ray.streams and ray.streams[0].is_silent and ray.others:
            ray.others.clear()
            monkeypatch.setattr(task, "_node", lambda: "node")

    trained.study.tell = lose_the_node
    trained.to_the_end()
    assert trained.said == [ELSEWHERE]
    assert ray.streams[0].cancelled
    assert stored(tmp_path) == expected


class SilentHead(FakeRay):
    """A cluster whose head answers once, and then nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.over = Event()

    def nodes(self) -> list[dict[str, Any]]:
        self.asked += 1
        if self.asked > 1 and not self.over.wait(60):
            raise AssertionError("the study waits for its head")
        return super().nodes()


def test_a_head_that_does_not_answer_keeps_nobody_from_what_tasks_tell(
    tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optbench.execution.cluster.study.FETCH", 0.01)
    ray = SilentHead()
    try:
        Trained(tmp_path, ray).to_the_end()
    finally:
        ray.over.set()
    assert ray.asked == 2
    assert stored(tmp_path) == expected


def test_a_run_that_its_process_dies_of_is_found_by_halves_and_fails_alone(
    tmp_path: Path, expected: dict[str, bytes]
) -> None:
    # All three; then the first two; then the first, which is Adam's, the second and the third.
    ray = FakeRay({0: Fault(5, DIED), 1: Fault(5, DIED), 2: Fault(4, DIED)})
    trained = Trained(tmp_path, ray).to_the_end()
    failed = [event for event in trained.events(Ended) if event.result.status == "failed"]
    assert ["adam" in event.run.setting.label for event in failed] == [True]
    assert failed[0].result.reason == "its process died (the process died)"
    assert len(ray.streams) == 5
    found = stored(tmp_path)
    others = {name: content for name, content in expected.items() if name.startswith("sgd")}
    assert {name: found.get(name) for name in others} == others
    assert not [name for name in found.keys() - others.keys() if name.endswith("weights.pt")]


def test_runs_that_lose_every_node_are_taken_for_the_reason(tmp_path: Path) -> None:
    ray = FakeRay({number: Fault(4, LOST) for number in range(MOST_LOSSES + 5)})
    trained = Trained(tmp_path, ray).to_the_end()
    assert sum("was lost" in line for line in trained.said) == MOST_LOSSES
    assert [event.result.status for event in trained.events(Ended)] == ["failed"] * 3


def test_a_study_that_is_stopped_says_so_of_its_runs_and_cancels_its_tasks(
    tmp_path: Path, expected: dict[str, bytes]
) -> None:
    class Stopped(BaseException):
        pass

    ray = FakeRay({0: Fault(8)})  # from then on it is waited for
    trained = Trained(tmp_path, ray)

    tell = trained.study.tell

    def stop_when_silent(messages: Sequence[FromDriver]) -> None:
        tell(messages)
        if ray.streams and ray.streams[0].is_silent:
            raise Stopped

    trained.study.tell = stop_when_silent
    with pytest.raises(Stopped):
        trained.study.train()
    trained.study.interrupt()
    trained.study.dismiss()
    assert ray.streams[0].cancelled
    assert {status_of(found.parent) for found in tmp_path.rglob("result.json")} == {"interrupted"}
    Trained(tmp_path, FakeRay()).to_the_end()
    assert stored(tmp_path) == expected


def test_a_node_with_other_versions_is_named_before_it_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = task.versions()
    other = Versions(ours.optbench, "9.9.9", ours.python)
    monkeypatch.setattr("optbench.execution.cluster.study.versions", lambda: other)
    with pytest.raises(EnvironmentFault, match=rf" has torch {ours.torch} instead of 9\.9\.9"):
        Trained(tmp_path, FakeRay()).to_the_end()
    assert not list(tmp_path.rglob("result.json"))


def test_a_node_without_optbench_is_told_of(tmp_path: Path) -> None:
    error = RayTaskError("a traceback\nModuleNotFoundError: No module named 'optbench'")
    with pytest.raises(EnvironmentFault, match=r"a worker could not begin: .*optbench"):
        Trained(tmp_path, FakeRay({0: Fault(0, error)})).to_the_end()
