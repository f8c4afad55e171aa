"""Stores the records of one run as they come."""

from __future__ import annotations

import os
import traceback
from concurrent.futures import wait
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from optbench.config.yaml_writer import block
from optbench.errors import FOREIGN, StoreError, spoken
from optbench.execution.environment import Environment, same_bits
from optbench.store.metrics import best_row
from optbench.store.result import (
    Cohort,
    Extended,
    Hashes,
    Labels,
    Result,
    Sizes,
    Status,
    format_result,
    parse_result,
)
from optbench.training.checkpoint import DamagedCheckpointError, from_bytes
from optbench.training.learner import Learner

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future
    from pathlib import Path

    from optbench.config.spec import Run
    from optbench.store.kept import Kept
    from optbench.store.metrics import Row
    from optbench.store.rundir import RunDirectory
    from optbench.training.data import DeviceData
    from optbench.training.records import Commit, End, LastState

LONGEST_REASON = 1_000  # characters; the log has all of it


class _ElsewhereError(StoreError):
    """A checkpoint is whole and of another environment."""


class Recorder:
    """One run's directory while it trains, seen from the stream of its records.

    `place` is where it belongs in the end; `directory` may be one beside that. Where nothing is
    stored yet it goes on from `base`, a shorter run of the same.
    """

    def __init__(
        self,
        run: Run,
        data: DeviceData,
        directory: RunDirectory,
        place: Path,
        environment: Environment,
        label: str,
        base: Kept | None = None,
    ) -> None:
        self.run = run
        self.directory = directory
        self.place = place
        self.environment = environment
        self.label = label
        self.started = _now()
        self.ended = False
        self.left_aside: list[str] = []  # checkpoints that were damaged
        self.extended: Extended | None = None
        self.base_fault = ""  # why the shorter run is not gone on from
        self._storing: Future[None] | None = None
        self._state: bytes | None = None
        resumed = self._resumed(data)
        self._begins = resumed is None
        self.learner = resumed or self._extending(data, base) or Learner(run, data)
        self.order_hash = self.learner.order_hash()
        self.cohort = self._cohort(1)

    def _cohort(self, size: int) -> Cohort:
        way = self.learner.way
        return Cohort(size=size, stacked=way.stacked, reason=way.reason)

    def _resumed(self, data: DeviceData) -> Learner | None:
        """The learner of the newest checkpoint that is whole and from this environment.

        A damaged checkpoint is logged and the one before it taken.
        """
        for path in self.directory.checkpoints():
            try:
                learner, committed = self._restored(data, path, self.run.hash)
            except _ElsewhereError:
                continue
            except Exception as error:  # noqa: BLE001  (whatever a stranger's file makes fail)
                self.directory.log(f"{_now()} {path.name} is left aside: {error}")
                self.left_aside.append(path.name)
                continue
            self.started, self.extended = committed.started, committed.extended
            return learner
        return None

    def _extending(self, data: DeviceData, base: Kept | None) -> Learner | None:
        """A learner that goes on from a shorter run; else `base_fault` says why it can't."""
        if base is None:
            return None
        try:
            learner, _ = self._restored(data, base.path, base.run)
            end = base.epochs * learner.epoch_steps
            if learner.steps != end:
                raise DamagedCheckpointError(f"it is of step {learner.steps:,}, not {end:,}")
        except Exception as error:  # noqa: BLE001  (as above)
            self.base_fault = f"{base.path} is left aside: {error}"
            self.directory.log(f"{_now()} {self.base_fault}")
            return None
        self.extended = Extended(base.run, base.epochs)
        return learner

    def _restored(self, data: DeviceData, path: Path, run_hash: str) -> tuple[Learner, Result]:
        """What a file has of that run, and the result beside it; raises whatever a file causes."""
        learner = Learner(self.run, data)
        state = from_bytes(self.directory.read_checkpoint(path), run_hash)
        committed = parse_result(state["result"].encode(), path.name)
        if not same_bits(committed.environment, self.environment):
            raise _ElsewhereError("it was made with another torch, device, processor or threads")
        learner.restore(state)
        return learner, committed

    def begin(self, size: int, threads: Executor) -> None:
        """Write the first result.json and the configuration; `size` runs train together.

        A run that begins leaves no older checkpoint: another environment's would be taken
        for this one's if the run stopped before its first commit.
        """
        self.cohort = self._cohort(size)
        self.directory.delete_leftovers()
        if self._begins:
            self.directory.delete_checkpoints()
        self.directory.write_config(config_text(self.run, self.directory))
        rows, timings = self.learner.rows, self.learner.timings
        self.directory.write_progress(rows, timings, self._result("running"))
        self._storing = threads.submit(self.directory.sync_config)

    def commit(self, record: Commit, threads: Executor) -> None:
        """The commit point: a kill from here on costs nothing that was trained before.

        The wait for the disk, against a loss of power, and the files that can be made again from
        the checkpoint are left to a thread while the run trains on. The commit before has to be
        on the disk; raises what kept it from there.
        """
        self.settle()
        result = self._result("running")
        self.directory.write_checkpoint(record.state(result=format_result(result)))
        rows, timings = [*self.learner.rows], [*self.learner.timings]

        def follow() -> None:
            self.directory.sync_checkpoint()
            self.directory.write_progress(rows, timings, result)

        self._storing = threads.submit(follow)

    def settle(self) -> None:
        """Wait until all is on the disk that was on its way; raises what kept it from there."""
        if self._storing is not None:
            wait((self._storing,))  # before it is forgotten, as a signal may end the wait
            storing, self._storing = self._storing, None
            storing.result()

    def check(self) -> None:
        """Raise what kept the last commit from the disk, if that is known by now."""
        if self._storing is not None and self._storing.done():
            self.settle()

    def keep(self, record: LastState) -> None:
        """Hold the last state until the end is stored; the run is whole without it as well."""
        try:
            self._state = record.state(result=format_result(self._result("running")))
        except FOREIGN as error:
            self.directory.log(f"{_now()} its last state can't be kept: {spoken(error)}")

    def end(self, record: End) -> Result:
        """Store a run that has ended by itself."""
        result = self._result(
            record.status, record.reason, record.state_bytes_per_parameter, finished=True
        )
        if record.status != "completed":
            return self._store_end(result)
        return self._store_end(result, record.weights(), self._state)

    def fail(self, error: BaseException) -> Result:
        """Store a run that its own model, optimizer or schedule broke, with the traceback."""
        trace = "".join(traceback.format_exception(error))
        self.directory.log(f"{_now()}\n{trace}")
        reason = spoken(error).splitlines()[0][:LONGEST_REASON]
        return self._store_end(self._result("failed", reason, finished=True))

    def put_aside(self) -> Result:
        """Say that the run is left where it stands; its checkpoint is where it may go on."""
        if self.learner.failure is not None:  # the last commit could not be made
            return self.fail(self.learner.failure)
        self.settle()
        result = self._result("pruned", f"put aside after {self.learner.steps:,} steps")
        self.directory.write_progress(self.learner.rows, self.learner.timings, result)
        self.ended = True
        return result

    def interrupt(self, reason: str) -> None:
        """Say that the run was stopped, if it was; its checkpoint is where it goes on."""
        if self.ended:
            return
        self.settle()
        committed = self.directory.result()
        if committed is not None:
            done = _steps(committed.last)
            rows = [row for row in self.learner.rows if _steps(row) <= done]
            timings = self.learner.timings[: len(rows)]
            result = self._result("interrupted", reason, rows=rows)
            self.directory.write_progress(rows, timings, result)

    def _store_end(
        self, result: Result, weights: bytes | None = None, state: bytes | None = None
    ) -> Result:
        self.settle()
        rows, timings = self.learner.rows, self.learner.timings
        self.directory.write_end(rows, timings, result, weights, state)
        self.ended = True
        return result

    def _result(
        self,
        status: Status,
        reason: str | None = None,
        state_bytes: float | None = None,
        *,
        finished: bool = False,
        rows: list[Row] | None = None,
    ) -> Result:
        run, learner = self.run, self.learner
        rows = learner.rows if rows is None else rows
        data = learner.data
        return Result(
            status=status,
            reason=reason,
            experiment=run.experiment,
            run=run.hash,
            setting=run.setting.setting_hash,
            problem=run.setting.problem_hash,
            seed=run.seed,
            declared_seeds=run.declared_seeds,
            labels=Labels(self.label, run.setting.label),
            config=run.config,
            requested_dataset=run.setting.requested_dataset,
            sizes=Sizes(
                train=len(data.train),
                validation=0 if data.validation is None else len(data.validation),
                test=len(data.test),
                parameters=learner.size,
                steps_per_epoch=learner.epoch_steps,
            ),
            last=rows[-1] if rows else None,
            best=best_row(rows),
            state_bytes_per_parameter=state_bytes,
            hashes=Hashes(
                data=run.setting.data_hash,
                initial_weights=learner.initial_weights,
                batch_order=self.order_hash,
                pretrained=run.setting.weights.content if run.setting.weights else None,
            ),
            environment=self.environment,
            cohort=self.cohort,
            started=self.started,
            finished=_now() if finished else None,
            seconds=sum(train + rest for _, train, rest in learner.timings[: len(rows)]),
            extended=self.extended,
            files=self.directory.config,
        )


