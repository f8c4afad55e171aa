"""Models, optimizers and schedules from resolved settings; refusals name their line."""

from __future__ import annotations

import inspect
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import UninitializedParameter
from torch.optim import Optimizer

from optbench.catalog.models import (
    CLASS_PARAMETERS,
    LANDSCAPE_PARAMETERS,
    POSITION_PARAMETERS,
    SHAPE_PARAMETERS,
    VOCABULARY_PARAMETERS,
    model_entry,
)
from optbench.catalog.models.forward import check_forward, zero_inputs
from optbench.catalog.optimizers import optimizers
from optbench.catalog.schedules import ScheduleEntry, open_horizon, schedules
from optbench.errors import UsageError
from optbench.training.freezing import freeze
from optbench.training.named import blame, load_named, name_and_arguments
from optbench.training.precision import number_type
from optbench.training.pretrained import load_weights
from optbench.training.seeding import global_stream
from optbench.training.sparse import check_dense, check_sparse, has_sparse_gradients

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch.optim.lr_scheduler import LRScheduler

    from optbench.catalog.datasets.task import Task
    from optbench.config.spec import Run, Setting


def build_model(run: Run, task: Task, device: torch.device) -> nn.Module:
    """The run's model with its initial weights: the seed's, drawn on the CPU for every device.

    Where the setting names weights, those take the place of what was drawn, but for a new head.
    What the setting freezes has no `requires_grad`.
    """
    name, arguments = name_and_arguments(run.setting.model)
    weights = run.setting.weights
    if weights:
        del arguments["weights"]
        head = arguments.pop("head")
    entry = model_entry(name)
    with blame(run.setting, "model", name):
        factory = load_named(run.setting, entry.target if entry else name)
        given = {**arguments, **_shapes(factory, task)}
        if entry and entry.hidden_classes:
            given[entry.hidden_classes] = task.classes
        if entry and task.vocabulary and not given.keys() & set(VOCABULARY_PARAMETERS):
            shape = list(task.input_shape)
            raise UsageError(f"{name} takes numbers; the data are token ids {shape}")
        with global_stream(run.seed, "weights"):
            model = factory(**given)
        if not isinstance(model, nn.Module):
            raise UsageError(f"it made a {type(model).__name__}, which is no torch.nn.Module")
        if any(isinstance(p, UninitializedParameter) for p in model.parameters()):
            raise UsageError("it has lazy layers, whose sizes nobody knows; give them")
        if getattr(model, "aux_logits", False):  # torchvision's googlenet and inception_v3
            raise UsageError("it gives several outputs while it trains; write aux_logits: false")
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise UsageError("it has no parameter to train")
    if weights:
        with blame(run.setting, "model", name, "weights"):
            load_weights(model, weights, task.classes, new_head=head == "new")
    freeze(run.setting, model)
    return model.to(device)


def build_optimizer(setting: Setting, model: nn.Module) -> Optimizer:
    """The setting's optimizer over the model's parameters, in groups where the setting says so.

    torch's fused implementation is taken where there is one and nothing else was asked for.
    """
    name, arguments = name_and_arguments(setting.optimizer)
    globs = arguments.pop("groups", [])
    entry = optimizers().get(name)
    with blame(setting, "optimizer", name):
        factory = load_named(setting, entry.target if entry else name)
        if entry and _fusible(factory, model) and not {"foreach", "fused"} & set(arguments):
            arguments["fused"] = True
        optimizer = factory(_groups(model, globs), **_as_tuples(arguments))
        if not isinstance(optimizer, Optimizer):
            raise UsageError(f"it is a {type(optimizer).__name__}, no torch.optim.Optimizer")
        if has_sparse_gradients(model):
            check_sparse(optimizer)
        if isinstance(optimizer, torch.optim.SparseAdam):
            check_dense(model)
    return optimizer


