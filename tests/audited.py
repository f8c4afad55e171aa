"""Stored comparisons, fair and unfair, and what the audit finds in them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from shown_commands import misunderstood
from stored_runs import ADAM, SGD, load, make_rows, write_run

from optbench.analysis.audit.audit import audit
from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.catalog.experiment import load_experiment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optbench.analysis.audit.finding import Finding
    from optbench.store.metrics import Row

BASE = [0.91, 0.912, 0.915, 0.911, 0.914, 0.913, 0.9105, 0.9125]
FRESH = range(8, 16)  # seeds as they are after a selection on others
USUAL = Question()
MOMENTUM = SGD | {"momentum": 0.9}
ADAMW = ADAM | {"name": "adamw", "weight_decay": 0.01}


def store(
    root: Path,
    optimizer: Mapping[str, object],
    finals: Sequence[float | None] = BASE,
    *,
    seeds: Iterable[int] = FRESH,
    **description: object,
) -> None:
    """A run for each final test accuracy; None for a seed that diverged."""
    for seed, final in zip(seeds, finals, strict=False):
        end = 0.1 if final is None else final
        told = {
            "optimizer": dict(optimizer),
            "status": "diverged" if final is None else "completed",
            "declared_seeds": len(finals),
        }
        write_repeatable(root, make_rows([0.1, 0.5, end]), seed=seed, **(told | description))


def write_repeatable(root: Path, rows: Sequence[Row], **description: object) -> Path:
    """A run directory with its experiment file, which commands name."""
    run = write_run(root, rows, **description)
    config = json.loads((run / "result.json").read_text())["config"]
    (run / "config.yaml").write_text(json.dumps(config))  # JSON is YAML too
    return run


def store_grid(
    root: Path, optimizer: Mapping[str, object], gains: Mapping[float, float], **description: object
) -> None:
    """A setting a learning rate on seeds 0 to 7, each so much better than `BASE`."""
    for lr, gain in gains.items():
        better = [base + gain for base in BASE]
        store(root, {**optimizer, "lr": lr}, better, seeds=range(8), **description)


def store_fair(root: Path) -> None:
    """Eight paired seeds of two settings that were selected on others."""
    store(root, ADAM, [base + 0.01 for base in BASE])
    store(root, SGD)


def findings(root: Path, question: Question = USUAL) -> dict[str, Finding]:
    """Kind → finding, of which there is one of each; in the order in which they are told."""
    found = audit(compare(load(root), question))
    kinds = {finding.kind: finding for finding in found}
    assert len(kinds) == len(found)
    for finding in found:
        assert_accepted(finding.command or "")
    return kinds


def assert_accepted(text: str) -> None:
    """Whether the command line takes each of the commands, and `validate` what it trains."""
    for part in filter(None, text.split(" && ")):
        program, *words = shlex.split(part)
        assert program == "optbench"
        assert misunderstood(words, whole=True) is None, part
        if words[0] == "run":
            values = [words[n + 1] for n, word in enumerate(words) if word == "--set"]
            (seeds,) = (words[n + 1] for n, word in enumerate(words) if word == "--seeds")
            for word in (word for word in words if word.endswith("config.yaml")):
                folder, star, name = word.partition("/*/")
                for file in [*Path(folder).glob(f"*/{name}")] if star else [Path(word)]:
                    load_experiment(file, overrides=values, seeds=seeds)
