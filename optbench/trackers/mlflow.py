"""MLflow: an experiment of the same name, a run of it for each run, known by a tag."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING

from optbench.trackers.tracker import measured, step_of

if TYPE_CHECKING:
    from optbench.store.metrics import Row
    from optbench.store.result import Status
    from optbench.trackers.tracker import TrackedRun

TAG = "optbench.run"  # the run's hash
_STATUSES = {"completed": "FINISHED", "interrupted": "KILLED"}
# MLflow's own are minutes: nobody waits so long for a server that isn't there.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


class MLflow:
    """Tells a tracking server or a local database; which, MLflow's own rules say if nobody does."""

    def __init__(self, place: str) -> None:
        for name, value in _PATIENCE.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # each table that it creates
        self.client = MlflowClient(tracking_uri=place or None)
        self.experiments: dict[str, str] = {}
        self.runs: dict[str, str] = {}

    def begin(self, run: TrackedRun) -> int:
        experiment = self._experiment(run.experiment)
        found = self.client.search_runs([experiment], f"tags.`{TAG}` = '{run.hash}'")
        if found:
            known = found[0]
            self.runs[run.hash] = known.info.run_id
            self.client.update_run(known.info.run_id, status="RUNNING")
            column = next(iter(known.data.metrics), None)
            history = self.client.get_metric_history(known.info.run_id, column) if column else []
            return max((metric.step for metric in history), default=-1)
        from mlflow.entities import Param

        made = self.client.create_run(experiment, run_name=run.name, tags={TAG: run.hash})
        self.runs[run.hash] = made.info.run_id
        params = [Param(key, value) for key, value in run.parameters.items()]
        self.client.log_batch(made.info.run_id, params=params)
        return -1

    def log(self, run: TrackedRun, row: Row) -> None:
        from mlflow.entities import Metric

        now, step = int(time.time() * 1000), step_of(row)
        values = [Metric(name, value, now, step) for name, value in measured(row).items()]
        self.client.log_batch(self.runs[run.hash], metrics=values)

    def end(self, run: TrackedRun, status: Status) -> None:
        self.client.set_tag(self.runs[run.hash], "optbench.status", status)
        self.client.set_terminated(self.runs.pop(run.hash), _STATUSES.get(status, "FAILED"))

    def close(self) -> None:
        for known in self.runs.values():  # the command was stopped
            self.client.set_terminated(known, "KILLED")
        self.runs.clear()

    def _experiment(self, name: str) -> str:
        if name not in self.experiments:
            known = self.client.get_experiment_by_name(name)
            made = known.experiment_id if known else self.client.create_experiment(name)
            self.experiments[name] = str(made)
        return self.experiments[name]
