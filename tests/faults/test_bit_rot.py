"""A bit that flips in a finished run, a file of it that is cut: said, or without any effect."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from experiments import write_experiment

from faults.counts import times
from faults.damage import flip_bit, truncate
from faults.sabotage import Sabotage
from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.catalog.weights import find_weights
from optbench.errors import OptbenchError, UsageError
from optbench.execution.study import Options, load_experiments, run
from optbench.report.comparison import render
from optbench.report.run_page import render_run
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from faults.injections import Injection
    from optbench.config.spec import Setting, Weights

pytestmark = pytest.mark.faults

OPTIMIZERS = [{"name": "adam", "lr": 0.01}, {"name": "sgd", "lr": 0.1}]
FLIPS, LENGTHS = 400, 100
FILES = ["config.yaml", "metrics.csv", "timing.csv", "result.json", "weights.pt", "lock", "log.txt"]
QUESTION = Question(metric="test_loss", target=1.0, unit="seconds")


def damages(path: Path, flips: int = FLIPS, lengths: int = LENGTHS) -> Iterator[None]:
    """Random bits and lengths, one at a time; the file is whole again in the end."""
    whole = path.read_bytes()
    draw = random.Random(path.name)
    for damage, count, most in (
        (flip_bit, times(flips), 8 * len(whole)),
        (truncate, times(lengths), len(whole)),
    ):
        for _ in range(count):
            damage(path, draw.randrange(most))
            try:
                yield
            finally:
                path.write_bytes(whole)


@dataclass(frozen=True)
class Seen:
    """What is told of a store, and of one run in it."""

    numbers: Any
    notes: str
    page: str
    weights: Weights | None
    setting: Setting | None

    @classmethod
    def of(cls, folder: Path, directory: Path) -> Seen:
        found = scan(folder)
        comparison = compare(found.runs, QUESTION)
        pages = [render_run(one) for one in found.runs if one.path == directory]
        numbers = json.loads(render(comparison, "json"))
        return cls(
            numbers=numbers | {"notes": None},
            notes=" ".join(map(str, (*found.notes, *comparison.notes))),
            page=pages[0].partition("\nfiles\n")[0] if pages else "",
            weights=weights_of(directory),
            setting=setting_of(directory),
        )

    def is_honest(self, whole: Seen) -> bool:
        """Whether nothing is other than it was, or damage is told."""
        damaged = "damaged" in self.notes
        return (
            (self.numbers == whole.numbers or damaged)
            and (self.page == whole.page or damaged or "damaged" in self.page)
            and self.weights in (whole.weights, None)
            and self.setting in (whole.setting, None)
        )


def weights_of(directory: Path) -> Weights | None:
    """What a model that starts from the run gets; None if that is refused."""
    try:
        return find_weights(directory, "mlp")
    except UsageError:
        return None


def setting_of(directory: Path) -> Setting | None:
    """What the run's config.yaml trains; None if that is refused."""
    try:
        (experiment,) = load_experiments([directory / "config.yaml"], Options())
    except OptbenchError:
        return None
    (setting,) = experiment.settings
    return setting


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of Adam and SGD in `tiny`; `other` asks for the same runs."""
    folder = tmp_path_factory.mktemp("trained")
    for name in ("tiny", "other"):
        path = write_experiment(folder, name, optimizer=OPTIMIZERS, seeds=2)
        run(path, runs_dir=folder / "runs")
    return folder / "runs"


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_of_a_finished_run_makes_no_other_number(
    store: Path, name: str, injecting: Callable[[str, str], Injection]
) -> None:
    flips = injecting("bit-rot", f"400 bits of a finished run's {name}, and 100 lengths")
    directory = next((store / "tiny").glob("adam-*-s0-*"))
    (directory / "log.txt").write_text("a warning\n")
    (directory / "lock").write_text("nothing reads it\n")
    whole = Seen.of(store / "tiny", directory)
    assert "" not in (whole.page, whole.weights, whole.setting)
    for _ in damages(directory / name):
        with flips.holds():
            seen = Seen.of(store / "tiny", directory)
            assert seen.is_honest(whole)


def test_a_damaged_list_of_runs_elsewhere_hides_none_silently(
    store: Path, injecting: Callable[[str, str], Injection]
) -> None:
    flips = injecting("bit-rot", "400 bits of an experiment's elsewhere.txt, and 100 lengths")
    names = [one.path.name for one in scan(store / "other").runs]
    assert len(names) == 4
    for _ in damages(store / "other" / "elsewhere.txt"):
        with flips.holds():
            found = scan(store / "other")
            same = [one.path.name for one in found.runs] == names
            assert same or "elsewhere.txt" in " ".join(note.message for note in found.notes)


SABOTAGE = [
    Sabotage(
        "bit-rot",
        "the digest of result.json",
        "optbench/store/result.py",
        "if KEY in fields.values and not is_whole(content)",
        "if False",
        "test_a_damaged_file_of_a_finished_run_makes_no_other_number[result.json]",
    ),
    Sabotage(
        "bit-rot",
        "the digest of metrics.csv",
        "optbench/store/stored_run.py",
        'if expected and self.status != "running":',
        "if False:",
        "test_a_damaged_file_of_a_finished_run_makes_no_other_number[metrics.csv]",
    ),
    Sabotage(
        "bit-rot",
        "the digest of timing.csv",
        "optbench/store/timing.py",
        "if digest and ",
        "if False and ",
        "test_a_damaged_file_of_a_finished_run_makes_no_other_number[timing.csv]",
    ),
    Sabotage(
        "bit-rot",
        "the digest of config.yaml",
        "optbench/execution/study.py",
        "    check_config(Path(config))\n",
        "",
        "test_a_damaged_file_of_a_finished_run_makes_no_other_number[config.yaml]",
    ),
]
