"""What reads files that may be anybody's: bytes in, an answer or a refusal out.

A reader's `read` returns in a few words what became of the bytes, and raises where that is wrong.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import re
import shutil
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np
import torch
from experiments import TINY, make_learner, make_runs, train_all
from stored_runs import ADAM, SGD, make_rows, result_document, write_run

from optbench.analysis.audit.audit import audit
from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.catalog.datasets.cifar_batch import read_batch
from optbench.catalog.datasets.image_folder import image_folder
from optbench.catalog.datasets.labelled_text import labelled_text
from optbench.catalog.datasets.own_file import file
from optbench.catalog.experiment import load_experiment
from optbench.errors import ConfigError, DataError, StoreError, UsageError
from optbench.report.audit import audit_lines
from optbench.report.comparison import render
from optbench.report.formats import JUDGING_FORMATS
from optbench.report.html.page import render_report
from optbench.report.run_page import render_run
from optbench.report.runs import render_notes, render_runs
from optbench.store.checkpoint_header import MAGIC
from optbench.store.metrics import MetricsError, format_rows, parse_rows
from optbench.store.result import format_result, parse_result
from optbench.store.scan import scan
from optbench.store.timing import train_seconds
from optbench.training.checkpoint import DamagedCheckpointError, from_bytes, to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from optbench.training.learner import Learner

CONFIGS = Path(__file__).parents[2] / "configs"
ROWS = make_rows([0.1, 0.8, 0.9], val_loss=[2.3, 0.5, 0.4])
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Reader(NamedTuple):
    """`seeds` are whole files; `read` takes the bytes and a folder of its own."""

    seeds: Callable[[], Sequence[bytes]]
    read: Callable[[bytes, Path], str]


# Experiment files

RICH = b"""\
extends: adam_mnist.yaml
name: rich
dataset: [{name: synthetic, train: 75, test: 30, features: 6, classes: 3, validation: 15}]
model: [{name: mlp, hidden: [5, 4], activation: relu, dropout: {grid: [0, 0.5]}}, logistic]
optimizer:
  - &a {name: adam, lr: {logspace: [1e-3, 1e-1, 3]}, betas: [0.9, {grid: [0.99, 0.999]}]}
  - {name: sgd, lr: {linspace: [0.1, 1, 2]}, schedule: {name: cosine, warmup: 0.05},
     groups: [{match: "*.bias", weight_decay: 0}]}
training: {epochs: 2, batch_size: 16, clip_norm: 1.0, evaluate_every: {steps: 4}}
seeds: [0, 3]
device: cpu
expect:
  - {metric: train_loss, setting: {optimizer: adam}, better_than: {optimizer: sgd}}
"""


def experiment_seeds() -> list[bytes]:
    return [*(path.read_bytes() for path in sorted(CONFIGS.rglob("*.yaml"))), RICH]


def read_experiment(content: bytes, folder: Path) -> str:
    if not (folder / "adam_mnist.yaml").exists():  # what files may extend
        shutil.copytree(CONFIGS, folder, dirs_exist_ok=True)
    path = folder / "fuzzed.yaml"
    path.write_bytes(content)
    try:
        return f"{len(load_experiment(path).settings) > 1} settings"
    except ConfigError as error:
        problems = error.problems
    assert all(problem.mark.file for problem in problems)
    return problems[0].message


# The files of a run directory


def metrics_seeds() -> list[bytes]:
    wider = [row | {"lr.bias": 0.1, "regret": -1e-30} for row in ROWS]
    return [format_rows(rows).encode() for rows in ([], ROWS, wider)]


def read_metrics(content: bytes, folder: Path) -> str:
    try:
        text = content.decode()
        rows = parse_rows(text)
    except (UnicodeDecodeError, MetricsError) as error:
        return str(error)
    again = format_rows(rows)
    assert [*map(repr, parse_rows(again))] == [*map(repr, rows)] or not rows
    return f"{len(rows)} rows"


def result_seeds() -> list[bytes]:
    diverged = result_document(ROWS, status="diverged", optimizer=SGD, seed=3)
    documents = [result_document(ROWS), diverged, result_document((), status="running")]
    return [json.dumps(document, indent=1).encode() for document in documents]


def read_stored_result(content: bytes, folder: Path) -> str:
    try:
        result = parse_result(content, "result.json")
    except StoreError as error:
        return str(error)
    assert parse_result(format_result(result).encode(), "again") == result
    return result.status


def timing_seeds() -> list[bytes]:
    seconds = "".join(f"{row['steps']},{1.25 * i:.6f},0.500000\n" for i, row in enumerate(ROWS))
    return [f"steps,train_seconds,evaluation_seconds\n{seconds}".encode()]


def read_timing(content: bytes, folder: Path) -> str:
    (folder / "timing.csv").write_bytes(content)
    try:
        seconds = train_seconds(folder, ROWS)
    except StoreError as error:
        return str(error)
    assert len(seconds) == len(ROWS)
    assert seconds == sorted(seconds)
    return "seconds"


# A store with a changed file in it, seen by all that reads stores


def read_store(name: str) -> Callable[[bytes, Path], str]:
    """The reader of a store in which one run's file `name` is changed."""

    def read(content: bytes, folder: Path) -> str:
        store = folder / "runs"
        if not store.exists():
            write_store(store)
        changed = store / "a" if name == "elsewhere.txt" else next((store / "a").glob("adam-s0-*"))
        (changed / name).write_bytes(content)
        try:
            return shown(store)
        except (StoreError, UsageError) as error:
            return str(error)

    return read


