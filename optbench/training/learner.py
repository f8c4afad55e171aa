"""One run while it trains: its model, optimizer and schedule, and the interval being measured."""

from __future__ import annotations

import hashlib
import io
import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau

from optbench.training.build import (
    build_loss,
    build_model,
    build_optimizer,
    build_schedule,
    group_names,
    schedule_entry,
)
from optbench.training.data import DeviceData, batches
from optbench.training.evaluation import count_correct, evaluate, total_norm
from optbench.training.network import network
from optbench.training.seeding import batch_order, derive

if TYPE_CHECKING:
    from optbench.config.spec import Run
    from optbench.store.metrics import Row


class Learner:
    """Everything that a run's training changes, at a step count.

    `rows` and `timings` hold the evaluations so far; `diverged` says why the run can't go on,
    once its loss is no longer finite.
    """

    def __init__(self, run: Run, data: DeviceData) -> None:
        self.run = run
        self.data = data
        self.batch_size = run.setting.batch_size
        self.epoch_steps = batches(len(data.train), self.batch_size)
        self.model = build_model(run, data.input_shape, data.classes, data.device).train()
        self.initial_weights = self._weights_hash()
        self.optimizer = build_optimizer(run.setting, self.model)
        self.schedule = build_schedule(run.setting, self.optimizer, self.epoch_steps)
        self.by_step = schedule_entry(run.setting).by_step
        self.loss = build_loss(run.setting)
        self.network = network(self.model, self.loss)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.noise = self._first_noise()
        self.steps = 0
        self.rows: list[Row] = []
        self.timings: list[tuple[int, float, float]] = []
        self.diverged: str | None = None
        self.interval = _Interval()
        self._pending: list[tuple[Tensor, Tensor, Tensor]] = []  # loss, outputs, targets
        self._grad_norm: float | None = None
        self._lrs = self._current_lrs()
        self._anchor = self._snapshot()

    @property
    def size(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for parameter in self.parameters)

    def step(self, inputs: Tensor, targets: Tensor, *, measure: bool) -> None:
        """One optimizer step on a batch; `measure` takes the gradient's norm for a row."""
        loss, outputs = self.network.differentiate(inputs, targets)
        if measure:
            self._grad_norm = total_norm(p.grad for p in self.parameters if p.grad is not None)
        self.optimizer.step()
        self.steps += 1
        self._pending.append((loss, outputs, targets))
        if self.schedule is not None and self.by_step:
            self._lrs = self._current_lrs()
            self.schedule.step()

    def settle(self) -> None:
        """Read the losses of the steps since the last call; notes the first that isn't finite."""
        if not self._pending:
            return
        losses = torch.stack([loss for loss, _, _ in self._pending]).tolist()
        sizes = [len(targets) for _, _, targets in self._pending]
        outputs = torch.cat([outputs for _, outputs, _ in self._pending])
        targets = torch.cat([targets for _, _, targets in self._pending])
        self._pending.clear()
        for step, loss in enumerate(losses, start=self.steps - len(losses) + 1):
            if not math.isfinite(loss):
                self.diverged = f"train loss became {loss} at step {step:,}"
                return
        self.interval.add(losses, sizes, int(count_correct(outputs, targets)))

    def measure(self) -> Row:
        """Evaluate the model and close the interval: the next row of metrics.csv."""
        untrained = self.steps == 0
        train = self.interval.means()
        if untrained:
            train = evaluate(self.network, self.data.train, self.loss)
        validation: tuple[float | None, float | None] = (None, None)
        if self.data.validation is not None:
            validation = evaluate(self.network, self.data.validation, self.loss)
        test = evaluate(self.network, self.data.test, self.loss)
        lrs = self._lrs if self.by_step else self._current_lrs()
        row: Row = {
            "epoch": _epoch(self.steps, self.epoch_steps),
            "steps": self.steps,
            "examples": self._examples(),
            "lr": None if untrained or not lrs else lrs[0],
            "train_loss": train[0],
            "train_accuracy": train[1],
            "val_loss": validation[0],
            "val_accuracy": validation[1],
            "test_loss": test[0],
            "test_accuracy": test[1],
            "grad_norm": None if untrained else self._grad_norm,
            "update_norm": None if untrained else self._moved(),
            "param_norm": total_norm(self.parameters),
        }
        for name, lr in zip(group_names(self.run.setting), lrs[1:], strict=False):
            row[f"lr.{name}"] = None if untrained else lr
        self._close(row, {"val": validation[0], "test": test[0]})
        return row

    def end_epoch(self) -> None:
        """Advance a schedule that goes by epochs."""
        if self.schedule is None or self.by_step:
            return
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(self._validation_loss())
        else:
            self.schedule.step()

    def order(self, epoch: int) -> Tensor:
        """The order of the training examples in one epoch, on the device."""
        order = batch_order(self.run.seed, epoch, len(self.data.train))
        return order.to(self.data.device)

    def order_hash(self) -> str:
        """SHA-256 of the first epoch's order: what pairing compares."""
        order = batch_order(self.run.seed, 0, len(self.data.train))
        return hashlib.sha256(order.numpy().tobytes()).hexdigest()

    def state_bytes(self) -> int:
        """Bytes of all tensors in the optimizer's state."""
        states = self.optimizer.state.values()
        tensors = (v for state in states for v in state.values() if isinstance(v, Tensor))
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def weights(self) -> bytes:
        """The parameters and buffers as `torch.load(..., weights_only=True)` reads them."""
        buffer = io.BytesIO()
        torch.save(self.model.state_dict(), buffer)
        return buffer.getvalue()

    def state(self) -> dict[str, Any]:
        """All that has to be restored to go on from here to the same bits."""
        return {
            "steps": self.steps,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "noise": self.noise,
            "interval": [self.interval.loss, self.interval.correct, self.interval.examples],
            "anchor": self._anchor if self.interval.examples else None,
            "rows": self.rows,
            "timings": self.timings,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave. The generator comes last: building draws from it."""
        self.steps = int(state["steps"])
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        self.interval = _Interval(*state["interval"])
        self._anchor = state["anchor"] or self._snapshot()
        self.rows = [dict(row) for row in state["rows"]]
        self.timings = [tuple(timing) for timing in state["timings"]]
        self._lrs = self._current_lrs()
        self.noise = [tensor.cpu() for tensor in state["noise"]]

    def _close(self, row: Row, losses: dict[str, float | None]) -> None:
        for name, loss in losses.items():
            if loss is not None and not math.isfinite(loss):
                self.diverged = f"{name} loss became {loss} by step {self.steps:,}"
        if self.diverged is None:
            self.rows.append(row)
        self.interval = _Interval()
        self._anchor = self._snapshot()

    def _examples(self) -> int:
        epochs, steps = divmod(self.steps, self.epoch_steps)
        return epochs * len(self.data.train) + steps * self.batch_size

    def _validation_loss(self) -> float:
        last = self.rows[-1] if self.rows else {}
        known = last.get("val_loss")
        if last.get("steps") == self.steps and known is not None:
            return known
        if self.data.validation is None:  # a plateau schedule without validation is refused
            raise AssertionError("no validation examples")
        return evaluate(self.network, self.data.validation, self.loss)[0]

    def _current_lrs(self) -> list[float]:
        return [float(group["lr"]) for group in self.optimizer.param_groups if "lr" in group]

    def _snapshot(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.parameters]

    def _moved(self) -> float:
        pairs = zip(self.parameters, self._anchor, strict=True)
        return total_norm(parameter.detach() - before for parameter, before in pairs)

    def _weights_hash(self) -> str:
        digest = hashlib.sha256()
        for name, tensor in [*self.model.named_parameters(), *self.model.named_buffers()]:
            digest.update(f"{name}:{tensor.dtype}:{list(tensor.shape)}".encode())
            digest.update(
                tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data
            )
        return digest.hexdigest()

    def _first_noise(self) -> list[Tensor]:
        """States of fresh generators: the CPU's, and the device's where it has its own."""
        seed = derive(self.run.seed, "noise")
        states = [torch.Generator().manual_seed(seed).get_state()]
        if self.data.device.type != "cpu":
            generator = torch.Generator(device=self.data.device).manual_seed(seed)
            states.append(generator.get_state())
        return states


class _Interval:
    """Sums over the examples trained on since the last row, in the order of their steps."""

    def __init__(self, loss: float = 0.0, correct: int = 0, examples: int = 0) -> None:
        self.loss, self.correct, self.examples = loss, correct, examples

    def add(self, losses: list[float], sizes: list[int], correct: int) -> None:
        """Take in the mean losses of some batches of these sizes, one after the other."""
        for loss, size in zip(losses, sizes, strict=True):
            self.loss += loss * size
        self.correct += correct
        self.examples += sum(sizes)

    def means(self) -> tuple[float, float]:
        """Mean loss and accuracy; nan before the first example."""
        if not self.examples:
            return math.nan, math.nan
        return self.loss / self.examples, self.correct / self.examples


def _epoch(steps: int, epoch_steps: int) -> float:
    """Epochs done; a fraction, to six places, within one."""
    whole, rest = divmod(steps, epoch_steps)
    return round(steps / epoch_steps, 6) if rest else whole
