"""Tiny experiments: files that describe them, learners that train them, commands that run them."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import io
import itertools
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optbench
from optbench.__main__ import main
from optbench.catalog.experiment import load_experiment
from optbench.execution.data import DataChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from multiprocessing.connection import Connection
    from types import TracebackType
    from typing import Self

    from optbench.config.spec import Run
    from optbench.training.learner import Learner
    from optbench.training.records import Record

PACKAGE = Path(optbench.__file__).parent
DEADLINE = 300.0  # seconds, for what takes one where nothing else runs
PRELOADED = [
    "optbench.cli",
    "optbench.commands.run",
    "optbench.commands.screen",
    "optbench.execution.here",
    "torch._dynamo",
    "torch.utils.serialization.config",
    "typer._adapters",
]
DRAWS = """
import torch

class Draws(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad += 0.1 * torch.randn_like(parameter)
        super().step(closure)
"""
TINY: dict[str, Any] = {
    "dataset": {
        "name": "synthetic",
        "train": 75,
        "test": 30,
        "features": 6,
        "classes": 3,
        "validation": 15,
    },
    "model": {"name": "mlp", "hidden": [5]},
    "optimizer": {"name": "adam", "lr": 0.01},
    # Asked for, each epoch is committed; else epochs as short as these would share a commit.
    "training": {"epochs": 3, "batch_size": 16, "checkpoint_every": {"steps": 4}},
}
TINY_EPOCH_STEPS = 4  # 60 examples are left to train on: batches of 16, 16, 16 and 12


def write_experiment(folder: Path, name: str = "tiny", **parts: Any) -> Path:
    """An experiment file: `TINY` with these parts replaced. JSON is YAML too."""
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(TINY | parts), encoding="utf-8")
    return path


def write_plugin(folder: Path, source: str, name: str = "plugin.py") -> None:
    (folder / name).write_text(source, encoding="utf-8")


def make_runs(folder: Path, **parts: Any) -> tuple[Run, ...]:
    """The runs of an experiment on data that need no folder."""
    experiment = load_experiment(write_experiment(folder, **parts))
    data = DataChoice(folder, allow_fallback=False, announce=lambda _: None)
    settled = tuple(data.settle(setting) for setting in experiment.settings)
    return dataclasses.replace(experiment, settings=settled).runs()


def make_learner(run: Run) -> Learner:
    """The run at its beginning, on the CPU."""
    import torch

    from optbench.execution.data import load_data
    from optbench.training.data import to_device
    from optbench.training.learner import Learner

    return Learner(run, to_device(load_data(run.setting, Path()), torch.device("cpu")))


def train_all(*learners: Learner) -> list[Record]:
    """Train to the end, side by side; the records of all."""
    import torch

    from optbench.training.device import reproducible
    from optbench.training.loop import train

    with reproducible(torch.device("cpu")):
        return list(train(learners))


def trained(folder: Path, **parts: Any) -> Learner:
    """The only run of an experiment, trained to its end."""
    (run,) = make_runs(folder, **parts)
    learner = make_learner(run)
    train_all(learner)
    return learner


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


def command(*arguments: str | Path) -> Outcome:
    """Run the command line in this process, as the console script would."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["optbench", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as leaving:
        code = leaving.code
    finally:
        sys.argv = before
    return Outcome(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())


def refusal(folder: Path, **parts: Any) -> str:
    """What `optbench run` says of an experiment, in a line: at its line, and before it trains."""
    path = write_experiment(folder, **parts)
    outcome = command("run", path, "--runs-dir", folder / "runs")
    assert outcome.code == 2
    assert not list((folder / "runs").rglob("*.*"))
    shown = " ".join(outcome.err.split())
    assert f"{path.name}:1: " in shown
    return shown


def run_module(
    *arguments: str | Path,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    timeout: float = DEADLINE,
) -> Outcome:
    """Run `python -m optbench` in a fresh interpreter, with no data set on disk."""
    process = subprocess.run(
        [sys.executable, "-m", "optbench", *map(str, arguments)],
        cwd=cwd,
        env=os.environ
        | {"PYTHONPATH": str(PACKAGE.parent), "OPTBENCH_DATA": str(cwd / "no-data")}
        | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    return Outcome(process.returncode, process.stdout, process.stderr)


class Child:
    """A command in a process of its own, forked off one that has imported torch already.

    `prepare` is called in it first, so that it can break something there. What the command
    prints is read while it runs.
    """

    def __init__(
        self,
        *arguments: str | Path,
        cwd: Path,
        prepare: Callable[[], object] = int,  # which does nothing
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self._reader, writer = context.Pipe(duplex=False)
        told = (tuple(map(str, arguments)), str(cwd), prepare, writer)
        self.process = context.Process(target=_command_in_child, args=told)
        self.process.start()
        writer.close()
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.join()
        self.process.close()
        self._reader.close()

    def lines(self) -> Iterator[str]:
        """Each line that the command prints, as soon as it does; ends when the command does."""
        while True:
            line, found, self._unread = self._unread.partition(b"\n")
            if found:
                yield line.decode()
                continue
            self._unread = line
            if not self._reader.poll(DEADLINE):
                raise TimeoutError(f"nothing printed in {DEADLINE:g} s")
            if not (more := os.read(self._reader.fileno(), 65_536)):
                return
            self._unread += more

    def wait_for(self, text: str, times: int = 1) -> None:
        """Read on until that many lines contain a text."""
        for line in self.lines():
            times -= text in line
            if not times:
                return
        raise EOFError(f"{text!r} was never printed")

    def signal(self, number: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def wait(self) -> int:
        """The exit code; of one that a signal ended, minus the signal's number."""
        for _ in self.lines():
            pass
        self.process.join(DEADLINE)
        assert self.process.exitcode is not None
        return self.process.exitcode


def _command_in_child(
    arguments: tuple[str, ...], cwd: str, prepare: Callable[[], object], output: Connection
) -> None:
    sys.stdout = os.fdopen(os.dup(output.fileno()), "w", encoding="utf-8")
    sys.stderr = sys.stdout
    output.close()
    os.chdir(cwd)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started the tests ignores
    sys.argv = ["optbench", *arguments]
    try:
        try:
            prepare()
            main()
        finally:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    except KeyboardInterrupt:  # outside of the command's own handlers: an interpreter ends by it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)


def only_directory(runs_dir: Path) -> Path:
    """The one run directory under a store."""
    (found,) = (path.parent for path in runs_dir.glob("*/[!.]*/result.json"))
    return found


def status_of(directory: Path) -> str:
    status: str = json.loads((directory / "result.json").read_bytes())["status"]
    return status


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and modification time of every file under a folder."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def signal_at(function: str, call: int, number: int) -> None:
    """Have this process send itself a signal when a function is called for the nth time.

    `function` is `package.module:name` or `package.module:Class.name`.
    """
    module, _, path = function.partition(":")
    *outer, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for part in outer:
        owner = getattr(owner, part)
    original = getattr(owner, name)
    calls = itertools.count(1)

    def counted(*arguments: Any, **named: Any) -> Any:
        if next(calls) == call:
            os.kill(os.getpid(), number)
        return original(*arguments, **named)

    setattr(owner, name, counted)
