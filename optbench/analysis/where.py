"""`--where`: only the runs that have certain values."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from optbench.analysis.setting import Setting
from optbench.config.spec import format_value
from optbench.config.suggest import did_you_mean
from optbench.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optbench.store.scan import Scan
    from optbench.store.stored_run import Note, StoredRun

MOST_LISTED = 8  # values or keys that a message names
_EXAMPLE = "--where optimizer=adam --where lr=1e-3,1e-2"

# What a run has: key → its names for the value, in canonical form.
Facts = dict[str, frozenset[str]]


def selected(runs: Iterable[StoredRun], conditions: Sequence[str]) -> tuple[StoredRun, ...]:
    """The runs that have, for every key of the conditions, one of the values given for it.

    A condition is `key=value` or `key=value,value`; a key is optimizer, model, dataset,
    schedule, experiment, seed, status or a hyperparameter. Values are compared by what they
    mean: 1e-3 is 0.001; parameter groups also by how many there are, as in a claim. Raises
    UsageError for a key or a value that no run has, with the nearest.
    """
    candidates = tuple(runs)
    if not conditions or not candidates:
        return candidates
    facts = [_facts(run) for run in candidates]
    wanted = _wanted(conditions, dict.fromkeys(key for found in facts for key in found))
    for key, values in wanted.items():
        _check_present(key, values, facts)
    kept = tuple(
        run
        for run, found in zip(candidates, facts, strict=True)
        if all(_has(found, key, values) for key, values in wanted.items())
    )
    if not kept:
        raise UsageError(f"--where: no run meets all of {' '.join(conditions)}; leave one out")
    return kept


def concerned(scan: Scan, conditions: Sequence[str]) -> list[Note]:
    """The notes of a scan but those about runs that do not meet the conditions.

    Raises UsageError as `selected` does.
    """
    kept = {run.path for run in selected(scan.runs, conditions)}
    left_out = {run.path for run in scan.runs} - kept
    return [note for note in scan.notes if note.path not in left_out]


def _facts(run: StoredRun) -> Facts:
    result, setting = run.result, Setting(run.result.setting, (run,))
    config = result.config
    names = (config["optimizer"]["name"], setting.optimizer, setting.family)
    told = {
        "optimizer": frozenset(map(str, names)),
        "experiment": frozenset([result.experiment]),
        "seed": frozenset([str(result.seed)]),
        "status": frozenset([result.status]),
    }
    parts = {part: config[part]["name"] for part in ("model", "dataset")}
    values = setting.selectable | parts
    facts = {key: frozenset([format_value(value)]) for key, value in values.items()}
    groups = setting.hyperparameters.get("groups", [])
    count = frozenset([str(len(groups))] if isinstance(groups, list) else ())
    return facts | told | {"groups": facts.get("groups", frozenset()) | count}


def _wanted(conditions: Iterable[str], known: Iterable[str]) -> dict[str, list[str]]:
    """Key → the texts given for it."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for condition in conditions:
        key, equals, text = (part.strip() for part in condition.partition("="))
        if not (key and equals and text):
            raise UsageError(f"--where must be key=value, got {condition!r}; e.g. {_EXAMPLE}")
        wanted[_known_key(key, known)] += _split(text)
    return wanted


def _known_key(key: str, known: Iterable[str]) -> str:
    """The key as runs have it: `optimizer.lr` is lr, `warmup` is the schedule's."""
    names = list(known)
    spellings = [key, f"schedule.{key}"]
    spellings += [key.removeprefix(part) for part in ("optimizer.", "training.")]
    found = next((name for name in spellings if name in names), None)
    if found is None:
        hint = did_you_mean(key, names) or f"there are {', '.join(sorted(names))}"
        raise UsageError(f"--where: no run has {key!r}; {hint}")
    return found


def _split(text: str) -> list[str]:
    """The parts between commas, those within brackets left alone: a value may be a list."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _has(facts: Facts, key: str, values: Iterable[str]) -> bool:
    return key in facts and any(_forms(value) & facts[key] for value in values)


def _forms(text: str) -> frozenset[str]:
    """The text itself, as a name may look like a number, and the value that YAML takes it for."""
    from optbench.config.yaml_source import parse

    try:
        return frozenset([text, format_value(parse(text, "--where").plain())])
    except ConfigError:
        return frozenset([text])


def _check_present(
    key: str, values: Iterable[str], facts: Iterable[Mapping[str, frozenset[str]]]
) -> None:
    present = {name for found in facts for name in found.get(key, ())}
    for value in values:
        if not _forms(value) & present:
            # A number isn't near another because its digits look alike.
            hint = did_you_mean(value, present) if value[:1].isalpha() else ""
            raise UsageError(f"--where {key}: no run has {value!r}; {hint or _listed(present)}")


def _listed(present: Iterable[str]) -> str:
    names = sorted(present, key=_order)
    more = f" and {len(names) - MOST_LISTED:,} more" if len(names) > MOST_LISTED else ""
    return f"runs have {', '.join(names[:MOST_LISTED])}{more}"


def _order(text: str) -> tuple[float, str]:
    """Numbers by their size, then the rest."""
    try:
        return float(text), text
    except ValueError:
        return math.inf, text
