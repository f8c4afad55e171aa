"""The command line as a process: what it imports, prints and returns."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from experiments import TINY, Outcome, command, only_directory, run_module, write_experiment

import optbench
from optbench.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIGS = Path(__file__).parents[1] / "configs"
HEAVY = {"torch", "torchvision", "polars", "altair", "scipy", "pandas"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an experiment file and its finished runs."""
    folder = tmp_path_factory.mktemp("trained")
    items = [TINY["optimizer"], {"name": "sgd", "lr": 0.1}]
    path = write_experiment(folder, optimizer=items, seeds=2)
    assert command("run", path, "--runs-dir", folder / "runs", "--quiet").code == 0
    return folder


def imported(*arguments: str | Path, cwd: Path) -> tuple[Outcome, set[str]]:
    """What a command printed, and the top-level packages that it imported."""
    process = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "optbench", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(CONFIGS.parent), "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = process.stderr.splitlines()
    names = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    told = "\n".join(line for line in lines if not line.startswith("import time:"))
    packages = {name.partition(".")[0] for name in names}
    assert "optbench" in packages
    return Outcome(process.returncode, process.stdout, told), packages


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("run", "--help"),
        ("list", "optimizers"),
        ("list", "schedules"),
        ("list", "models"),
        ("list", "datasets"),
        ("list", "objectives"),
        ("list", "losses"),
        ("validate", "tiny.yaml"),
        ("run", "tiny.yaml"),
        ("run", "tiny.yaml", "--dry-run"),
        ("run", "tiny.yaml", "--json"),
        ("compare",),
        ("compare", "--format", "json"),
        ("report",),
        ("runs", "list"),
    ],
    ids=" ".join,
)
def test_what_trains_nothing_comes_without_torch(trained: Path, arguments: tuple[str, ...]) -> None:
    outcome, packages = imported(*arguments, cwd=trained)
    assert outcome.err == "" or {"--json", "report"} & {*arguments}  # these talk there
    assert outcome.code == 0
    assert not packages & HEAVY - {"scipy"}


@pytest.mark.parametrize(
    "text",
    [
        "optimizer: [",
        "dataset: digits\nmodel: mlp\noptimizer: {name: adamm}\n",
        "dataset: digits\nmodel: mlp\noptimizer: {name: adam, learning_rate: 1}\n",
    ],
)
def test_a_bad_file_is_refused_without_torch_and_without_a_trace(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    for name in ("run", "validate"):
        outcome, packages = imported(name, "bad.yaml", cwd=tmp_path)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("bad.yaml:")
        assert "Traceback" not in outcome.err
        assert not packages & HEAVY
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]


def test_a_store_that_cant_be_written_is_refused_without_torch(tmp_path: Path) -> None:
    write_experiment(tmp_path)
    outcome, packages = imported("run", "tiny.yaml", "--runs-dir", "tiny.yaml/runs", cwd=tmp_path)
    assert (outcome.code, outcome.out) == (4, "")
    remedy = "name a folder that can be written to: --runs-dir FOLDER"
    assert outcome.err == f"can't write tiny.yaml/runs: Not a directory\n  {remedy}"
    assert not packages & HEAVY


def test_the_version_is_the_packages() -> None:
    assert command("--version") == Outcome(0, f"optbench {optbench.__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [(), ("run",), ("compare",), ("validate",), ("trajectory",), ("list",), ("runs",),
     ("runs", "list"), ("runs", "show")],
    ids=" ".join,
)  # fmt: skip
def test_every_command_has_help(arguments: tuple[str, ...]) -> None:
    outcome = command(*arguments, "--help")
    assert outcome.code == 0
    assert "Usage: " in outcome.out
    assert "\x1b" not in outcome.out


def test_what_help_begins_with_is_there_without_a_clone(tmp_path: Path) -> None:
    begin = re.search(r"Begin with: *optbench (\w+)", command("--help").out)
    assert begin is not None
    assert run_module(begin[1], cwd=tmp_path).code == 0
    first = re.search(r"optbench run (\S+)", command("run", "--help").out.partition("Examples:")[2])
    assert first is not None
    assert (tmp_path / first[1]).is_file()


@pytest.mark.parametrize("name", ["run", "tune", "verify", "validate"])
def test_a_file_that_may_not_be_read_is_told_as_a_missing_one_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_experiment(tmp_path)
    opened = Path.open

    def refusing(self: Path, *arguments: Any, **options: Any) -> Any:
        if self == path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refusing)
    monkeypatch.setattr(os, "access", lambda found, *_: found != path)  # root may read every file
    outcome = command(name, path)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines() == [f"{path}: can't be read: Permission denied"]


