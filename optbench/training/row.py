"""The next row of metrics.csv: what a run's interval and its scores say, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.store.metrics import LARGEST, SMALLEST
from optbench.training.build import group_names
from optbench.training.evaluation import Score, total_norm

if TYPE_CHECKING:
    from optbench.store.metrics import Row
    from optbench.training.learner import Learner


def next_row(learner: Learner, train: Score, validation: Score | None, test: Score) -> Row:
    """The row at a learner's step count, with these scores; docs/formats.md has the columns.

    Raises what a metric or a model of one's own does.
    """
    untrained = learner.steps == 0
    interval = learner.interval
    row: Row = {
        "epoch": _epoch(learner.steps, learner.epoch_steps),
        "steps": learner.steps,
        "examples": _examples(learner),
        "lr": None if untrained or not interval.lrs else interval.lrs[0],
        "train_loss": train.loss,
        "train_accuracy": train.accuracy,
        "val_loss": None if validation is None else validation.loss,
        "val_accuracy": None if validation is None else validation.accuracy,
        "test_loss": test.loss,
        "test_accuracy": test.accuracy,
        "grad_norm": None if untrained else interval.grad_norm,
        "update_norm": None if untrained else interval.update_norm(),
        "param_norm": total_norm(learner.parameters),
    }
    for name, lr in zip(group_names(learner.run.setting), interval.lrs[1:], strict=False):
        row[f"lr.{name}"] = None if untrained else lr
    for part, score in (("val", validation), ("test", test)):
        row |= _measured(learner, part, score)
    row |= _of_model(learner)
    for name in ("train_loss", "val_loss", "test_loss"):
        loss = row[name]
        if loss is not None and 0 < abs(loss) < SMALLEST:
            row[name] = 0.0  # float64 goes on where no comparison can
    return row


def _epoch(steps: int, epoch_steps: int) -> float:
    """Epochs done; a fraction, to six places, within one."""
    whole, rest = divmod(steps, epoch_steps)
    return round(steps / epoch_steps, 6) if rest else whole


def _examples(learner: Learner) -> int:
    epochs, steps = divmod(learner.steps, learner.epoch_steps)
    return epochs * len(learner.data.train) + steps * learner.step_examples


def _measured(learner: Learner, part: str, score: Score | None) -> Row:
    """The columns of metrics; empty where the loss, which ends the run, isn't finite."""
    names = learner.measures.metrics
    if score is None or score.seen is None or not abs(score.loss) <= LARGEST:
        return {f"{part}_{name}": None for name in names}
    found = learner.measures.measure(*score.seen, learner.run.seed)
    return {f"{part}_{name}": found[name] for name in names}


def _of_model(learner: Learner) -> Row:
    """The columns of a model that measures itself, as a point does on a landscape."""
    measure = getattr(learner.model, "row_measures", None)
    if measure is None:
        return {}
    with learner.averaged():
        return dict(measure())
