"""The commands that mend a comparison: what to train, what to change, what to look at then."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.analysis.audit.grids import among

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.analysis.audit.contest import Contest, Entrant
    from optbench.store.stored_run import StoredRun

STORE = Path("runs")  # where `optbench run` writes unless told otherwise
MOST_NAMED = 20  # settings that are named one by one; of more, all of their experiments' folders
LONGEST_NAME = 80  # characters of an experiment's name that are kept in that of another
_FRESH = re.compile(r"_fresh\d+$", re.ASCII)


def train(
    entrants: Sequence[Entrant],
    seeds: Iterable[int],
    *,
    changes: Iterable[str] = (),
    force: bool = False,
) -> str:
    """The `optbench run` that trains these settings on these seeds, with `--set` for each change.

    Each run's own config.yaml is the experiment file. Finished runs are not trained again.
    """
    words = ["optbench", "run", *_files(entrants)]
    for change in changes:
        words += ["--set", shlex.quote(change)]
    words += ["--seeds", seeds_text(seeds)]
    stores = list(dict.fromkeys(_store(entrant.runs[0]) for entrant in entrants))
    if stores[0] != STORE:
        words += ["--runs-dir", shlex.quote(str(stores[0]))]
    if force:
        words.append("--force")
    return " ".join(words)


def compare(contest: Contest, roots: Iterable[Path], where: Iterable[str] = ()) -> str:
    """The `optbench compare` that asks the same question of these folders."""
    folders = (shlex.quote(str(root)) for root in roots)
    return " ".join(["optbench", "compare", *folders, *_question(contest, where)])


def _question(contest: Contest, where: Iterable[str] = ()) -> list[str]:
    """The options of `optbench compare` that ask what was asked; none of what it asks anyway."""
    comparison, words = contest.comparison, list[str]()
    if comparison.reference is not None:
        words += ["--reference", shlex.quote(comparison.reference)]
    if comparison.metric.name != "test_accuracy":
        words += ["--metric", comparison.metric.name]
    if comparison.by != "optimizer":
        words += ["--by", comparison.by]
    for condition in [*comparison.where, *where]:
        words += ["--where", shlex.quote(condition)]
    return words


def compare_again(contest: Contest, *where: str) -> str:
    """The same question of the whole store, with more conditions."""
    stores = dict.fromkeys(_store(run) for entrant in contest.contestants for run in entrant.runs)
    return compare(contest, stores, where)


def train_fresh(contest: Contest, count: int) -> str:
    """Train the contestants on so many seeds that no run has, and compare those runs alone.

    `run` compares them by itself; `compare` follows where something else was asked than it asks.
    """
    contestants = contest.contestants
    known = {run.result.seed for entrant in contest.entrants for run in entrant.runs}
    first = max(known) + 1
    experiment = (contest.reference or contestants[0]).runs[0].result.experiment
    name = f"{_FRESH.sub('', experiment)[:LONGEST_NAME]}_fresh{first}"
    trained = train(contestants, range(first, first + count), changes=[f"name={name}"])
    if not _question(contest):
        return trained
    return f"{trained} && {compare(contest, [_store(contestants[0].runs[0]) / name])}"


def set_value(key: str, value: Any) -> str:
    """`optimizer.lr=0.01` for `--set`; lists and mappings as JSON, which is YAML too."""
    return f"{key}={json.dumps(value, ensure_ascii=False)}"


def grid(key: str, values: Sequence[float]) -> str:
    """`optimizer.lr={grid: [0.01, 0.1]}`; of a single value that value."""
    return f"{key}={among(values)}"


def extended(entrants: Sequence[Entrant], count: int) -> frozenset[int]:
    """The seeds there are, and those that follow, so many in all."""
    known = frozenset().union(*(entrant.seeds for entrant in entrants))
    first = max(known) + 1
    return known | frozenset(range(first, first + count - len(known)))


def seeds_text(seeds: Iterable[int]) -> str:
    """As `--seeds` takes them: `8` for 0 to 7, `8-15`, or `0,3,7`."""
    ordered = sorted(seeds)
    if ordered == list(range(len(ordered))):
        return str(len(ordered))
    if len(ordered) > 1 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{ordered[0]}-{ordered[-1]}"
    return ",".join(map(str, ordered)) if len(ordered) > 1 else f"{ordered[0]}-{ordered[0]}"


def _files(entrants: Sequence[Entrant]) -> list[str]:
    """A config.yaml a setting; of many settings, all in their folders, each run counting once."""
    if len(entrants) <= MOST_NAMED:
        return [shlex.quote(str(_best(entrant).path / "config.yaml")) for entrant in entrants]
    folders = dict.fromkeys(_best(entrant).path.parent for entrant in entrants)
    return [f"{shlex.quote(str(folder))}/*/config.yaml" for folder in folders]


def _best(entrant: Entrant) -> StoredRun:
    """The run whose file is taken: a finished one, of the lowest seed."""
    return min(entrant.runs, key=lambda run: not run.finished)


def _store(run: StoredRun) -> Path:
    """The folder of the experiments' folders."""
    return run.path.parent.parent if len(run.path.parts) > 1 else Path("..")
