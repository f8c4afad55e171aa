"""The JSON Schema (draft 7) of experiment files, for editors: made from what checks the files.

It is looser than optbench's own check, which alone knows how arguments belong together, and never
stricter: a file that `optbench validate` takes is valid here, in any of the parts that `extends`
may leave to another file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.catalog.annotations import UNWRITABLE
from optbench.catalog.datasets import DATASETS
from optbench.catalog.losses import LOSSES
from optbench.catalog.metrics import METRICS as METRIC_NAMES
from optbench.catalog.models import MODELS
from optbench.catalog.optimizers import optimizers
from optbench.catalog.receivers import (
    AUGMENT,
    AVERAGES,
    EVERY,
    TRAINING,
    dataset_receiver,
    model_receiver,
    optimizer_receiver,
    schedule_receiver,
)
from optbench.catalog.rules import (
    ABOVE_ZERO_UP_TO_ONE,
    AT_LEAST_ONE,
    AT_LEAST_TWO,
    AT_LEAST_ZERO,
    AT_MOST_ZERO,
    BELOW_ONE,
    BETWEEN_ZERO_AND_ONE,
    GREATER_THAN_ZERO,
)
from optbench.catalog.schedules import schedules
from optbench.catalog.weights import HEADS
from optbench.config import descriptions
from optbench.config.claims import COMPARISONS, METRICS, STATEMENTS, VERDICTS
from optbench.config.claims import KEYS as CLAIM_KEYS
from optbench.config.metrics import EVALUATED
from optbench.config.names import ALLOWED, MAX_NAME
from optbench.config.schema import DEVICE, KEYS, REQUIRED
from optbench.config.seeds import MAX_SEED, MAX_SEEDS
from optbench.config.spaces import KINDS, MAX_POINTS
from optbench.config.spec import format_value
from optbench.config.tuning import KEYS as TUNING_KEYS
from optbench.config.tuning import MAX_TRIALS, OBJECTIVES, PRUNERS, SAMPLERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optbench.catalog.annotations import ValueType
    from optbench.catalog.arguments import Receiver
    from optbench.catalog.rules import Rule
    from optbench.catalog.signatures import Parameter

Schema = dict[str, Any]

_TYPES = {
    "int": "integer", "float": "number", "bool": "boolean", "str": "string", "list": "array",
    "mapping": "object", "none": "null",
}  # fmt: skip
_BOUNDS: dict[Rule, Schema] = {
    GREATER_THAN_ZERO: {"exclusiveMinimum": 0},
    AT_LEAST_ZERO: {"minimum": 0},
    AT_MOST_ZERO: {"maximum": 0},
    AT_LEAST_ONE: {"minimum": 1},
    AT_LEAST_TWO: {"minimum": 2},
    BETWEEN_ZERO_AND_ONE: {"minimum": 0, "maximum": 1},
    BELOW_ONE: {"minimum": 0, "exclusiveMaximum": 1},
    ABOVE_ZERO_UP_TO_ONE: {"exclusiveMinimum": 0, "maximum": 1},
}
_IMPORT_PATH = {"type": "string", "pattern": ":", "description": "Your own: ./file.py:Name."}
_ASKED_FOR = {  # what `metrics` adds
    "type": "string",
    "pattern": f"^({'|'.join(EVALUATED)})_",
}
_SCALAR = {"type": ["string", "number", "boolean", "null"]}


def experiment_schema() -> Schema:
    """The schema of a whole experiment file, with what the installed torch can name."""
    parts = {key: _one_or_many(key) for key in ("dataset", "model", "optimizer", "schedule")}
    properties: Schema = {
        "name": {"type": "string", "pattern": f"^{ALLOWED.pattern}$", "maxLength": MAX_NAME},
        "extends": {"type": "string"},
        **parts,
        "training": _training(),
        "seeds": _seeds(),
        "tuning": _tuning(),
        "device": {"type": "string", "pattern": f"^({DEVICE.pattern})$", "examples": ["auto"]},
        "expect": {"type": "array", "items": _claim()},
    }
    told = {key: {"description": descriptions.TOP[key], **properties[key]} for key in KEYS}
    told["extends"] = {"description": descriptions.TOP["extends"], **properties["extends"]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "An optbench experiment",
        "type": "object",
        "properties": told,
        "additionalProperties": False,
        "if": {"not": {"required": ["extends"]}},
        "then": {"required": list(REQUIRED), "properties": dict.fromkeys(REQUIRED, _NAMED)},
        "definitions": {
            "space": _space(),
            "dataset": _part(
                {name: entry.summary for name, entry in DATASETS.items()},
                dataset_receiver,
                descriptions.DATASET,
                {"fallback": {"$ref": "#/definitions/dataset"}, "instead_of": {"type": "string"}},
            ),
            "model": _part(
                {name: entry.summary for name, entry in MODELS.items()},
                model_receiver,
                descriptions.MODEL,
                {"weights": {"type": ["string", "null"]}, "head": {"enum": list(HEADS)}},
            ),
            "optimizer": _part(
                {name: entry.summary for name, entry in optimizers().items()},
                optimizer_receiver,
                descriptions.OPTIMIZER,
                {"schedule": {"$ref": "#/definitions/schedule"}},
                groups=True,
            ),
            "schedule": _part(
                {name: entry.summary for name, entry in schedules().items()},
                schedule_receiver,
                descriptions.SCHEDULE,
                {},
            ),
        },
    }


# What a file that extends no other has to say: `adam`, or a mapping with a name, or several.
_HAS_NAME = {"if": {"type": "object"}, "then": {"required": ["name"]}}
_NAMED = {"allOf": [_HAS_NAME, {"if": {"type": "array"}, "then": {"items": _HAS_NAME}}]}


def _one_or_many(key: str) -> Schema:
    one = {"$ref": f"#/definitions/{key}"}
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _part(
    summaries: Mapping[str, str],
    receiver: Callable[[str], Receiver],
    texts: Mapping[str, str],
    beside: Schema,
    *,
    groups: bool = False,
) -> Schema:
    """A name, or a mapping whose keys depend on the name in it; `beside` are those of all."""
    names = {"enum": list(summaries), "enumDescriptions": list(summaries.values())}
    common = {key: _or_space({"description": texts[key], **beside[key]}) for key in beside}
    kinds = []
    for name, summary in summaries.items():
        own = _arguments(receiver(name), texts)
        if groups:
            own["groups"] = _or_space(_groups(own, texts))
        is_it = {"required": ["name"], "properties": {"name": {"const": name}}}
        takes: Schema = {"properties": {"name": {"description": summary}, **common, **own}}
        if not receiver(name).signature.open:
            takes["additionalProperties"] = False
        kinds.append({"if": is_it, "then": takes})
    name_of = {"anyOf": [names, _IMPORT_PATH, {"type": "string"}, _SPACE]}
    mapping = {"type": "object", "properties": {"name": name_of}, "allOf": kinds}
    return {"anyOf": [names, _IMPORT_PATH, mapping]}


def _arguments(receiver: Receiver, texts: Mapping[str, str]) -> Schema:
    return {
        name: _argument(parameter, receiver.rules.get(name), texts.get(name, ""))
        for name, parameter in receiver.parameters.items()
    }


def _argument(parameter: Parameter, rule: Rule | None, text: str) -> Schema:
    """Of one argument: its type, its bounds, and what is known of it in words."""
    said = [text] if text else []
    if rule is not None:
        said.append(f"Must be {rule.text}.")
    if parameter.required:
        said.append("Has to be given.")
    elif parameter.default_known and parameter.default is not None:
        said.append(f"Default: {format_value(parameter.default)}.")
    return {"description": " ".join(said), **_or_space(_value(parameter.type, rule))}


def _value(type_: ValueType, rule: Rule | None = None) -> Schema:
    """What fits a type of `annotations`."""
    if type_.choices:
        return {"enum": list(type_.choices)}
    bounds = _BOUNDS.get(rule, {}) if rule else {}
    kinds = sorted(type_.kinds - {UNWRITABLE})
    if not kinds:
        return dict(bounds)
    value: Schema = {"type": [_TYPES[kind] for kind in kinds], **bounds}
    if "list" in type_.kinds:
        value["items"] = _or_space(_value(type_.item, rule))
        if type_.length is not None:
            value |= {"minItems": type_.length, "maxItems": type_.length}
    return {"anyOf": [value, {"enum": list(type_.words)}]} if type_.words else value


_SPACE = {"$ref": "#/definitions/space"}


def _or_space(value: Schema) -> Schema:
    """A value, in whose place a space may stand."""
    text = {"description": value["description"]} if "description" in value else {}
    return {**text, "anyOf": [value, _SPACE]}


def _space() -> Schema:
    points = {"type": "array", "minItems": 1, "maxItems": MAX_POINTS}
    ends = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}
    return {
        "type": "object",
        "properties": {
            kind: {"description": descriptions.SPACES[kind], **(points if kind == "grid" else ends)}
            for kind in KINDS
        },
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }


def _groups(arguments: Schema, texts: Mapping[str, str]) -> Schema:
    match = {"description": texts["match"], "type": "string", "minLength": 1}
    group = {
        "type": "object",
        "properties": {"match": _or_space(match), **arguments},
        "required": ["match"],
    }
    return {
        "description": texts["groups"],
        "type": "array",
        "items": group,
        "minItems": 1,
        "examples": [[{"match": "*.bias", "weight_decay": 0}]],
    }


def _training() -> Schema:
    texts = descriptions.TRAINING
    own = _arguments(TRAINING, texts)
    every = _optional_mapping(_arguments(EVERY, texts))
    averages: Schema = {}
    for receiver in AVERAGES.values():
        averages |= _arguments(receiver, texts)
    average = {
        "anyOf": [
            {"enum": [*AVERAGES, None]},
            {
                "type": "object",
                "properties": {"name": _or_space({"enum": list(AVERAGES)}), **averages},
                "additionalProperties": False,
            },
        ]
    }
    augment = _optional_mapping(_arguments(AUGMENT, texts))
    loss, metric = _function([*LOSSES, None]), _function([*METRIC_NAMES])
    metrics = {"type": "array", "items": metric}
    shaped = {"loss": loss, "metrics": metrics, "average": average, "augment": augment}
    shaped |= {"evaluate_every": every, "checkpoint_every": every}
    for name, value in shaped.items():
        own[name] = {"description": texts[name], "anyOf": [value, _SPACE]}
    return {"type": "object", "properties": own, "additionalProperties": False}


def _function(names: Sequence[str | None]) -> Schema:
    """A loss or metric: a name, or one's own with its arguments."""
    named = {"anyOf": [{"enum": [*names]}, _IMPORT_PATH, _SPACE]}
    mapping = {"type": "object", "properties": {"name": named}, "required": ["name"]}
    return {"anyOf": [{"enum": [*names]}, _IMPORT_PATH, mapping]}


