"""From configuration files to trained runs: what `optbench run` and `optbench.run` do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.datasets import default_data_dir
from optbench.catalog.datasets.own import one_look
from optbench.catalog.experiment import load_experiment, refuse_searches
from optbench.catalog.length import refuse_ties
from optbench.config.durations import deadline
from optbench.errors import ArgumentError, ConfigError, DataError, Problem, UsageError
from optbench.execution.cluster.connection import RayOptions, ray_options
from optbench.execution.data import DataChoice, unpack_data
from optbench.execution.executor import choose
from optbench.execution.plan import Plan, extending, make_plan, stored_runs
from optbench.execution.signals import Interruptions
from optbench.execution.smoke import smoke
from optbench.store.borrowed import write_borrowed
from optbench.store.folders import is_folder
from optbench.store.lock import HeldError
from optbench.store.own_config import check_config
from optbench.store.rundir import check_writable
from optbench.training.events import Busy, Started, Unbegun

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from optbench.config.spec import Experiment
    from optbench.execution.data import Announce
    from optbench.execution.standby import Standby
    from optbench.store.stored_run import StoredRun
    from optbench.training.events import Event

SMOKE_DIR = ".smoke"


@dataclass(frozen=True)
class Options:
    """What the command line says beside the files; see `optbench run --help`."""

    overrides: tuple[str, ...] = ()
    seeds: str | None = None
    device: str | None = None
    data_dir: Path | None = None
    runs_dir: Path = Path("runs")
    allow_fallback: bool = True
    force: bool = False
    extend: bool = False  # only where longer runs can go on from shorter ones
    smoke: bool = False
    workers: int | None = None
    until: float = math.inf  # on the monotonic clock, when to stop as a signal would
    ray: RayOptions | None = None  # on a Ray cluster, rather than in processes of this machine

    @property
    def store(self) -> Path:
        """Where run directories go; those of smoke runs are kept out of comparisons."""
        return self.runs_dir / SMOKE_DIR if self.smoke else self.runs_dir

    @property
    def data_folder(self) -> Path:
        return self.data_dir or default_data_dir()


def load_experiments(
    configs: Sequence[str | Path], options: Options, *, searches: bool = False
) -> tuple[Experiment, ...]:
    """Read and check experiment files, cut down where a smoke run is asked for.

    Those that leave values to a search are let through where `searches` are to be made. Raises
    ConfigError with the mistakes of all files, StoreError for a run's own that is damaged.
    """
    loaded, problems = [], list[Problem]()
    for config in configs:
        try:
            loaded.append(_load(config, options, searches=searches))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return tuple(loaded)


def _load(config: str | Path, options: Options, *, searches: bool) -> Experiment:
    check_config(Path(config))
    experiment = load_experiment(
        config,
        overrides=options.overrides,
        seeds=options.seeds,
        device=options.device,
        first_points=options.smoke,
    )
    if options.smoke:
        return smoke(experiment, options.data_folder)
    if not searches:
        refuse_searches(experiment)
    return experiment


@one_look()
def plan_runs(
    experiments: Sequence[Experiment], options: Options, announce: Announce, *, dry: bool = False
) -> Plan:
    """Decide data and look finished runs up, importing no torch unless a download needs it.

    Runs go on from shorter ones that kept their last state. A `dry` plan downloads nothing and
    takes it that all data asked for can be had. Raises ConfigError where runs were to go on from
    shorter ones and depend on their length, UsageError where the last states of those are damaged.
    """
    data = DataChoice(options.data_folder, allow_fallback=options.allow_fallback, announce=announce)
    for setting in {s.problem_hash: s for one in experiments for s in one.settings}.values():
        data.identify(setting)
    settle = data.locate if dry else data.settle
    anew = options.force or options.smoke
    if options.extend and anew:
        given = {"--force": options.force, "--smoke": options.smoke}
        told = " and ".join(option for option, is_given in given.items() if is_given)
        raise UsageError(f"--extend goes on from stored runs; leave {told} out")
    plan = make_plan(experiments, settle, options.store, force=anew)
    if options.extend:
        refuse_ties(planned.run.setting for planned in plan.to_train)
    if anew:
        return plan
    plan = extending(plan, options.store)
    if options.extend and plan.left_aside:
        told = "\n".join(plan.left_aside)
        raise UsageError(f"{told}\n--extend refuses that; leave it out to train all the same")
    return plan


def train_plan(
    plan: Plan,
    options: Options,
    announce: Announce = lambda _: None,
    standby: Standby | None = None,
) -> Generator[Event]:
    """Train what is not finished; a signal ends it with `Interrupted`, resumable.

    Where one plan follows another, worker processes wait for it in `standby`.
    """
    _name_borrowed(plan, options.store)
    if not plan.to_train:
        return
    check_writable(options.store)  # before torch is imported, which takes seconds
    interruptions = Interruptions(options.until)
    with interruptions.caught():
        unpack_data((p.run.setting for p in plan.to_train), options.data_folder, announce)
        yield from choose(plan, options, interruptions, standby).carry_out(plan, announce)


def _name_borrowed(plan: Plan, store: Path) -> None:
    """In each experiment's folder, name its runs that another one has trained."""
    stored = {planned.run.hash: planned.stored for planned in plan.runs}
    for experiment in plan.experiments:
        found = (stored[run.hash] for run in experiment.runs())
        others = {run.path for run in found if run and run.path.parent.name != experiment.name}
        if others or is_folder(store / experiment.name):
            write_borrowed(store / experiment.name, others)


