"""What runs of a setting take while they train, found on a model and an optimizer just built."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from optbench.catalog.models.forward import zero_inputs
from optbench.catalog.plugins import is_import_path
from optbench.catalog.resolve import source_of
from optbench.execution.cohorts import Footprint
from optbench.execution.data import training_size
from optbench.training.evaluation import CHUNK
from optbench.training.precision import number_type
from optbench.training.seeding import global_stream
from optbench.training.stacking import calls_back, way

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.optim import Optimizer

    from optbench.config.spec import Run, Setting

LOADING = 2  # a data set is there twice while it is split
PLACES = 16  # bytes of an example that stays in a file: where it is, and its place in an epoch
SAVING = 2  # a checkpoint's state, and its bytes


def footprint(run: Run, model: nn.Module, optimizer: Optimizer, device: torch.device) -> Footprint:
    """The footprint of a run's setting on a device; `model` and `optimizer` are used up.

    Foreign code isn't called here, as it may end the process: what its state and its activations
    take is guessed.
    """
    setting = run.setting
    source = source_of(setting.dataset)
    batch_size = setting.batch_size(training_size(setting))
    chosen = way(setting, model, optimizer, source.task, batch_size)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    weights = _bytes([*model.parameters(), *model.buffers()])
    gradients = _bytes(trained)
    stored = weights + _state_bytes(setting, optimizer, trained)
    if setting.training.get("average"):
        stored += weights
    summed = gradients if setting.training.get("accumulate") else 0
    summed += _kept_bytes(setting) if setting.metrics else 0
    rows_start = gradients  # a copy of the parameters, for the next row's update norm
    checkpoint = stored + rows_start  # each run's may be on its way to the disk
    return Footprint(
        stacked=chosen.stacked,
        reason=chosen.reason,
        device=device.type,
        parameter_bytes=weights,
        state_bytes=stored + gradients,
        run_bytes=checkpoint * 2 + gradients + summed + _activation_bytes(run, model),
        shared_bytes=_data_bytes(setting) + SAVING * checkpoint,
    )


def _state_bytes(setting: Setting, optimizer: Optimizer, trained: list[nn.Parameter]) -> int:
    """Bytes of the optimizer's state: as it is after a step, or Adam's where that isn't known."""
    if calls_back(optimizer):  # L-BFGS remembers pairs of steps and changes of gradients
        remembered = optimizer.defaults.get("history_size", 1)
        return 2 * int(remembered) * _bytes(trained)
    if is_import_path(str(setting.optimizer["name"])):
        return 2 * _bytes(trained)
    takes_sparse = isinstance(optimizer, torch.optim.SparseAdam)
    for parameter in trained:
        zeros = torch.zeros_like(parameter)
        parameter.grad = zeros.to_sparse() if takes_sparse else zeros
    optimizer.step()
    for parameter in trained:
        parameter.grad = None
    return _bytes(v for state in optimizer.state.values() for v in state.values())


def _activation_bytes(run: Run, model: nn.Module) -> int:
    """Bytes that a batch leaves between forward and backward, or an evaluation's examples."""
    if is_import_path(str(run.setting.model["name"])):
        return _bytes(model.parameters())
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = _bytes([tensor])
        return tensor

    task = source_of(run.setting.dataset).task
    device, dtype = next(model.parameters()).device, number_type(run.setting)
    inputs = zero_inputs(task, 2, device, dtype)  # 1 has no variance
    saved = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with global_stream(run.seed, "noise"), saved:
        outputs = model(inputs)
    for parameter in model.parameters():
        kept.pop(parameter.data_ptr(), None)
    trained_on = training_size(run.setting)
    examples = max(min(run.setting.batch_size(trained_on), trained_on), CHUNK)
    return (sum(kept.values()) + _bytes([outputs])) * examples // len(inputs)


def _kept_bytes(setting: Setting) -> int:
    """All outputs of a part of the data, which metrics are of, once more while they are joined."""
    source = source_of(setting.dataset)
    numbers = math.prod(source.task.output_shape)
    return 2 * 8 * numbers * max(source.test_size, int(str(setting.dataset["validation"])))


def _data_bytes(setting: Setting) -> int:
    source = source_of(setting.dataset)
    task = source.task
    size = 8 if task.vocabulary else 1 if task.images else 4  # a byte a number
    inputs = math.prod(task.input_shape) * size
    targets = math.prod(task.target_shape) * 8  # int64 classes
    if source.mapped_bytes:  # of a text the targets are in the file too
        inputs, targets = PLACES, 0 if task.positions else targets
    return LOADING * (source.train_size + source.test_size) * (inputs + targets)


def _bytes(values: Iterable[object]) -> int:
    tensors = (value for value in values if isinstance(value, Tensor))
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
