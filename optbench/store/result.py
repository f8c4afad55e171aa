"""result.json: what became of a run, written strictly and read with suspicion."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args

from optbench.config.node import INTEGERS, MAX_DEPTH
from optbench.errors import StoreError
from optbench.store.bounded import read_bounded
from optbench.store.fields import Fields
from optbench.store.seal import KEY, is_whole, sealed

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.store.metrics import Row

Status = Literal["running", "completed", "diverged", "failed", "interrupted", "pruned"]
STATUSES: tuple[Status, ...] = get_args(Status)

SCHEMA = 1
RESULT_LIMIT = 1_000_000  # bytes
_DEPTH = MAX_DEPTH + 1  # the object itself, then a configuration as deep as YAML may be
_LONGEST_INTEGER = 20  # characters of one that fits into 64 bits; int() is quadratic


@dataclass(frozen=True)
class Labels:
    """The names that people read: of the problem and of the setting."""

    problem: str
    setting: str


@dataclass(frozen=True)
class Sizes:
    """Numbers of examples, of trainable parameters and of steps an epoch."""

    train: int
    validation: int
    test: int
    parameters: int
    steps_per_epoch: int


@dataclass(frozen=True)
class Hashes:
    """SHA-256 of what has to agree before two runs are paired, and of weights started from."""

    data: str
    initial_weights: str | None
    batch_order: str | None
    pretrained: str | None = None


@dataclass(frozen=True)
class Cohort:
    """With how many runs this one was trained, and why stacked or why not."""

    size: int
    stacked: bool
    reason: str


@dataclass(frozen=True)
class Extended:
    """The shorter run whose last state this one went on from: its hash, and its epochs."""

    run: str
    epochs: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """The content of result.json; docs/formats.md says what each field holds."""

    status: Status
    reason: str | None
    experiment: str
    run: str
    setting: str
    problem: str
    seed: int
    declared_seeds: int
    labels: Labels
    config: Mapping[str, Any]
    requested_dataset: str | None
    sizes: Sizes
    last: Row | None
    best: Row | None
    state_bytes_per_parameter: float | None
    hashes: Hashes
    environment: Mapping[str, str | float | int | None]
    cohort: Cohort
    started: str
    finished: str | None
    seconds: float | None
    extended: Extended | None = None
    files: Mapping[str, str]


def format_result(result: Result) -> str:
    """The text of result.json: strict JSON, non-finite numbers as null, sealed, a final newline."""
    document = {"schema": SCHEMA} | without_non_finite(result)
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    # A file name that is not UTF-8 may stand in a reason; "\udcff" is JSON for its lone surrogate.
    return sealed(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def without_non_finite(value: Any) -> Any:
    """Plain data of values and dataclasses, with None for nan and infinity, which JSON has not."""
    if isinstance(value, str | int):  # as most are
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict | Mapping):  # a dict is known to be one in less time
        return {key: without_non_finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_non_finite(item) for item in value]
    if dataclasses.is_dataclass(value):  # not `asdict`, which copies all that is in it
        return without_non_finite(vars(value))
    return value


def read_result(path: Path) -> Result:
    """Read and check a result.json; StoreError names the file, the key and the rule."""
    return parse_result(read_bounded(path, RESULT_LIMIT), str(path))


def parse_result(content: bytes, where: str) -> Result:
    """The result in `content`; `where` is the name for it in errors (StoreError)."""
    fields = Fields(load_object(content, where), where)
    if KEY in fields.values and not is_whole(content):  # older versions wrote none
        raise StoreError(f"{where}: damaged: its {KEY} is not that of its content")
    schema = fields.count("schema")
    if schema != SCHEMA:
        fields.refuse("schema", f"{SCHEMA}, the one that this optbench reads", schema)
    return Result(
        status=fields.choice("status", STATUSES),
        reason=fields.optional_text("reason"),
        experiment=fields.text("experiment"),
        run=fields.digest("run"),
        setting=fields.digest("setting"),
        problem=fields.digest("problem"),
        seed=fields.count("seed"),
        declared_seeds=fields.count("declared_seeds"),
        labels=_labels(fields.inside("labels")),
        config=_config(fields.inside("config")),
        requested_dataset=fields.optional_text("requested_dataset"),
        sizes=_sizes(fields.inside("sizes")),
        last=_row(fields, "last"),
        best=_row(fields, "best"),
        state_bytes_per_parameter=fields.optional_number("state_bytes_per_parameter"),
        hashes=_hashes(fields.inside("hashes")),
        environment=_environment(fields.inside("environment")),
        cohort=_cohort(fields.inside("cohort")),
        started=fields.text("started"),
        finished=fields.optional_text("finished"),
        seconds=fields.optional_number("seconds"),
        extended=_extended(fields) if "extended" in fields.values else None,
        files=_files(fields.inside("files")),
    )


def load_object(content: bytes, where: str) -> dict[str, Any]:
    """The JSON object in `content`, strict and of bounded depth; StoreError otherwise."""
    try:
        document = json.loads(
            content.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_small_integer,
        )
        if content.count(b"[") + content.count(b"{") > _DEPTH:  # else it can't be that deep
            _check_depth(document, _DEPTH)
    except (ValueError, RecursionError) as error:
        message = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise StoreError(f"{where}: not strict JSON: {message}") from error
    if not isinstance(document, dict):
        raise StoreError(f"{where}: must hold a JSON object")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large a number")
    return value


def _small_integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER or int(text) not in INTEGERS:
        raise ValueError(f"{text[:40]} is an integer beyond 64 bits")
    return int(text)


def _check_depth(value: Any, levels: int) -> None:
    if not isinstance(value, dict | list):
        return
    if not levels:
        raise ValueError(f"nested deeper than {_DEPTH} levels")
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, levels - 1)


def _labels(fields: Fields) -> Labels:
    return Labels(problem=fields.text("problem"), setting=fields.text("setting"))


def _config(fields: Fields) -> Mapping[str, Any]:
    for part in ("dataset", "model", "optimizer", "schedule"):
        fields.inside(part).text("name")
    fields.inside("training")
    return fields.values


def _sizes(fields: Fields) -> Sizes:
    return Sizes(**{field.name: fields.count(field.name) for field in dataclasses.fields(Sizes)})


def _row(fields: Fields, key: str) -> Row | None:
    if fields.value(key) is None:
        return None
    row = fields.inside(key)
    return {name: row.optional_number(name) for name in row.values}


def _hashes(fields: Fields) -> Hashes:
    return Hashes(
        data=fields.digest("data"),
        initial_weights=fields.optional_digest("initial_weights"),
        batch_order=fields.optional_digest("batch_order"),
        pretrained=fields.optional_digest("pretrained") if "pretrained" in fields.values else None,
    )


def _environment(fields: Fields) -> Mapping[str, str | float | int | None]:
    for key, value in fields.values.items():
        if isinstance(value, bool) or not isinstance(value, str | float | int | None):
            fields.refuse(key, "text or a number", value)
    return fields.values


def _cohort(fields: Fields) -> Cohort:
    return Cohort(
        size=fields.count("size"), stacked=fields.flag("stacked"), reason=fields.text("reason")
    )


def _extended(fields: Fields) -> Extended | None:
    if fields.value("extended") is None:
        return None
    base = fields.inside("extended")
    return Extended(run=base.digest("run"), epochs=base.count("epochs"))


def _files(fields: Fields) -> Mapping[str, str]:
    return {name: fields.digest(name) for name in fields.values}
