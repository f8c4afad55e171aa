"""Run directories of somebody who means ill: nothing runs, nothing leaves the store."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import pickle
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from experiments import PACKAGE, TINY_EPOCH_STEPS, command, only_directory, write_experiment
from stored_runs import ADAM, SGD, make_rows, result_document, write_run

from faults import audited_child
from faults.counts import is_full
from faults.known_study import KnownStudy
from faults.readers import STEERING
from faults.sabotage import Sabotage
from optbench.errors import StoreError
from optbench.store.bounded import read_bounded
from optbench.store.checkpoint_header import MAGIC
from optbench.store.metrics import format_rows
from optbench.store.result import read_result
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faults.injections import Injection

pytestmark = pytest.mark.faults

ROWS = make_rows([0.1, 0.8, 0.9])
SECRET = "the secret of somebody else"  # noqa: S105
PATIENCE = 120.0  # seconds, after which a command hangs
EVIL = [
    "\x1b[2J\x1b]0;owned\x07", "=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "-2+3",
    "<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", "\\input{/etc/passwd}",
    "\\write18{id}", "[click](javascript:alert(1))", "a|b", "\u202etxt.exe", "a\nb\rc", "{{7*7}}",
    "$(id)", "`id`", "%n%s", "' onload='alert(1)", "]]>", "&lt;",
]  # fmt: skip


class Bomb:
    """Pickled, it is code that makes a folder where it is loaded."""

    def __init__(self, crater: Path) -> None:
        self.crater = crater

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.crater),)


def sealed(content: bytes) -> bytes:
    """A checkpoint with a right digest."""
    return MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def saved(content: object) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


# A store with traps in it


class Traps:
    """A store of good runs in `store`, a folder that is nobody's business in `outside`."""

    def __init__(self, root: Path) -> None:
        self.root, self.store, self.outside = root, root / "runs", root / "outside"
        self.crater = root / "crater"
        self.outside.mkdir(parents=True)
        (self.outside / "secret").write_text(SECRET)
        for optimizer in (ADAM, SGD):
            for seed in range(2):
                write_run(self.store, ROWS, optimizer=optimizer, seed=seed, declared_seeds=2)
        write_run(self.outside, ROWS, seed=7)
        self.count = 0
        for set_trap in (
            self.texts, self.links, self.special_files, self.pickles, self.plugins, self.sizes,
            self.folders,
        ):  # fmt: skip
            set_trap()

    def run(self, **description: Any) -> Path:
        self.count += 1
        told = {"experiment": f"evil{self.count}", "files": {}, "seed": 100 + self.count}
        return write_run(self.store, ROWS, **(told | description))

    def texts(self) -> None:
        """Every text of a result.json in turn is one that somebody might obey."""
        for text in EVIL:
            optimizer = ADAM | {"name": text, text: text}
            labels = {"problem": text, "setting": text}
            told: dict[str, Any] = {
                "optimizer": ADAM,
                "labels": labels,
                "reason": text,
                "environment": {text: text},
            }
            directory = self.run(**told)
            document = result_document(ROWS, **told, seed=100 + self.count, experiment=text)
            document["config"]["optimizer"] = optimizer
            document["cohort"]["reason"] = document["started"] = text
            document["requested_dataset"] = text
            (directory / "result.json").write_text(json.dumps(document))

    def links(self) -> None:
        for name in ("result.json", "metrics.csv", "timing.csv", "config.yaml", "log.txt", "lock",
                     "checkpoint.pt", "weights.pt"):  # fmt: skip
            for status in ("completed", "running", "failed"):
                directory = self.run(status=status)
                (directory / name).unlink(missing_ok=True)
                (directory / name).symlink_to(self.outside / "secret")

    def special_files(self) -> None:
        for name in ("result.json", "metrics.csv", "timing.csv", "lock", "checkpoint.pt"):
            for status in ("completed", "running"):
                for make in (os.mkfifo, endless):
                    directory = self.run(status=status)
                    (directory / name).unlink(missing_ok=True)
                    make(directory / name)

    def pickles(self) -> None:
        bomb = Bomb(self.crater)
        for content in (pickle.dumps(bomb), saved(bomb), saved({"run": "0" * 64, "model": bomb})):
            for status in ("completed", "running", "interrupted"):
                directory = self.run(status=status)
                (directory / "checkpoint.pt").write_bytes(sealed(content))
                (directory / "checkpoint.prev.pt").write_bytes(content)
                (directory / "weights.pt").write_bytes(content)

    def plugins(self) -> None:
        """Code beside the run, by a name that would import it."""
        for name in ("./evil.py:Evil", "evil:Evil", "os:system"):
            directory = self.run(optimizer=ADAM | {"name": name}, status="failed")
            code = f"import os\nos.mkdir({str(self.crater)!r})\n"
            (directory / "evil.py").write_text(code)
            (directory / "sitecustomize.py").write_text(code)

    def sizes(self) -> None:
        for name in ("result.json", "metrics.csv", "timing.csv", "checkpoint.pt"):
            directory = self.run(status="running" if name.endswith(".pt") else "completed")
            with (directory / name).open("wb") as stream:
                stream.truncate(1 << 40)  # a hole of a terabyte
        directory = self.run()
        (directory / "result.json").write_text("[" * 500_000)
        directory = self.run()
        (directory / "metrics.csv").write_text(format_rows(ROWS) + "9" * 1_000_000 + "\n")

    def folders(self) -> None:
        inside = self.run().parent
        (inside / "linked-s0-01234567").symlink_to(self.outside / "adam_mnist")
        (self.store / "linked").symlink_to(self.outside)
        (inside / "..evil").mkdir()
        (inside / "elsewhere.txt").write_text("../outside/adam_mnist\n/etc\n../..\n")
        (inside / ".x-s0-01234567.old").symlink_to(self.outside)
        (inside / ".x-s0-01234567.gone").symlink_to(self.outside)
        deep = inside / ".y-s0-01234567.gone"
        deep.mkdir()
        (deep / "out").symlink_to(self.outside)