def build_schedule(setting: Setting, optimizer: Optimizer, epoch_steps: int) -> LRScheduler | None:
    """The setting's schedule, its horizon the run's own where none is given; None if constant."""
    name, arguments = name_and_arguments(setting.schedule)
    if name == "constant":
        return None
    entry = schedule_entry(setting)
    horizon = setting.epochs * (epoch_steps if entry.by_step else 1)
    if argument := open_horizon(setting.schedule):
        arguments[argument] = horizon
    with blame(setting, "schedule", name):
        schedule: LRScheduler = load_named(setting, entry.target)(optimizer, **arguments)
    return schedule


def schedule_entry(setting: Setting) -> ScheduleEntry:
    """How the setting's schedule advances; one reached by import path advances each epoch."""
    name = str(setting.schedule["name"])
    return schedules().get(name, ScheduleEntry(name, ""))


def group_names(setting: Setting) -> tuple[str, ...]:
    """The globs of the setting's parameter groups, after the default group."""
    groups = setting.optimizer.get("groups") or []
    return tuple(str(group["match"]) for group in groups)  # type: ignore[attr-defined]


def _shapes(factory: Callable[..., Any], task: Task) -> dict[str, object]:
    """What a model's own parameters ask of the data, by the names that they have there."""
    try:
        names = inspect.signature(factory).parameters
    except ValueError:  # a class without a signature to read takes none of them
        return {}
    answers: dict[tuple[str, ...], object] = {
        SHAPE_PARAMETERS: task.input_shape,
        CLASS_PARAMETERS: task.classes,
        VOCABULARY_PARAMETERS: task.vocabulary,
        POSITION_PARAMETERS: task.positions,
        LANDSCAPE_PARAMETERS: task.landscape,
    }
    return {name: answer for kind, answer in answers.items() for name in kind if name in names}


def _fusible(factory: Callable[..., Any], model: nn.Module) -> bool:
    device = next(model.parameters()).device.type
    takes_it = "fused" in inspect.signature(factory).parameters
    return takes_it and device in ("cpu", "cuda") and not has_sparse_gradients(model)


def _as_tuples(arguments: dict[str, Any]) -> dict[str, Any]:
    """YAML's lists as tuples: what optimizers expect of `betas` and its like."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in arguments.items()}


def _groups(model: nn.Module, globs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The default group first, then one a glob; a parameter goes to the first that matches.

    The default group is there even when the globs leave it nothing: its learning rate is reported.
    """
    default: dict[str, Any] = {"params": []}
    groups = [{"params": [], **_as_tuples(_split_match(glob))} for glob in globs]
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        matching = (g for g, glob in zip(groups, globs, strict=True)
                    if fnmatchcase(name, glob["match"]))  # fmt: skip
        next(matching, default)["params"].append(parameter)
    for group, glob in zip(groups, globs, strict=True):
        if not group["params"]:
            names = ", ".join(name for name, _ in model.named_parameters())
            raise UsageError(f"no parameter is left for the group {glob['match']!r} among {names}")
    return [default, *groups]


def _split_match(glob: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in glob.items() if key != "match"}


def check_model(setting: Setting, model: nn.Module, task: Task) -> None:
    """Raises, at the model's line, unless it maps the data's inputs to what their targets need."""
    with blame(setting, "model", str(setting.model["name"])):
        check_forward(model, task, number_type(setting))


def check_last_batch(setting: Setting, model: nn.Module, task: Task, examples: int) -> None:
    """Raises, at its batch size, where an epoch ends with a batch of one that has no variance.

    Batch norm refuses to train on it, which would else be found out at the end of an epoch.
    """
    size = setting.batch_size(examples)
    is_normalized = any(isinstance(module, _BatchNorm) for module in model.modules())
    if (examples % size != 1 and size != 1) or not is_normalized:
        return
    device = next(model.parameters()).device
    inputs = zero_inputs(task, 1, device, number_type(setting))
    try:
        with torch.no_grad():
            model.train()(inputs)
    except ValueError as error:
        with blame(setting, "training", f"a batch_size of {size:,}", "batch_size"):
            raise UsageError(
                f"it leaves one of {examples:,} examples for the last batch, on which the model's "
                f"batch norm can't train ({error}); choose another, or one example fewer"
            ) from error
