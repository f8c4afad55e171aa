"""Builds every setting of a plan once before anything trains: what is refused, what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.resolve import source_of
from optbench.errors import ConfigError, Problem
from optbench.execution.data import training_size
from optbench.execution.deal import Rehearsed
from optbench.execution.footprints import footprint
from optbench.execution.memory import device_memory, process_memory
from optbench.training.build import (
    build_model,
    build_optimizer,
    build_schedule,
    check_last_batch,
    check_model,
)
from optbench.training.compiled import check_compiler
from optbench.training.device import choose_device, devices_for, restore_settings
from optbench.training.losses import check_loss
from optbench.training.measures import check_metrics
from optbench.training.precision import in_its_type
from optbench.training.precision_refusal import check_precision
from optbench.training.seeding import global_stream

if TYPE_CHECKING:
    import torch
    from torch import nn

    from optbench.config.spec import Run, Setting
    from optbench.execution.cohorts import Footprint
    from optbench.execution.plan import Plan


def rehearse(plan: Plan) -> Rehearsed:
    """Build model, optimizer and schedule of each setting once; nothing is trained.

    Raises `ConfigError` with every refusal, and `UsageError` for a device that isn't here.
    """
    names = tuple(dict.fromkeys(planned.run.device for planned in plan.to_train))
    devices = {name: choose_device(name) for name in names}
    rehearsal = _Rehearsal()
    for run in {p.run.setting.setting_hash: p.run for p in plan.to_train}.values():
        rehearsal.take(run, devices[run.device])
    if rehearsal.problems:
        raise ConfigError(rehearsal.problems)
    workplaces = devices_for(names)
    return Rehearsed(
        devices=workplaces,
        footprints=rehearsal.footprints,
        process_bytes=process_memory(),
        device_bytes=min(map(device_memory, workplaces)),
    )


class _Rehearsal:
    """Footprints by setting hash, and what was refused; settings that weigh the same share one."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.footprints: dict[str, Footprint] = {}
        self._models: dict[str, nn.Module] = {}
        self._known: dict[str, Footprint] = {}

    def take(self, run: Run, device: torch.device) -> None:
        setting = run.setting
        if setting.own_code:  # of which there may have been some before
            restore_settings()
        key = _model_key(setting, device)
        try:
            if key not in self._models:
                task = source_of(setting.dataset).task
                model = in_its_type(setting, build_model(run, task, device))
                with global_stream(run.seed, "noise"):  # a model may draw in eval mode too
                    check_model(setting, model, task)
                self._models = {key: model}  # the last alone: all of a plan may not fit
            model, examples = self._models[key], training_size(setting)
            with global_stream(run.seed, "noise"):
                check_last_batch(setting, model, source_of(setting.dataset).task, examples)
            optimizer = build_optimizer(setting, model)
            build_schedule(setting, optimizer, setting.epoch_steps(examples))
            with global_stream(run.seed, "noise"):
                check_loss(setting, source_of(setting.dataset).task, device)
                check_metrics(setting, source_of(setting.dataset).task, device)
            check_compiler(setting, device)
            check_precision(setting, device, optimizer)
        except ConfigError as error:
            self.problems += error.problems
            return
        like = f"{key} {setting.training} {_kinds(setting.optimizer)}"
        if like not in self._known:
            self._known[like] = footprint(run, model, optimizer, device)
        self.footprints[setting.setting_hash] = self._known[like]


def _model_key(setting: Setting, device: torch.device) -> str:
    """The same for settings whose models are built alike."""
    return f"{setting.problem_hash} {setting.training.get('freeze')} {setting.dtype} {device}"


def _kinds(value: object) -> object:
    """The same for optimizers whose state is alike: what number a fraction is says nothing of it.

    Whether it is 0 does: momentum 0 keeps nothing. So may a whole number, as a length.
    """
    match value:
        case float() if value:
            return float
        case dict():
            return {name: _kinds(item) for name, item in value.items() if name != "lr"}
        case list() | tuple():
            return [_kinds(item) for item in value]
    return value
