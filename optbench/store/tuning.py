"""tuning.json: which runs of a folder are which trials of a search. No truth of its own.

The runs hold the results; what a search proposed can be proposed again from them. docs/formats.md
says what each field holds.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.config.spaces import KINDS
from optbench.config.tuning import PRUNERS, SAMPLERS
from optbench.errors import StoreError
from optbench.store.atomic import write_atomic
from optbench.store.bounded import read_bounded
from optbench.store.fields import Fields
from optbench.store.folders import is_folder, subfolders
from optbench.store.result import load_object, without_non_finite
from optbench.store.seal import is_whole, sealed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from optbench.config.spaces import Kind
    from optbench.config.tuning import PrunerName, SamplerName

SUFFIX = ".tuning"  # of the folder of an experiment's trials, beside that of its runs
FILE = "tuning.json"
SCHEMA = 1
LIMIT = 50_000_000  # bytes


@dataclass(frozen=True)
class Dimension:
    """One value that is searched: a range from `low` to `high`, or one of `choices`.

    `key` begins at the optimizer (`lr`, `betas[1]`, `schedule.warmup`), or with `training.`.
    """

    key: str
    kind: Kind
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] | None = None

    @property
    def is_range(self) -> bool:
        return self.choices is None


@dataclass(frozen=True)
class Trial:
    """One setting that was tried: its values by the dimensions' keys, and a run a tuning seed."""

    number: int
    values: Mapping[str, Any]
    runs: tuple[str, ...]

    @property
    def position(self) -> int:
        """Its place among the trials as people count: numbers, as in Optuna, begin with 0."""
        return self.number + 1


@dataclass(frozen=True)
class Contender:
    """One optimizer of the search.

    `best` is the number of the trial that was chosen; `selected` and `default` are the hashes of
    the settings that are trained on the reporting seeds. None where that is not known yet. `edges`
    are the keys at whose end the best lies, each with which: `lr upper`.
    """

    label: str
    dimensions: tuple[Dimension, ...]
    trials: tuple[Trial, ...]
    best: int | None = None
    selected: str | None = None
    default: str | None = None
    edges: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Study:
    """A search under one budget: so many trials of so many epochs for each contender.

    With a pruner, `trials` times `epochs` times the number of seeds is what each may use in
    epochs, and there are more trials. `round` is how often the spaces have been widened.
    """

    experiment: str
    file: str
    objective: str
    sampler: SamplerName
    sampler_seed: int
    batch: int | None
    pruner: PrunerName
    trials: int
    epochs: int
    seeds: tuple[int, ...]
    reporting_seeds: tuple[int, ...]
    round: int
    contenders: tuple[Contender, ...]

    @property
    def is_sample(self) -> bool:
        """Whether its trials are a random sample of the spaces, each trained to its end."""
        return self.sampler == "random" and self.pruner == "none"


def is_tuning_folder(path: Path) -> bool:
    """Whether a folder of a store is for trials alone."""
    return path.name.endswith(SUFFIX)


def tuning_folders(*roots: Path) -> tuple[Path, ...]:
    """The folders of searches that belong to what is looked at, each once.

    Those of a store, the one beside an experiment's folder, or the root itself.
    """
    found = [folder for root in roots for folder in _folders(root) if (folder / FILE).is_file()]
    return tuple(dict.fromkeys(found))


def write_study(folder: Path, study: Study) -> None:
    """Replace tuning.json; StoreError where the store does not allow it."""
    document = {"schema": SCHEMA} | without_non_finite(dataclasses.asdict(study))
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    whole = sealed(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    write_atomic(folder / FILE, whole.encode("utf-8"))


def _objective(fields: Fields) -> str:
    """A column of the validation data: loss, accuracy, or what an experiment has measured."""
    text = fields.text("objective")
    if not text.startswith("val_") or not text.isidentifier():
        fields.refuse("objective", "a column of validation data", text)
    return text


def read_study(folder: Path) -> Study:
    """The search of a folder; StoreError names the file, the key and the rule."""
    path = folder / FILE
    content = read_bounded(path, LIMIT)
    fields = Fields(load_object(content, str(path)), str(path))
    schema = fields.count("schema")
    if schema != SCHEMA:
        fields.refuse("schema", f"{SCHEMA}, the one that this optbench reads", schema)
    if not is_whole(content):
        raise StoreError(f"{path}: damaged: its digest is not that of its content")
    return Study(
        experiment=fields.text("experiment"),
        file=fields.text("file"),
        objective=_objective(fields),
        sampler=fields.choice("sampler", SAMPLERS),
        sampler_seed=fields.count("sampler_seed"),
        batch=None if fields.value("batch") is None else fields.count("batch"),
        pruner=fields.choice("pruner", PRUNERS),
        trials=fields.count("trials"),
        epochs=fields.count("epochs"),
        seeds=fields.counts("seeds"),
        reporting_seeds=fields.counts("reporting_seeds"),
        round=fields.count("round"),
        contenders=tuple(map(_contender, fields.each("contenders"))),
    )


def studies(*roots: Path) -> tuple[Study, ...]:
    """The searches that belong to what is looked at; one that can't be read is left out."""
    found = []
    for folder in tuning_folders(*roots):
        try:
            found.append(read_study(folder))
        except StoreError:
            continue
    return tuple(found)


def _folders(root: Path) -> Iterable[Path]:
    if is_tuning_folder(root):
        return [root]
    beside = root.with_name(f"{root.name}{SUFFIX}") if root.name else root
    try:
        inside: Sequence[Path] = subfolders(root) if is_folder(root) else ()
    except OSError as error:
        raise StoreError(f"can't read {root}: {error.strerror}") from error
    return [beside, *(path for path in inside if is_tuning_folder(path) and not path.is_symlink())]


def _contender(fields: Fields) -> Contender:
    return Contender(
        label=fields.text("label"),
        dimensions=tuple(map(_dimension, fields.each("dimensions"))),
        trials=tuple(map(_trial, fields.each("trials"))),
        best=None if fields.value("best") is None else fields.count("best"),
        selected=fields.optional_digest("selected"),
        default=fields.optional_digest("default"),
        edges=fields.texts("edges") if "edges" in fields.values else (),
    )


def _dimension(fields: Fields) -> Dimension:
    choices = fields.value("choices")
    return Dimension(
        key=fields.text("key"),
        kind=fields.choice("kind", KINDS),
        low=fields.optional_number("low"),
        high=fields.optional_number("high"),
        choices=None if choices is None else tuple(fields.items("choices")),
    )


def _trial(fields: Fields) -> Trial:
    return Trial(
        number=fields.count("number"),
        values=fields.inside("values").values,
        runs=fields.digests("runs"),
    )