def write_store(store: Path) -> None:
    """Two seeds of Adam and SGD, with seconds; without digests, so that changes get through."""
    for optimizer in (ADAM, SGD):
        for seed in range(2):
            told: dict[str, Any] = {"optimizer": optimizer, "seed": seed, "files": {}}
            directory = write_run(store, ROWS, experiment="a", declared_seeds=2, **told)
            (directory / "timing.csv").write_bytes(timing_seeds()[0])


def shown(store: Path) -> str:
    """Everything that is said about a store, none of which may steer a terminal."""
    found = scan(store)
    said = [render_notes(found.notes, width=80), render_runs(found.runs, "table", now=0.0)]
    said += [render_run(run) for run in found.runs]
    comparison = compare(found.runs, Question(unit="seconds"))
    findings = audit(comparison)
    said += [render_notes(comparison.notes, width=80), audit_lines(findings, 80)]
    said += [render(comparison, name) for name in JUDGING_FORMATS]
    for text in said:
        assert not STEERING.search(text), STEERING.search(text)
    strict(render(comparison, "json"))
    page = render_report(comparison, findings, (*found.notes, *comparison.notes))
    assert "<script>x" not in page
    notes = [note.message for note in (*found.notes, *comparison.notes)]
    return " ".join([*notes, *(finding.kind for finding in findings)])


def strict(text: str) -> Any:
    return json.loads(text, parse_constant=_no_json)


def _no_json(name: str) -> NoReturn:
    raise AssertionError(f"{name} is not JSON")


def elsewhere_seeds() -> list[bytes]:
    return [b"b/adam-s0-12345678\nb/sgd-s1-9abcdef0\n"]


# Checkpoints


@cache
def _learner(folder: Path) -> Learner:
    (run,) = make_runs(
        folder, training=TINY["training"] | {"average": {"name": "ema", "decay": 0.9}}
    )
    learner = make_learner(run)
    train_all(learner)
    return learner


