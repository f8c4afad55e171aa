"""What takes arguments in an experiment file: its signature, and the rules beyond it."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from optbench.catalog.annotations import ValueType
from optbench.catalog.arguments import Receiver
from optbench.catalog.datasets import DATASETS
from optbench.catalog.models import FILLED, model_entry
from optbench.catalog.optimizers import RELATIONS as OPTIMIZER_RELATIONS
from optbench.catalog.optimizers import RULES as OPTIMIZER_RULES
from optbench.catalog.optimizers import optimizers
from optbench.catalog.plugins import is_import_path
from optbench.catalog.rules import (
    AT_LEAST_ONE,
    AT_LEAST_TWO,
    AT_LEAST_ZERO,
    BELOW_ONE,
    GREATER_THAN_ZERO,
    Relation,
    Rule,
)
from optbench.catalog.schedules import OWN_RULES, ScheduleEntry, schedules
from optbench.catalog.schedules import RELATIONS as SCHEDULE_RELATIONS
from optbench.catalog.schedules import RULES as SCHEDULE_RULES
from optbench.catalog.signatures import Parameter, Signature, is_function, signature_of
from optbench.config.spec import FLOAT32, FULL_BATCH, flattened

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from optbench.catalog.arguments import Arguments

_BOOLEAN = ValueType(frozenset({"bool"}))
_INTEGER = ValueType(frozenset({"int"}))
_INTEGER_OR_NULL = ValueType(frozenset({"int", "none"}))
_NUMBER = ValueType(frozenset({"float"}))
_NUMBER_OR_NULL = ValueType(frozenset({"float", "none"}))
_TEXTS = ValueType(frozenset({"list"}), items=frozenset({"str"}))
_MAX_EPOCHS = 1_000_000
_SHORT = ("bfloat16", "float16")
DTYPES = (FLOAT32, "float64", *_SHORT)

_COMMON_DATA = (
    Parameter("train", _INTEGER_OR_NULL),
    Parameter("test", _INTEGER_OR_NULL),
    Parameter("validation", _INTEGER, default=0),
    Parameter("normalize", default=False),
)
COMMON_DATA = tuple(parameter.name for parameter in _COMMON_DATA)
_DATA_RULES = {
    "train": AT_LEAST_ONE,
    "test": AT_LEAST_ONE,
    "validation": AT_LEAST_ZERO,
    "features": AT_LEAST_ONE,
    "classes": AT_LEAST_TWO,
    "separation": AT_LEAST_ZERO,
    "turns": AT_LEAST_ZERO,
    "noise": AT_LEAST_ZERO,
    "words": AT_LEAST_TWO,
    "length": AT_LEAST_ONE,
    "size": AT_LEAST_ONE,
    "modulus": AT_LEAST_TWO,
    "min_count": AT_LEAST_ONE,
    **dict.fromkeys(("test_share", "train_share"), Rule("between 0 and 1", lambda v: 0 < v < 1)),
    "condition": AT_LEAST_ONE,
    "steepness": GREATER_THAN_ZERO,
    "signal": AT_LEAST_ZERO,
    "dimensions": AT_LEAST_TWO,
    "data_seed": Rule("from 0 to 4,294,967,295", lambda v: 0 <= v < 2**32),
}
_MODEL_RULES = {
    **dict.fromkeys(
        ("hidden", "layers", "channels", "width", "depth", "heads", "patch"), AT_LEAST_ONE
    ),
    "dropout": BELOW_ONE,
}

TRAINING = Receiver(
    "training",
    Signature(
        "training",
        (
            Parameter("epochs", _INTEGER, default=5),
            Parameter("batch_size", ValueType(frozenset({"int"}), words=(FULL_BATCH,)), default=64),
            Parameter("loss"),  # else the first that the data set names
            Parameter("evaluate_every"),
            Parameter("checkpoint_every"),
            Parameter("keep_state", _BOOLEAN, default=False),
            Parameter("clip_norm", _NUMBER_OR_NULL),
            Parameter("compile", _BOOLEAN, default=False),
            Parameter("accumulate", _INTEGER, default=1),
            Parameter("freeze", _TEXTS, default=[]),
            Parameter("label_smoothing", _NUMBER, default=0.0),
            Parameter("average"),
            Parameter("augment"),
            Parameter("dtype", ValueType(frozenset({"str"}), choices=DTYPES), default=FLOAT32),
            Parameter("amp", ValueType(frozenset({"str", "none"}), choices=(*_SHORT, None))),
            Parameter("metrics", default=[]),
        ),
    ),
    {
        "epochs": Rule(f"from 1 to {_MAX_EPOCHS:,}", lambda v: 1 <= v <= _MAX_EPOCHS),
        "batch_size": AT_LEAST_ONE,
        "clip_norm": GREATER_THAN_ZERO,
        "accumulate": AT_LEAST_ONE,
        "label_smoothing": BELOW_ONE,
    },
    (
        Relation(
            "accumulate",
            f"must be 1 with batch_size: {FULL_BATCH}, which leaves one batch an epoch",
            lambda v: v["accumulate"] == 1 or v["batch_size"] != FULL_BATCH,
        ),
        Relation(
            "amp",
            f"mixes a shorter type with {FLOAT32}, which dtype has to be then",
            lambda v: v["amp"] is None or v["dtype"] == FLOAT32,
        ),
    ),
)
# Left out of a setting where they hold this: they came later, and older runs keep their hashes.
LATER_DATA: dict[str, object] = {"digits": None, "targets": None}
LATER_TRAINING: dict[str, object] = {
    "clip_norm": None,
    "compile": False,
    "checkpoint_every": None,
    "keep_state": False,
    "accumulate": 1,
    "freeze": [],
    "label_smoothing": 0.0,
    "average": None,
    "augment": None,
    "dtype": FLOAT32,
    "amp": None,
    "metrics": [],
}
# What `average` can name. The numbers are torch's and, of SWA, those of Izmailov et al. 2018.
AVERAGES = {
    "ema": Receiver(
        "ema", Signature("ema", (Parameter("decay", _NUMBER, default=0.999),)), {"decay": BELOW_ONE}
    ),
    "swa": Receiver(
        "swa", Signature("swa", (Parameter("start", _NUMBER, default=0.75),)), {"start": BELOW_ONE}
    ),
}
AUGMENT = Receiver(
    "augment",
    Signature(
        "augment",
        (Parameter("flip", _BOOLEAN, default=False), Parameter("crop", _INTEGER, default=0)),
    ),
    {"crop": AT_LEAST_ZERO},
)
# As tables have them: `augment` holds of its arguments those that are on.
_LATER_FLAT = LATER_TRAINING | {
    f"augment.{parameter.name}": parameter.default for parameter in AUGMENT.signature.parameters
}
# What `evaluate_every` and `checkpoint_every` hold.
EVERY = Receiver(
    "every",
    Signature("every", (Parameter("steps", _INTEGER, required=True),)),
    {"steps": AT_LEAST_ONE},
)


def data_parameters(name: str) -> tuple[Parameter, ...]:
    """The arguments that a data set's own factory takes, beside those that all have.

    Raises `SourceNotFoundError` for an import path that leads nowhere.
    """
    return signature_of(name).parameters if is_import_path(name) else _catalog_data(name)


@cache
def _catalog_data(name: str) -> tuple[Parameter, ...]:
    factory = DATASETS[name].factory
    if not inspect.signature(factory).parameters:
        return ()
    return signature_of(f"{factory.__module__}:{factory.__name__}").parameters


def dataset_receiver(name: str) -> Receiver:
    """What takes the arguments of a data set of the catalog, or of one by import path."""
    own = data_parameters(name)
    names = {parameter.name for parameter in own}
    common = tuple(parameter for parameter in _COMMON_DATA if parameter.name not in names)
    if is_import_path(name):
        signature = signature_of(name)
        shared = {parameter.name for parameter in common}
        rules = {name: rule for name, rule in _DATA_RULES.items() if name in shared}
        return Receiver(signature.name, replace(signature, parameters=own + common), rules)
    return Receiver(name, Signature(name, own + common), _DATA_RULES)


def model_receiver(name: str) -> Receiver:
    """What takes the arguments of a model of the catalog, or of one by import path.

    Raises `SourceNotFoundError`, as the two below do.
    """
    entry = model_entry(name)
    if entry and entry.hidden_classes:  # what else it takes, building it will tell
        hidden = (entry.hidden_classes, "progress")
        return Receiver(
            name, Signature(name, tuple(map(Parameter, hidden)), open=True), filled=hidden
        )
    signature = signature_of(entry.target if entry else name)
    if entry is None:
        # What only a **kwargs would take is not known to be wanted: there YAML gives it.
        own = tuple(name for name in FILLED if signature.get(name) is not None)
        return Receiver(signature.name, signature, filled=own)
    return Receiver(name, signature, _MODEL_RULES, filled=FILLED)


def optimizer_receiver(name: str) -> Receiver:
    """What takes the arguments of an optimizer; its first parameter is the parameters to train."""
    if name in optimizers():
        return _catalog_optimizer(name)
    signature = signature_of(name)
    rules = {"lr": OPTIMIZER_RULES["lr"]}
    return Receiver(signature.name, signature, rules, filled=_first_name(signature))


@cache
def _catalog_optimizer(name: str) -> Receiver:
    entry = optimizers()[name]
    torchs = signature_of(entry.target)
    parameters = tuple(
        replace(parameter, default=entry.preset.get(parameter.name, parameter.default))
        for parameter in torchs.parameters
    )
    return Receiver(
        torchs.name,
        replace(torchs, parameters=parameters),
        OPTIMIZER_RULES,
        OPTIMIZER_RELATIONS,
        filled=_first_name(torchs),
    )


def schedule_receiver(name: str) -> Receiver:
    """What takes the arguments of a schedule; one that says how long it lasts may stay null."""
    if name in schedules():
        return _catalog_schedule(name)
    signature = signature_of(name)
    return Receiver(signature.name, signature, filled=(*_first_name(signature), "last_epoch"))


@cache
def _catalog_schedule(name: str) -> Receiver:
    entry = schedules()[name]
    if not entry.target:
        return Receiver(name, Signature(name, ()))
    signature = signature_of(entry.target)
    parameters = tuple(_horizon_optional(entry, p) for p in signature.parameters)
    return Receiver(
        name,
        replace(signature, parameters=parameters),
        {**SCHEDULE_RULES, **OWN_RULES.get(name, {})},
        SCHEDULE_RELATIONS,
        filled=("optimizer", "last_epoch", *entry.provided),
    )


def function_receiver(name: str) -> Receiver:
    """What takes the arguments of a loss or metric by import path: a class, or a function.

    A function's first two are outputs and targets. Those of the catalog take none.
    """
    if not is_import_path(name):
        return Receiver(name, Signature(name, ()))
    signature = signature_of(name)
    first = tuple(parameter.name for parameter in signature.parameters[:2])
    return Receiver(signature.name, signature, filled=first if is_function(name) else ())


def normalization_receiver(name: str) -> Receiver:
    """What takes the arguments of a function that finds a normalization; its first are inputs."""
    signature = signature_of(name)
    return Receiver(signature.name, signature, filled=_first_name(signature))


def _first_name(signature: Signature) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in signature.parameters[:1])


def _horizon_optional(entry: ScheduleEntry, parameter: Parameter) -> Parameter:
    if parameter.name != entry.horizon:
        return parameter
    type_ = ValueType(parameter.type.kinds | {"none"})
    return Parameter(parameter.name, type_, default=None)


def without_later(values: Arguments, later: Mapping[str, object]) -> Arguments:
    """The arguments without those that came later, where they say nothing new."""
    return {k: value for k, value in values.items() if k not in later or value != later[k]}


def left_out(training: Mapping[str, Any]) -> dict[str, object]:
    """The defaults that a setting's `training` doesn't hold, by flat keys: they came later."""
    held = {*training, *flattened(training)}
    return {key: value for key, value in _LATER_FLAT.items() if key not in held}
