"""TensorBoard: an event file a run, `LOGDIR/<experiment>/<run>`, with its hyperparameters."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.store.metrics import REQUIRED
from optbench.trackers.tracker import measured, step_of

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    from optbench.store.metrics import Row
    from optbench.store.result import Status
    from optbench.trackers.tracker import TrackedRun

LOGDIR = "tensorboard"
# TensorBoard shows tags in groups by what stands before the slash.
_GROUPS = ("loss", "accuracy", "norm")


class TensorBoard:
    """Writes event files; a run that goes on gets a new file, with its earlier rows again."""

    def __init__(self, place: str) -> None:
        import tensorboard  # noqa: F401  (missing, it is to be said before anything trains)

        self.folder = Path(place or LOGDIR)
        self.writers: dict[str, EventFileWriter] = {}

    def begin(self, run: TrackedRun) -> int:
        from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG
        from tensorboard.plugins.hparams.plugin_data_pb2 import (
            HParamsPluginData,
            SessionStartInfo,
        )
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        folder = self.folder / run.experiment / run.name
        for earlier in folder.glob("events.out.tfevents.*"):
            earlier.unlink()
        if run.hash in self.writers:
            self.writers[run.hash].close()
        writer = self.writers[run.hash] = EventFileWriter(str(folder))
        start = SessionStartInfo(group_name=run.name, start_time_secs=time.time())
        for name, value in run.parameters.items():
            start.hparams[name].string_value = value
        content = HParamsPluginData(session_start_info=start)
        self._add(writer, _session(SESSION_START_INFO_TAG, content), None)
        return -1

    def log(self, run: TrackedRun, row: Row) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [
            Summary.Value(tag=_tag(name), simple_value=value)
            for name, value in measured(row).items()
            if name not in REQUIRED  # what counts time is the axis, in steps
        ]
        self._add(self.writers[run.hash], Summary(value=values), step_of(row))

    def end(self, run: TrackedRun, status: Status) -> None:
        from tensorboard.plugins.hparams.api_pb2 import STATUS_FAILURE, STATUS_SUCCESS
        from tensorboard.plugins.hparams.metadata import SESSION_END_INFO_TAG
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

        writer = self.writers.pop(run.hash)
        reached = STATUS_SUCCESS if status == "completed" else STATUS_FAILURE
        end = SessionEndInfo(status=reached, end_time_secs=time.time())
        content = HParamsPluginData(session_end_info=end)
        self._add(writer, _session(SESSION_END_INFO_TAG, content), None)
        writer.close()

    def close(self) -> None:
        for writer in self.writers.values():
            writer.close()
        self.writers.clear()

    @staticmethod
    def _add(writer: EventFileWriter, summary: object, step: int | None) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        writer.add_event(Event(wall_time=time.time(), summary=summary, step=step))


def _session(tag: str, content: HParamsPluginData) -> Summary:
    """What TensorBoard's page of hyperparameters reads; its own functions need TensorFlow."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams.metadata import PLUGIN_NAME

    data = SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME, content=content.SerializeToString())
    return Summary(value=[Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=data))])


def _tag(column: str) -> str:
    """`train_loss` as `loss/train`."""
    before, _, last = column.rpartition("_")
    return f"{last}/{before}" if last in _GROUPS else column