def _optional_mapping(properties: Schema) -> Schema:
    return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}


def _seeds() -> Schema:
    seed = {"type": "integer", "minimum": 0, "maximum": MAX_SEED}
    seeds = {"type": "array", "items": seed, "minItems": 1, "uniqueItems": True}
    return {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_SEEDS}, seeds]}


def _tuning() -> Schema:
    texts = descriptions.TUNING
    trials = {"type": "integer", "minimum": 1, "maximum": MAX_TRIALS}
    values: Schema = {
        "trials": trials,
        "sampler": _named(SAMPLERS, {"seed": {"type": "integer", "minimum": 0}, "batch": trials}),
        "pruner": _named(
            PRUNERS,
            {
                "reduction": {"type": "integer", "minimum": 2},
                "min_epochs": {"type": "integer", "minimum": 1},
            },
        ),
        "objective": {"anyOf": [{"enum": list(OBJECTIVES)}, _ASKED_FOR]},
        "seeds": _seeds(),
    }
    told = {key: {"description": texts[key], **values[key]} for key in TUNING_KEYS}
    return {"type": "object", "properties": told, "additionalProperties": False}


def _named(names: Sequence[str], arguments: Schema) -> Schema:
    """A name, or a mapping with it."""
    name = {"enum": list(names)}
    told = {key: {"description": descriptions.TUNING[key], **arguments[key]} for key in arguments}
    mapping = {"type": "object", "properties": {"name": name, **told}}
    return {"anyOf": [name, {**mapping, "additionalProperties": False}]}


def _claim() -> Schema:
    chooses = {"type": "object", "additionalProperties": _SCALAR, "minProperties": 1}
    number = {"type": "number"}
    positive = {"type": "number", "exclusiveMinimum": 0}
    values: Schema = {
        "claim": {"type": "string"},
        "metric": {"anyOf": [{"enum": list(METRICS)}, _ASKED_FOR]},
        "setting": chooses,
        **dict.fromkeys(COMPARISONS, chooses),
        **dict.fromkeys(("at_least", "at_most", "target"), number),
        **dict.fromkeys(("margin", "ratio", "within"), positive),
        "diverges": {"type": "boolean"},
        "verdict": {"enum": list(VERDICTS)},
    }
    told = {key: {"description": descriptions.CLAIM[key], **values[key]} for key in CLAIM_KEYS}
    return {
        "type": "object",
        "properties": told,
        "required": ["setting"],
        "oneOf": [{"required": [statement]} for statement in STATEMENTS],
        "additionalProperties": False,
    }