def endless(path: Path) -> None:
    """/dev/zero by another name; where no device can be made, a socket's kind of nothing."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        os.mkfifo(path)


@pytest.fixture
def traps(tmp_path: Path) -> Traps:
    return Traps(tmp_path)


def audited(traps: Traps, *words: str) -> tuple[subprocess.CompletedProcess[str], list[Any]]:
    """What a command printed, and all that it did."""
    place = traps.root / "audit"
    done = subprocess.run(
        [sys.executable, audited_child.__file__, str(place), *words],
        cwd=traps.root,
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert "has a bug" not in done.stderr, done.stderr
    events = [json.loads(line) for line in place.read_text().splitlines()]
    place.unlink()
    return done, events


def assert_harmless(traps: Traps, events: Sequence[Any], writable: Sequence[Path]) -> None:
    """Nothing was executed, nothing outside was opened, written only below `writable`."""
    store = str(traps.root)
    for event in events:
        kind, what = event["event"], event["what"]
        if kind == "open":
            path = os.path.abspath(os.path.join(traps.root, what[0]))  # noqa: PTH100, PTH118
            assert not (event["followed"] and path.startswith(store)), event
            assert not path.startswith(str(traps.outside)), event
            if event["writes"] and path != "/dev/null":
                assert any(path.startswith(str(one)) for one in writable), event
        elif kind in ("exec", "import"):
            assert not any(store in word for word in what), event
            assert what[0] not in ("evil", "sitecustomize"), event
        elif kind in audited_child.CHANGES:
            path = os.path.abspath(os.path.join(traps.root, what[0]))  # noqa: PTH100, PTH118
            assert any(path.startswith(str(one)) for one in writable), event
        elif kind != "ctypes.dlopen":  # torch asks where libraries are when it is imported
            assert Path(what[0]).name in ("ldconfig", "gcc", "cc", "ld"), event
    assert not traps.crater.exists()
    secret = traps.outside / "secret"
    assert secret.read_text() == SECRET
    assert sorted(path.name for path in traps.outside.iterdir()) == ["adam_mnist", "secret"]


def assert_escaped(text: str) -> None:
    assert SECRET not in text
    assert not STEERING.search(text), STEERING.search(text)


READING = [
    ("compare", "--format", name) for name in ("table", "markdown", "csv", "json", "latex", "junit")
] + [
    ("compare", "--format", "csv", "--all-seeds"),
    ("compare", "--unit", "seconds", "--target", "0.5", "--audit"),
    ("runs", "list", "--runs-dir"),
    ("runs", "list", "--format", "json", "--runs-dir"),
    ("runs", "list", "--format", "csv", "--runs-dir"),
    ("runs", "repair", "--dry-run"),
    ("runs", "prune"),
]


@pytest.mark.parametrize("words", READING if is_full() else READING[::4], ids=" ".join)
def test_reading_a_strangers_store_executes_and_writes_nothing(
    traps: Traps, words: tuple[str, ...], injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting(
        "strangers", "texts, links, FIFOs, devices, pickles, plug-ins, terabytes; each command"
    )
    with fault.holds(traps.count):
        done, events = audited(traps, *words, str(traps.store))
        assert done.returncode in (0, 1), done.stderr
        assert_harmless(traps, events, ())
        assert_escaped(done.stdout)
        assert_escaped(done.stderr)
        if "csv" in words:
            assert_no_formula(done.stdout)
        if "latex" in words:
            assert "\\input{" not in done.stdout
            assert "\\write" not in done.stdout
        if "json" in words:
            json.loads(done.stdout)


def assert_no_formula(text: str) -> None:
    """No cell that a spreadsheet would compute."""
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            if cell[:1] in ("=", "+", "-", "@"):
                float(cell)


def test_showing_each_of_a_strangers_runs_executes_and_writes_nothing(
    traps: Traps, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("strangers", "the same; `runs show` of one run after the other")
    for directory in sorted(traps.store.glob("evil*/[!.]*-s*"))[:: 1 if is_full() else 12]:
        with fault.holds():
            done, events = audited(traps, "runs", "show", str(directory))
            assert_harmless(traps, events, ())
            assert_escaped(done.stdout)
            assert_escaped(done.stderr)


def test_a_report_on_a_strangers_store_runs_nothing_of_theirs(
    traps: Traps, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("strangers", "the same; `report`")
    page = traps.root / "page.html"
    with fault.holds(traps.count):
        done, events = audited(traps, "report", str(traps.store), "--output", str(page))
        assert done.returncode == 0, done.stderr
        assert_harmless(traps, events, [page, traps.root / ".page.html"])
        text = page.read_text()
        assert SECRET not in text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "javascript:alert" not in text.replace("[click](javascript:alert(1))", "")


@pytest.mark.parametrize("words", [("repair",), ("prune", "--yes")], ids=" ".join)
def test_mending_a_strangers_store_changes_nothing_outside_of_it(
    traps: Traps, words: tuple[str, ...], injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("strangers", "the same; `runs repair`, `runs prune --yes`")
    with fault.holds(traps.count):
        done, events = audited(traps, "runs", words[0], str(traps.store), *words[1:])
        assert done.returncode in (0, 1), done.stderr
        assert_harmless(traps, events, [traps.store])
        assert_escaped(done.stdout)


@pytest.mark.parametrize("levels", [60, 450, 900, 400_000])
def test_a_result_that_is_nested_deeper_than_any_experiment_is_no_run(
    tmp_path: Path, levels: int, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("strangers", "configurations of 60 to 400,000 lists in one another")
    directory = write_run(tmp_path, ROWS)
    path = directory / "result.json"
    named = json.loads(path.read_text())["config"]["optimizer"]["name"]
    nested = f'"name": "{named}", "z": {"[" * levels}{"]" * levels}'
    text = path.read_text().replace(f'"name": "{named}"', nested, 1)
    path.write_text(text)
    with fault.holds():
        found = scan(tmp_path)
        assert not found.runs
        (note,) = found.notes
        assert re.search("nested (deeper than 51 levels|too deeply)", note.message)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, endless], ids=["FIFO", "folder", "device"])
def test_what_is_no_regular_file_is_said_to_be_none(
    tmp_path: Path, make: Callable[[Path], None], injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("strangers", "FIFOs, folders and devices by the names of a run's files")
    directory = write_run(tmp_path, ROWS)
    for name in ("metrics.csv", "result.json"):
        (directory / name).unlink()
        make(directory / name)
    with fault.holds():
        (note,) = scan(tmp_path).notes
        assert "not a regular file" in note.message
    with fault.holds(), pytest.raises(StoreError, match=r"metrics\.csv: not a regular file"):
        read_bounded(directory / "metrics.csv", 1000)


# Checkpoints


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> KnownStudy:
    return KnownStudy(tmp_path_factory.mktemp("whole"), epochs=3)


@pytest.fixture(scope="module")
def killed(known: KnownStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose run was killed in its third epoch."""
    folder = tmp_path_factory.mktemp("killed")
    known.begin_and_be_killed(folder)
    return folder


