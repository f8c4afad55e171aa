"""A search as an Optuna storage, for its dashboard and its tools: made from the runs, one way."""

from __future__ import annotations

import statistics
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from optbench.errors import OptbenchError, StoreError, UsageError
from optbench.tuning.extra import load_optuna, quietly
from optbench.tuning.proposals import direction, native_distribution, native_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optbench.analysis.trials import Outcome
    from optbench.store.tuning import Contender, Study

OURS = "optbench"  # the user attribute of a study that may be written anew


def check_export(study: Study, url: str) -> None:
    """Raise what `export` would, before anything is searched."""
    optuna = load_optuna()
    with quietly(), _understood(url), opened(optuna, url) as storage:
        for contender in study.contenders:
            _is_ours(optuna, storage, _name(study, contender))


def export(study: Study, outcomes: Mapping[str, Sequence[Outcome]], url: str) -> str:
    """Write a study a contender to the storage at `url`, in the place of an earlier export.

    Returns what was written, for people. Raises UsageError for a URL that is none, and for a
    study of that name which is somebody else's; StoreError where it can't be written.
    """
    optuna = load_optuna()
    with quietly(), _understood(url), opened(optuna, url) as storage:
        for contender in study.contenders:
            _write(optuna, storage, study, contender, outcomes[contender.label])
    return f"Optuna: {url}"


@contextmanager
def opened(optuna: Any, url: str) -> Iterator[Any]:
    """The storage at `url`, whose connections are closed in the end, as Optuna leaves them open."""
    storage = optuna.storages.RDBStorage(url)
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


@contextmanager
def _understood(url: str) -> Iterator[None]:
    """What a database raises, in our words."""
    try:
        yield
    except OptbenchError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0]
        if type(error).__name__ in ("ArgumentError", "NoSuchModuleError", "ImportError"):
            told = f"{url!r} can't be used ({reason}); write a URL: sqlite:///study.db"
            raise UsageError(f"--export-study: {told}") from error
        raise StoreError(f"--export-study: {url} can't be written: {reason}") from error


def _name(study: Study, contender: Contender) -> str:
    return f"{study.experiment} {contender.label}"


def _is_ours(optuna: Any, storage: Any, name: str) -> bool:
    """Whether there is an earlier export of that name; UsageError where it is no export."""
    if name not in optuna.get_all_study_names(storage):
        return False
    if OURS not in optuna.load_study(study_name=name, storage=storage).user_attrs:
        raise UsageError(
            f"--export-study: the storage has a study {name!r} that is not optbench's; "
            "name another storage"
        )
    return True


def _write(
    optuna: Any, storage: Any, study: Study, contender: Contender, outcomes: Sequence[Outcome]
) -> None:
    name = _name(study, contender)
    if _is_ours(optuna, storage, name):
        optuna.delete_study(study_name=name, storage=storage)
    written = optuna.create_study(
        study_name=name, storage=storage, direction=direction(study.objective)
    )
    written.set_user_attr(OURS, study.experiment)
    written.set_metric_names([study.objective])
    written.add_trials([_trial(optuna, study, contender, outcome) for outcome in outcomes])


def _trial(optuna: Any, study: Study, contender: Contender, outcome: Outcome) -> Any:
    states = optuna.trial.TrialState
    state = {"pruned": states.PRUNED, "completed": states.COMPLETE, "diverged": states.COMPLETE}
    found = state.get(outcome.status, states.FAIL)
    values = outcome.trial.values
    return optuna.trial.create_trial(
        state=found,
        value=outcome.value if found is states.COMPLETE else None,
        params={one.key: native_value(one, values[one.key]) for one in contender.dimensions},
        distributions={one.key: native_distribution(one) for one in contender.dimensions},
        intermediate_values=intermediate_values(outcome, study.objective),
        user_attrs={"status": outcome.status, "runs": [str(run.path) for run in outcome.runs]},
    )


def intermediate_values(outcome: Outcome, objective: str) -> dict[int, float]:
    """The objective after each whole epoch, the mean over the seeds that came so far."""
    found: dict[int, list[float]] = defaultdict(list)
    for run in outcome.runs:
        for row in run.rows:
            epoch, value = row["epoch"], row.get(objective)
            if epoch and value is not None and epoch == int(epoch):
                found[int(epoch)].append(value)
    return {epoch: statistics.fmean(values) for epoch, values in found.items()}