def checkpoint_seeds() -> list[bytes]:
    """torch's pickle alone, which is what says what is made; and the archive around it."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        content = to_bytes(_learner(Path(folder))).partition(b"\n")[2]
    return [_pickle_of(content), _pickle_of(content), content]


def read_checkpoint(content: bytes, folder: Path) -> str:
    """Under a right digest, as whoever forges one would seal it."""
    learner = _learner(folder)
    if not content.startswith(b"PK"):
        content = _with_pickle(to_bytes(learner).partition(b"\n")[2], content)
    sealed = MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content
    try:
        state = from_bytes(sealed, learner.run.hash)
    except DamagedCheckpointError as error:
        return str(error)
    try:
        make_learner(learner.run).restore(state)
    except Exception as error:  # noqa: BLE001 (whoever resumes leaves it aside)
        return type(error).__name__
    return "taken up"


def _pickle_of(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        return archive.read(name)


def _with_pickle(content: bytes, pickled: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, pickled if name.endswith("/data.pkl") else old.read(name))
    return made.getvalue()


# Data files

ARRAYS: dict[str, NDArray[Any]] = {
    "x": np.arange(24.0, dtype=np.float32).reshape(12, 2),
    "y": np.arange(12) % 3,
}


def npz_seeds() -> list[bytes]:
    plain, packed = io.BytesIO(), io.BytesIO()
    np.savez(plain, allow_pickle=False, **ARRAYS)
    np.savez_compressed(packed, allow_pickle=False, **ARRAYS)
    return [plain.getvalue(), packed.getvalue()]


def npy_seeds() -> list[bytes]:
    stream = io.BytesIO()
    np.save(stream, ARRAYS["x"], allow_pickle=False)
    return [stream.getvalue()]


def tensor_seeds() -> list[bytes]:
    stream = io.BytesIO()
    torch.save({name: torch.from_numpy(array) for name, array in ARRAYS.items()}, stream)
    return [stream.getvalue(), _pickle_of(stream.getvalue())]


def table_seeds() -> list[bytes]:
    lines = [f"{a},{b},{'cat' if i % 2 else 'dog'}" for i, (a, b) in enumerate(ARRAYS["x"])]
    return ["\n".join(["width,height,kind", *lines, ""]).encode()]


def text_seeds() -> list[bytes]:
    return [
        b"".join(b"%s\twords of %d and more\n" % (k, i) for i in range(8) for k in (b"a", b"b"))
    ]


def image_seeds() -> list[bytes]:
    from PIL import Image

    streams = []
    for kind in ("PNG", "JPEG"):
        stream = io.BytesIO()
        Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(stream, kind)
        streams.append(stream.getvalue())
    return streams


def batch_seeds() -> list[bytes]:
    """CIFAR's pickles, by names that numpy had in 2009."""
    batch = {b"labels": [1, 2], b"data": np.zeros((2, 3072), np.uint8)}
    return [pickle.dumps(batch, protocol=2).replace(b"numpy._core.", b"numpy.core.")]


def read_own(name: str) -> Callable[[bytes, Path], str]:
    """The reader of a data file of one's own, by its suffix."""

    def read(content: bytes, folder: Path) -> str:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if name.endswith(".pt") and not content.startswith(b"PK"):
            content = _with_pickle(tensor_seeds()[0], content)
        path.write_bytes(content)
        try:
            if path.suffix in (".npz", ".pt", ".csv"):
                train, _ = file(str(path)).read()
            elif path.suffix == ".npy":
                np.save(path.with_name("y.npy"), ARRAYS["y"])
                source = file(str(path.parent))
                source.content_hash()  # which looks at every number
                train, _ = source.read()
                assert np.isfinite(np.asarray(train.inputs)).all()
            elif path.suffix == ".tsv":
                train, _ = labelled_text(str(path)).read()
            else:
                for whole in ("cat/2.png", "dog/1.png", "dog/2.png"):
                    (folder / whole).parent.mkdir(exist_ok=True)
                    (folder / whole).write_bytes(image_seeds()[0])
                train, _ = image_folder(str(folder), test_share=0.5).read()
        except DataError as error:
            return str(error)
        assert len(train.inputs) == len(train.targets) > 0
        return f"{train.inputs.dtype} {train.targets.dtype}"

    return read


def read_cifar(content: bytes, folder: Path) -> str:
    try:
        return str(len(read_batch(content, b"labels", 10, "a batch").inputs))
    except DataError as error:
        return str(error)


READERS = {
    "experiment": Reader(experiment_seeds, read_experiment),
    "metrics": Reader(metrics_seeds, read_metrics),
    "result": Reader(result_seeds, read_stored_result),
    "timing": Reader(timing_seeds, read_timing),
    "store-result": Reader(result_seeds, read_store("result.json")),
    "store-metrics": Reader(metrics_seeds, read_store("metrics.csv")),
    "store-timing": Reader(timing_seeds, read_store("timing.csv")),
    "store-elsewhere": Reader(elsewhere_seeds, read_store("elsewhere.txt")),
    "checkpoint": Reader(checkpoint_seeds, read_checkpoint),
    "npz": Reader(npz_seeds, read_own("given.npz")),
    "npy": Reader(npy_seeds, read_own("mine/x.npy")),
    "pt": Reader(tensor_seeds, read_own("given.pt")),
    "csv": Reader(table_seeds, read_own("given.csv")),
    "text": Reader(text_seeds, read_own("given.tsv")),
    "image": Reader(image_seeds, read_own("cat/1.png")),
    "cifar": Reader(batch_seeds, read_cifar),
}