def evil_checkpoints(run: str, crater: Path) -> dict[str, bytes]:
    bomb = Bomb(crater)
    huge = torch.zeros(1).expand(10**6, 10**6)
    archive = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(saved({"run": run}))) as old,
        zipfile.ZipFile(archive, "w") as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr("archive/data/0", bytes(50_000_000), zipfile.ZIP_DEFLATED)
    return {
        "a pickle": pickle.dumps({"run": run, "model": bomb}),
        "torch's archive": saved({"run": run, "model": bomb}),
        "torch's old format": old_format({"run": run, "model": bomb}),
        "a bomb for a run": saved({"run": bomb}),
        "huge shapes": saved({"run": run, "steps": 8, "model": {"1.weight": huge}}),
        "a huge step": saved({"run": run, "steps": 10**30}),
        "an archive that expands": archive.getvalue(),
        "a list": saved([run]),
        "a pickle without end": b"\x80\x02" + b"(" * 5_000_000 + b".",
        "a long name": b"\x80\x02c" + b"a" * 1_000_000 + b"\nb\n.",
    }


def old_format(content: object) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=False)
    return stream.getvalue()


def test_an_evil_checkpoint_is_left_aside_and_nothing_in_it_runs(
    tmp_path: Path,
    known: KnownStudy,
    killed: Path,
    injecting: Callable[[str, str], Injection],
) -> None:
    fault = injecting("strangers", "checkpoints with a right digest: code, huge shapes, bombs")
    crater = tmp_path / "crater"
    run = read_result(only_directory(killed / "runs") / "result.json").run
    for number, content in enumerate(evil_checkpoints(run, crater).values()):
        folder = tmp_path / str(number)
        shutil.copytree(killed, folder)
        (only_directory(folder / "runs") / "checkpoint.pt").write_bytes(sealed(content))
        with fault.holds():
            assert known.go_on(folder) == TINY_EPOCH_STEPS
            known.assert_whole(folder)
            assert not crater.exists()


