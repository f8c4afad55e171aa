"""Writes the runs of a search and its tuning.json, so that tests read one without training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from stored_runs import ADAM, SGD, digest, make_rows, write_run

from optbench.analysis.comparison import Comparison, compare
from optbench.analysis.search import with_searches
from optbench.store.scan import scan
from optbench.store.tuning import Contender, Dimension, Study, Trial, write_study

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from optbench.analysis.question import Question

LR = Dimension("lr", "loguniform", 1e-5, 1.0)
BETA = Dimension("betas[1]", "uniform", 0.9, 0.999)
MOMENTUM = Dimension("momentum", "grid", choices=(0, 0.9))
OPTIMIZERS = {"adam": ADAM, "sgd": SGD}
SEED = 1_000_000

# A trial: its values, its validation loss, its test accuracy, and how it ended.
Tried = tuple["Mapping[str, Any]", float, float, str]


def write_search(
    root: Path,
    tried: Mapping[str, Sequence[Tried]],
    dimensions: Mapping[str, Sequence[Dimension]],
    reported: Mapping[str, tuple[str, str]] | None = None,
    **changes: Any,
) -> Path:
    """The folder `root`/tuned.tuning with a run a trial; `changes` replace fields of the study.

    `reported` has of each label the hashes of the chosen and of the default setting.
    """
    contenders = []
    for label, trials in tried.items():
        written = [_write_trial(root, label, number, one) for number, one in enumerate(trials)]
        ended = [(loss, n) for n, (_, loss, _, fate) in enumerate(trials) if fate == "completed"]
        best = min(ended)[1] if ended else None
        settings = (reported or {}).get(label, (None, None))
        contenders.append(
            Contender(label, tuple(dimensions[label]), tuple(written), best, *settings)
        )
    fields: dict[str, Any] = {
        "experiment": "tuned",
        "file": "tuned.yaml",
        "objective": "val_loss",
        "sampler": "random",
        "sampler_seed": 0,
        "batch": None,
        "pruner": "none",
        "trials": max(map(len, tried.values())),
        "epochs": 2,
        "seeds": (SEED,),
        "reporting_seeds": tuple(range(8)),
        "round": 0,
    }
    folder = root / "tuned.tuning"
    write_study(folder, Study(**fields | changes, contenders=tuple(contenders)))
    return folder


def _write_trial(root: Path, label: str, number: int, tried: Tried) -> Trial:
    values, loss, accuracy, fate = tried
    name = label.split()[0]
    rows = make_rows(
        [0.1, (0.1 + accuracy) / 2, accuracy],
        train_loss=[2.3, 1.0, math.inf if fate == "diverged" else loss],
        val_loss=[2.3, 1.0, math.inf if fate == "diverged" else loss],
    )
    if fate == "pruned":
        rows = rows[:2]
    run = digest(f"{label} {number}")
    write_run(
        root,
        rows,
        optimizer=OPTIMIZERS[name] | {"lr": values["lr"]},
        experiment="tuned.tuning",
        seed=SEED,
        status=fate,
        run=run,
    )
    return Trial(number, values, (run,))


def searched_comparison(folder: Path, question: Question) -> Comparison:
    """The trials themselves, compared, with the search that they belong to."""
    return with_searches(compare(scan(folder).runs, question), [folder])