def config_text(run: Run, directory: RunDirectory) -> str:
    """config.yaml: the resolved run; files of one's own are named from the run's directory."""
    config = run.config
    if run.setting.requested_dataset is not None:  # else the next run would not know
        asked = {"instead_of": run.setting.requested_dataset}
        config["dataset"] = {**run.setting.dataset, **asked}
    near = partial(_from_directory, run, directory)
    parts = {part: near(config[part]) for part in ("model", "optimizer", "schedule")}
    for part in ("dataset", "training"):  # what these name stands within them
        held = config[part]
        parts[part] = {k: near(v) for k, v in held.items()} if isinstance(held, dict) else held
    config |= parts
    weights, model = run.setting.weights, config["model"]
    if isinstance(model, dict) and weights and not weights.address:
        model["weights"] = os.path.relpath(weights.path, directory.path.resolve())
    header = "# The resolved run; `optbench run` on this file repeats it.\n"
    return header + block(config)


def _from_directory(run: Run, directory: RunDirectory, part: object) -> object:
    """A part whose plug-in's file is named from the run's directory; of a list, each of them."""
    if isinstance(part, list):
        return [_from_directory(run, directory, item) for item in part]
    if not isinstance(part, dict) or part.get("name") not in run.setting.plugins:
        return part
    source, _, name = str(part["name"]).rpartition(":")
    return {**part, "name": f"{os.path.relpath(source, directory.path.resolve())}:{name}"}


def _steps(row: Row | None) -> float:
    return -1 if row is None else row["steps"] or 0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