def leaves(path: tuple[str, ...] = (), group: Any = None) -> Iterator[tuple[str, ...]]:
    """The words of every command that does something."""
    group = group or typer.main.get_command(app)
    for name, child in group.commands.items():
        words = (*path, name)
        yield from leaves(words, child) if hasattr(child, "commands") else (words,)


def test_examples_name_files_that_come_with_optbench(tmp_path: Path) -> None:
    assert run_module("init", "--examples", cwd=tmp_path).code == 0
    named = set()
    for words in leaves():
        shown = command(*words, "--help").out
        for path in re.findall(r" (configs/\S*)", re.split(r"Examples?:", shown)[1]):
            assert "The files in configs/ come from optbench init --examples." in shown
            assert list(tmp_path.glob(path)), path
            named.add(" ".join(words))
    assert named >= {"tune", "verify", "validate", "trajectory"}


@pytest.mark.parametrize("words", list(leaves()), ids=" ".join)
def test_every_command_shows_examples_that_a_narrow_terminal_does_not_break(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = command(*words, "--help").out
    assert max(map(len, shown.splitlines())) <= 80
    examples = re.split(r"Examples?:", shown)[1]
    written = re.findall(rf"optbench {' '.join(words)}\b.*?(?= *$)", examples, re.MULTILINE)
    group: Any = typer.main.get_command(app)
    for word in words:
        group = group.commands[word]
    assert written == re.findall(r"`(optbench [^`]*)`", re.split(r"Examples?:", group.help)[1])


def test_compare_shows_the_runs(trained: Path) -> None:
    outcome = command("compare", trained / "runs", "--reference", "sgd")
    assert (outcome.code, outcome.err) == (0, "")
    rows = [line.split()[:3] for line in outcome.out.splitlines()]
    assert ["adam", "0.01", "2"] in rows
    assert ["sgd", "0.1", "2"] in rows


def test_compare_writes_a_file_whole(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    outcome = command("compare", trained / "runs", "--format", "json", "--output", path)
    assert (outcome.code, outcome.out) == (0, "")
    assert json.loads(path.read_bytes())["schema"] == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_is_shown_by_its_directory_and_by_its_hash(trained: Path) -> None:
    directory = next(trained.glob("runs/tiny/adam*s1-*"))
    name, short = directory.name, directory.name[-8:]
    pages = [
        command("runs", "show", found, "--runs-dir", trained / "runs") for found in (name, short)
    ]
    assert [page.code for page in pages] == [0, 0]
    assert pages[0].out == pages[1].out
    assert str(directory) in pages[0].out


def test_a_run_that_is_not_there_ends_with_2(trained: Path) -> None:
    outcome = command("runs", "show", "adamm", "--runs-dir", trained / "runs")
    assert (outcome.code, outcome.out) == (2, "")
    assert "'adamm'" in outcome.err


def test_runs_are_listed(trained: Path) -> None:
    outcome = command("runs", "list", "--runs-dir", trained / "runs", "--format", "json")
    rows = json.loads(outcome.out)["rows"]
    assert [row["status"] for row in rows] == ["completed"] * 4


def test_a_store_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    for arguments in (
        ("compare", tmp_path / "no"),
        ("runs", "list", "--runs-dir", tmp_path / "no"),
    ):
        outcome = command(*arguments)
        assert (outcome.code, outcome.out) == (2, "")
        assert f"{tmp_path}/no: does not exist" in outcome.err


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_experiment_is_valid_and_works(tmp_path: Path, path: Path) -> None:
    assert command("validate", path).out.startswith(f"{path}: valid, ")
    outcome = command(
        "run", path, "--smoke", "--json", "--quiet",
        "--data-dir", tmp_path / "data", "--runs-dir", tmp_path / "runs",
    )  # fmt: skip
    assert (outcome.code, outcome.err) == (0, "")
    runs = [json.loads(line) for line in outcome.out.splitlines()]
    assert runs
    assert {run["status"] for run in runs} == {"completed"}
    assert max(run["sizes"]["train"] for run in runs) <= 256
    assert not (tmp_path / "data").exists()


def test_a_smoke_run_needs_no_data_and_stays_out_of_the_way(tmp_path: Path) -> None:
    outcome = run_module("run", CONFIGS / "adam_mnist.yaml", "--smoke", cwd=tmp_path)
    assert outcome.code == 0
    assert "mnist-5k" in outcome.out
    assert not re.search(r"\x1b|\r", outcome.out)
    assert only_directory(tmp_path / "runs" / ".smoke").parent.name == "adam_mnist"