def asked(
    *,
    overrides: Sequence[str] | None = None,
    seeds: str | None = None,
    device: str | None = None,
    data_dir: str | Path | None = None,
    runs_dir: str | Path = "runs",
    allow_fallback: bool = True,
    force: bool = False,
    extend: bool = False,
    smoke: bool = False,
    workers: int | None = None,
    max_time: str | None = None,
    executor: str = "local",
    ray_address: str | None = None,
    ray_gpus: float | None = None,
    ray_insecure: bool = False,
    shared_store: bool = False,
) -> Options:
    """What a command line, or a call, asks for. Raises `UsageError` for what can't be asked."""
    if workers is not None and workers < 1:
        raise ArgumentError("workers", f"must be 1 or more, got {workers}")
    return Options(
        overrides=tuple(overrides or ()),
        seeds=seeds,
        device=device,
        data_dir=None if data_dir is None else Path(data_dir),
        runs_dir=Path(runs_dir),
        allow_fallback=allow_fallback,
        force=force,
        extend=extend,
        smoke=smoke,
        workers=workers,
        until=deadline(max_time, "--max-time"),
        ray=ray_options(
            executor, ray_address, ray_gpus, insecure=ray_insecure, shared_store=shared_store
        ),
    )


def run(
    *configs: str | Path,
    overrides: Sequence[str] = (),
    seeds: str | None = None,
    device: str | None = None,
    data_dir: str | Path | None = None,
    runs_dir: str | Path = "runs",
    allow_fallback: bool = True,
    force: bool = False,
    extend: bool = False,
    workers: int | None = None,
    executor: str = "local",
    ray_address: str | None = None,
    ray_gpus: float | None = None,
    ray_insecure: bool = False,
    shared_store: bool = False,
    announce: Callable[[str], None] = lambda _: None,
) -> tuple[StoredRun, ...]:
    """Train every run of some experiment files that is not finished; returns all of them.

    The arguments are those of `optbench run`; `announce` is told of a fallback, a download, memory
    that may be short, a damaged checkpoint, a shorter run that can't be gone on from or a lost
    node of a cluster.
    Raises `ConfigError` and `UsageError` for bad input, `DataError` and `StoreError` for data
    and disk, `EnvironmentFault` for a cluster that can't be used, `HeldError` (a `StoreError`) for
    runs that another process trains, once all others have ended, `Interrupted` on a signal. A
    diverged or failed run is a result, not an error.
    """
    options = asked(
        overrides=overrides,
        seeds=seeds,
        device=device,
        data_dir=data_dir,
        runs_dir=runs_dir,
        allow_fallback=allow_fallback,
        force=force,
        extend=extend,
        workers=workers,
        executor=executor,
        ray_address=ray_address,
        ray_gpus=ray_gpus,
        ray_insecure=ray_insecure,
        shared_store=shared_store,
    )
    plan = plan_runs(load_experiments(configs, options), options, announce)
    for line in plan.left_aside:
        announce(line)
    busy, unbegun = list[Path](), list[str]()
    for event in train_plan(plan, options, announce):
        if isinstance(event, Started) and event.warning:
            announce(event.warning)
        elif isinstance(event, Busy):
            busy.append(event.directory)
        elif isinstance(event, Unbegun):
            unbegun.append(event.reason)
    if unbegun:
        raise DataError(unbegun[0])
    if busy:
        raise HeldError(f"being trained by another process: {', '.join(map(str, busy))}")
    return tuple(stored_runs(plan).values())
