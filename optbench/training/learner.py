"""One run while it trains: its model, optimizer and schedule, and the rows so far."""

from __future__ import annotations

import hashlib
import io
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim.lr_scheduler import ReduceLROnPlateau

from optbench.store.metrics import LARGEST
from optbench.training.augmentation import Augmentation
from optbench.training.averaging import Average
from optbench.training.build import (
    build_model,
    build_optimizer,
    build_schedule,
    schedule_entry,
)
from optbench.training.device import restore_settings
from optbench.training.fused import Stepper
from optbench.training.grading import grading
from optbench.training.interval import Interval
from optbench.training.losses import build_loss, build_training_loss
from optbench.training.measures import Measures
from optbench.training.modes import evaluating, has_modes
from optbench.training.noise import Noise
from optbench.training.precision import ScaledStepper, in_its_type, mixed_precision
from optbench.training.seeding import global_stream
from optbench.training.stacking import calls_back, way
from optbench.training.state_types import load_exactly

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from optbench.config.spec import Run
    from optbench.store.metrics import Row
    from optbench.training.data import DeviceData
    from optbench.training.evaluation import Score


class Learner:
    """Everything that a run's training changes, at a step count.

    `rows` and `timings` hold the evaluations so far, `train_seconds` is what the training since
    took. `diverged` says why the run can't go on, once its loss is no longer finite; `failure` is
    what its own model, optimizer or schedule raised.
    """

    def __init__(self, run: Run, data: DeviceData) -> None:
        if run.setting.own_code:  # that of data, or of an earlier run, may have set anything
            restore_settings()
        self.run = run
        self.data = data = data.in_type_of(run.setting)
        self.batch_size = run.setting.batch_size(len(data.train))
        self.step_examples = run.setting.step_examples(len(data.train))
        self.epoch_steps = run.setting.epoch_steps(len(data.train))
        self.model = build_model(run, data.task, data.device).train()
        self.initial_weights = self._weights_hash()  # as drawn: pairing compares across types
        self.model = in_its_type(run.setting, self.model)
        self.amp = mixed_precision(run.setting, data.device)
        with global_stream(run.seed, "optimizer"):  # one's own may draw when it is made
            self.optimizer = build_optimizer(run.setting, self.model)
            self.schedule = build_schedule(run.setting, self.optimizer, self.epoch_steps)
            self.has_modes = has_modes(self.optimizer)
            if self.has_modes:
                self.optimizer.train()  # type: ignore[attr-defined]
        self.stepper = self._stepper()
        self.calls_back = calls_back(self.optimizer)
        self.own_optimizer = not type(self.optimizer).__module__.startswith(
            ("torch.optim.", "optbench.")
        )
        self.by_step = schedule_entry(run.setting).by_step
        self.loss = build_training_loss(run.setting, data.task, data.device)
        self.evaluation_loss = build_loss(run.setting, data.task, data.device)
        self.grading = grading(run.setting, data.task)
        self.measures = Measures(run.setting, data.device)
        self.way = way(run.setting, self.model, self.optimizer, data.task, self.batch_size)
        self.after_step = getattr(self.model, "after_step", None)
        self.clip_norm = cast("float | None", run.setting.training.get("clip_norm"))
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        if run.setting.own_code:
            restore_settings()
        self.noise = Noise(run.seed, data.device, own_code=bool(run.setting.own_code))
        self.steps = 0
        self.rows: list[Row] = []
        self.timings: list[tuple[int, float, float]] = []
        self.train_seconds = 0.0
        self.diverged: str | None = None
        self.failure: BaseException | None = None
        augment = cast("Mapping[str, Any] | None", run.setting.training.get("augment"))
        self.augmentation = None if augment is None else Augmentation(**augment)
        how = cast("Mapping[str, Any] | None", run.setting.training.get("average"))
        self.average = None if how is None else Average(self, how)
        self.interval = Interval(self.parameters, self.optimizer)

    @property
    def over(self) -> bool:
        """Whether the run can't go on."""
        return self.diverged is not None or self.failure is not None

    @property
    def next_position(self) -> tuple[int, int]:
        """Epoch and batch within it of the next step, both from 0."""
        return divmod(self.steps, self.epoch_steps)

    @property
    def next_sizes(self) -> list[int]:
        """Examples of each batch of the next step: the last of an epoch may be short."""
        _, index = self.next_position
        rest = min(self.step_examples, len(self.data.train) - index * self.step_examples)
        whole, short = divmod(rest, self.batch_size)
        return [self.batch_size] * whole + [short] * bool(short)

    @property
    def size(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for parameter in self.parameters)

    def receive(self, *, measure: bool) -> None:
        """Clip the gradients that the parameters hold; `measure` takes their norm for a row."""
        if self.amp is not None:
            self.amp.unscale(self.optimizer)
        if measure:
            self.interval.measure_gradients()
        if self.clip_norm is not None:
            clip_grad_norm_(self.parameters, self.clip_norm)

    def update(self, closure: Callable[[], float] | None = None, *, measure: bool) -> None:
        """One optimizer step; `closure`, for one that `calls_back`, computes the gradients.

        `measure` takes the learning rates for a row, before the schedule goes on.
        """
        if closure is None:
            self.stepper.step()
        else:
            self.optimizer.step(closure)
        if self.after_step is not None:
            with torch.no_grad():
                self.after_step()
        self.steps += 1
        if self.average is not None:
            self.average.update()
        if measure:
            self.interval.measure_rates()
        if self.schedule is not None and self.by_step:
            self.schedule.step()

    def check_parameters(self) -> None:
        """Raise TypeError where an optimizer of one's own left what no stacked layer can take."""
        for parameter, before in zip(self.parameters, self.interval.anchor, strict=True):
            if parameter.shape != before.shape or parameter.dtype != before.dtype:
                raise TypeError("the optimizer changed the shape or type of a parameter")
            if not parameter.requires_grad:
                raise TypeError("the optimizer froze a parameter, which stacked runs can't do")
            if not parameter.is_contiguous():  # products round by the layout, which no file keeps
                parameter.data = parameter.data.contiguous()

    def take(
        self, steps: Sequence[int], losses: Sequence[float], sizes: Sequence[int], correct: int
    ) -> None:
        """Add the mean losses of some steps' batches; notes the first that isn't finite."""
        for step, loss in zip(steps, losses, strict=True):
            if not abs(loss) <= LARGEST:
                self.diverged = f"train loss became {loss} at step {step:,}"
                return
        self.interval.add(losses, sizes, correct)

    def add_row(self, row: Row) -> None:
        """Close the interval with its row; where an evaluated loss isn't finite, without."""
        for name in ("val", "test"):
            loss = row[f"{name}_loss"]
            if loss is not None and not abs(loss) <= LARGEST:
                self.diverged = f"{name} loss became {loss} by step {self.steps:,}"
        if self.diverged is None:
            self.rows.append(row)
        self.interval.begin()

    def averaged(self) -> AbstractContextManager[None]:
        """Inside, the model has the weights to evaluate.

        Their average where one is kept, else what an optimizer with modes of its own means.
        """
        if self.average is not None:
            return self.average.in_place()
        return evaluating(self.optimizer, self.parameters) if self.has_modes else nullcontext()

    @property
    def waits_for_validation(self) -> bool:
        """Whether the schedule goes by a validation loss that no row holds yet."""
        known = bool(self.rows) and self.rows[-1].get("steps") == self.steps
        return isinstance(self.schedule, ReduceLROnPlateau) and not known

    def end_epoch(self, validation: Score | None = None) -> None:
        """Advance a schedule that goes by epochs; `validation` where it waits for that."""
        if self.schedule is None or self.by_step:
            return
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(self._validation_loss(validation))
        else:
            self.schedule.step()

    def order(self, epoch: int) -> Tensor:
        """The order of the training examples in one epoch, where they are picked."""
        return self.data.order(self.run.seed, epoch).to(self.data.train.place)

    def order_hash(self) -> str:
        """SHA-256 of the first epoch's order: what pairing compares."""
        order = self.data.order(self.run.seed, 0)
        return hashlib.sha256(order.numpy().tobytes()).hexdigest()

    def weights(self) -> bytes:
        """The parameters and buffers as `torch.load(..., weights_only=True)` reads them.

        Those that were evaluated: of the average, where one is kept.
        """
        buffer = io.BytesIO()
        with self.averaged():
            torch.save(self._model_state(), buffer)
        return buffer.getvalue()

    def state(self) -> dict[str, Any]:
        """All that has to be restored to go on from here to the same bits."""
        return {
            "steps": self.steps,
            "model": self._model_state(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "noise": self.noise.state(),
            "average": None if self.average is None else self.average.state(),
            "scaler": None if self.amp is None else self.amp.state(),
            **self.interval.state(),
            "rows": self.rows,
            "timings": self.timings,
            "train_seconds": self.train_seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        self.steps = int(state["steps"])
        self.model.load_state_dict(state["model"])
        load_exactly(self.optimizer, state["optimizer"])
        self.stepper = self._stepper()  # the state is another now
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        if self.average is not None:
            self.average.restore(state["average"])
        if self.amp is not None:
            self.amp.restore(state["scaler"])
        self.interval.restore(state)
        self.rows = [dict(row) for row in state["rows"]]
        self.timings = [tuple(timing) for timing in state["timings"]]
        self.train_seconds = float(state.get("train_seconds", 0.0))  # an older one has none
        self.noise.restore(state["noise"])

    def _validation_loss(self, given: Score | None) -> float:
        loss = self.rows[-1]["val_loss"] if given is None else given.loss
        if loss is None:  # a plateau schedule without validation is refused
            raise AssertionError("no validation examples")
        return loss

    def _stepper(self) -> Stepper | ScaledStepper:
        if self.amp is not None and self.amp.scaler is not None:
            return ScaledStepper(self.optimizer, self.amp.scaler)
        return Stepper(self.optimizer, own_code=bool(self.run.setting.own_code))

    def _model_state(self) -> dict[str, Tensor]:
        """Parameters and buffers in memory of their own: torch.save writes all that a view shows.

        Those of stacked models are views of all runs'.
        """
        return {name: tensor.clone() for name, tensor in self.model.state_dict().items()}

    def _weights_hash(self) -> str:
        digest = hashlib.sha256()
        for name, tensor in [*self.model.named_parameters(), *self.model.named_buffers()]:
            digest.update(f"{name}:{tensor.dtype}:{list(tensor.shape)}".encode())
            digest.update(
                tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data
            )
        return digest.hexdigest()