def test_an_evil_last_state_is_left_aside_and_nothing_in_it_runs(tmp_path: Path) -> None:
    crater = tmp_path / "crater"

    def trained(store: str, epochs: int) -> Path:
        training = {"epochs": epochs, "batch_size": 16, "keep_state": True}
        path = write_experiment(tmp_path, training=training, seeds=10)
        outcome = command("run", path, "--runs-dir", tmp_path / store, "--workers", "1")
        assert outcome.code == 0, outcome.err
        return tmp_path / store

    states = sorted(trained("runs", 1).rglob("state.pt"))
    for path, kind in zip(states, evil_checkpoints("", crater), strict=True):
        run = read_result(path.with_name("result.json")).run
        path.write_bytes(sealed(evil_checkpoints(run, crater)[kind]))
    extended, whole = trained("runs", 2), trained("whole", 2)
    logs = [log.read_text() for log in extended.rglob("log.txt")]
    assert len([log for log in logs if "state.pt is left aside: " in log]) == len(states)
    assert not crater.exists()
    for path in whole.rglob("metrics.csv"):
        again = extended / path.relative_to(whole)
        assert again.read_bytes() == path.read_bytes()


SABOTAGE = [
    Sabotage(
        "strangers",
        "that links are not followed",
        "optbench/store/bounded.py",
        "os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK",
        "os.O_RDONLY | os.O_NONBLOCK",
        "test_reading_a_strangers_store_executes_and_writes_nothing",
    ),
    Sabotage(
        "strangers",
        "that only regular files are read",
        "optbench/store/bounded.py",
        "    if not stat.S_ISREG(os.fstat(descriptor).st_mode):\n",
        "    if False:\n",
        "test_what_is_no_regular_file_is_said_to_be_none",
    ),
    Sabotage(
        "strangers",
        "the bound of nesting in result.json",
        "optbench/store/result.py",
        "            _check_depth(document, _DEPTH)\n",
        "            pass\n",
        "test_a_result_that_is_nested_deeper_than_any_experiment_is_no_run",
    ),
    Sabotage(
        "strangers",
        "that a checkpoint is read as data alone",
        "optbench/training/checkpoint.py",
        "state = load_plain(content)",
        "state = torch.load(io.BytesIO(content), weights_only=False)",
        "test_an_evil_checkpoint_is_left_aside_and_nothing_in_it_runs",
    ),
    Sabotage(
        "strangers",
        "the escaping of control characters",
        "optbench/report/table.py",
        "    if text.isprintable():  # stricter than is_safe, and much quicker\n",
        "    if True:\n",
        "test_reading_a_strangers_store_executes_and_writes_nothing",
    ),
]
