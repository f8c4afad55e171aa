"""Weights & Biases: a run for each run, grouped by experiment; offline with its own variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.trackers.tracker import measured, step_of

if TYPE_CHECKING:
    import wandb

    from optbench.store.metrics import Row
    from optbench.store.result import Status
    from optbench.trackers.tracker import TrackedRun

PROJECT = "optbench"


class WeightsAndBiases:
    """Tells a project; several runs are open at a time."""

    def __init__(self, place: str) -> None:
        import wandb  # noqa: F401  (missing, it is to be said before anything trains)

        self.project = place or PROJECT
        self.runs: dict[str, wandb.Run] = {}

    def begin(self, run: TrackedRun) -> int:
        import wandb

        opened = self.runs[run.hash] = wandb.init(
            project=self.project,
            id=run.hash[:32],
            name=run.name,
            group=run.experiment,
            config=dict(run.parameters),
            resume="allow",
            reinit="create_new",
            settings=wandb.Settings(silent=True, console="off"),
        )
        return int(opened.step) - 1

    def log(self, run: TrackedRun, row: Row) -> None:
        self.runs[run.hash].log(measured(row), step=step_of(row))

    def end(self, run: TrackedRun, status: Status) -> None:
        opened = self.runs.pop(run.hash)
        opened.summary["status"] = status
        opened.finish(exit_code=0 if status == "completed" else 1)

    def close(self) -> None:
        import wandb

        for opened in self.runs.values():
            opened.finish(exit_code=1)
        self.runs.clear()
        wandb.teardown()  # waits until its service has written everything; `finish` doesn't
