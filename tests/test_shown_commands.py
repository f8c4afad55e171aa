"""Each command that the documentation shows: its options exist, it runs, its output is real."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections import Counter
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from experiments import command
from shown_commands import PAGES, ROOT, Shown, blocks, mentioned, misunderstood, scripts, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments import Outcome

# Where the pages' numbers come from; the last digits differ elsewhere.
MADE_HERE = torch.__version__.startswith("2.14.") and (
    torch.backends.cpu.get_cpu_capability() == "AVX512"
)
GENUINE = Path(os.environ.get("OPTBENCH_DATA", ""), "MNIST/raw/train-images-idx3-ubyte.gz")
needs_mnist = pytest.mark.skipif(not GENUINE.is_file(), reason="$OPTBENCH_DATA has no mnist")

# What no test runs, and why. Its options are looked at all the same.
NOT_RUN = {
    "optbench check pytorch_optimizer:Lion pytorch_optimizer:SOAP": "a package that tests lack; "
    "scripts/check_page.py runs it",
    "optbench run study.yaml --executor ray": "a cluster; tests/execution has one",
    "optbench run study.yaml --executor ray --ray-address auto": "a cluster, as above",
    "optbench tune search.yaml --executor ray": "a cluster, as above",
    "optbench verify claims.yaml --executor ray": "a cluster, as above",
    "optbench runs retry --executor ray": "a cluster, as above",
    "optbench run configs/adam_mnist.yaml --track mlflow=http://127.0.0.1:5000": "a server",
    "optbench run configs/adam_mnist.yaml --track wandb=my-project": "wandb, which tests lack",
    "optbench runs export runs/ --to mlflow=sqlite:///mlflow.db": "mlflow, which tests lack",
    "optbench tune docs/pictures/tuned_mnist.yaml": "an hour on genuine MNIST",
    "optbench compare runs/tuned_mnist": "what that hour leaves",
    "optbench verify configs/claims/": "ten minutes; scripts/claims_page.py judges each",
    "optbench compare runs/lr_sensitivity_mnist --chart lr.png --kind sensitivity": "six minutes "
    "of genuine MNIST",
}

OPTIMIZER = """
import torch

class {name}(torch.optim.Adam):
    def __init__(self, params, lr=0.01):
        super().__init__(params, lr)
"""


def write_signsgd(folder: Path) -> None:
    (folder / "signsgd.py").write_text(blocks("docs/extending.md", "python")[0], encoding="utf-8")
    (folder / "mine.yaml").write_text(blocks("docs/extending.md", "yaml")[0], encoding="utf-8")


def write_own(folder: Path) -> None:
    (folder / "mine.py").write_text(OPTIMIZER.format(name="MyAdam"), encoding="utf-8")
    rows = "".join(f"{x},{x * x},{x % 2}\n" for x in range(40))
    (folder / "measurements.csv").write_text(f"a,b,class\n{rows}", encoding="utf-8")


LONGER = """
dataset: {name: synthetic, train: 200, test: 100}
model: {name: mlp, hidden: [8]}
optimizer: [adam, {name: sgd, lr: 0.1}]
training: {epochs: 20}
seeds: 4
"""


def write_longer(folder: Path) -> None:
    (folder / "my.yaml").write_text(LONGER, encoding="utf-8")


def skip_without_tensorboard(folder: Path) -> None:
    if find_spec("tensorboard") is None:
        pytest.skip("tensorboard is not installed")


def write_my_optimizer(folder: Path) -> None:
    (folder / "mine.py").write_text(OPTIMIZER.format(name="MyOptimizer"), encoding="utf-8")


@dataclass(frozen=True)
class Told:
    """What a page tells beside its blocks: files, commands that come before, names for others."""

    prepare: Callable[[Path], None] = lambda folder: None
    before: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    less: tuple[str, ...] = ()  # so that `optbench run` takes seconds; nothing in a long test


SMOKE = "optbench run configs/smoke.yaml --quiet"
SHORTER = "optbench run my.yaml --set training.epochs=5 --set training.keep_state=true --quiet"
ONE_EPOCH = ("--set", "training.epochs=1", "--quiet")
LESS = ("--seeds", "2", *ONE_EPOCH)
TOLD: dict[str, Told] = {
    "docs/check.md": Told(write_my_optimizer),
    "docs/experiments.md": Told(write_longer, (SHORTER,), names={"FILE": "configs/smoke.yaml"}),
    "docs/extending.md": Told(write_signsgd, less=("--seeds", "1", *ONE_EPOCH)),
    "docs/finetuning.md": Told(less=ONE_EPOCH),
    "docs/index.md": Told(write_own, less=LESS),
    "docs/pictures.md": Told(less=LESS),
    "docs/reliability.md": Told(before=(SMOKE,)),
    "docs/report.md": Told(before=(SMOKE,)),
    "docs/trackers.md": Told(skip_without_tensorboard, less=LESS),
}
RUN = {
    page: [one for one in shown(page) if one.text not in NOT_RUN]
    for page in PAGES
    if page != "README.md"  # which has tests of its own, below
}


@pytest.mark.parametrize("page", PAGES)
def test_the_command_line_understands_every_command(page: str) -> None:
    for one in shown(page):
        assert misunderstood(one.words, whole=True) is None, one.text
    for one in mentioned(page):
        assert misunderstood(one.words, whole=False) is None, one.text


def test_a_renamed_option_or_command_would_be_noticed() -> None:
    for text in ("optbench run FILE --sets a=1", "optbench runs lists", "optbench run"):
        assert misunderstood(Shown("", text).words, whole=True), text
    assert misunderstood(["compare", "--charts", "a.png"], whole=False)
    assert misunderstood(["verify"], whole=False) is None


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md"])
def test_every_script_that_a_page_names_is_there_with_its_options(page: str) -> None:
    for script, *words in scripts(page):
        source = (ROOT / script).read_text(encoding="utf-8")
        for option in (word for word in words if word.startswith("--")):
            assert f'"{option}"' in source, (script, option)


def test_what_no_test_runs_is_shown_somewhere() -> None:
    texts = {one.text for page in PAGES for one in shown(page)}
    assert texts >= NOT_RUN.keys()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where somebody has the repository's experiments, no data set and no network."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    (tmp_path / "docs/pictures").mkdir(parents=True)
    for path in (ROOT / "docs/pictures").glob("*.yaml"):
        shutil.copy(path, tmp_path / "docs/pictures")
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("OPTBENCH_DATA", "/home/me/.cache/optbench/data")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(text: str, told: Told, *, whole: bool) -> Outcome:
    words = [told.names.get(word, word) for word in shlex.split(text)[1:]]
    outcome = command(*words, *(told.less if words[0] == "run" and not whole else ()))
    assert outcome.code == 0, (text, outcome)
    return outcome


def assert_printed(output: str, outcome: Outcome) -> None:
    """Every line that a page shows was printed, as often; an ellipsis stands for others."""
    missing = Counter(comparable(output)) - Counter(comparable(outcome.err + outcome.out))
    assert not missing, outcome


def comparable(text: str) -> list[str]:
    """Lines without times, and where the pages were not made without digits."""
    timeless = re.sub(r" [\d.,]+k?/s +[\d.]+ \w+ left| done [\d.]+ s", " …", text)
    lines = [line for line in timeless.splitlines() if line.strip() not in ("", "…")]
    return lines if MADE_HERE else [re.sub(r"[\d.,]+", "0", line) for line in lines]


def follow(page: str, folder: Path, *, whole: bool) -> None:
    told = TOLD.get(page, Told())
    told.prepare(folder)
    for text in told.before:
        run(text, told, whole=True)
    for one in RUN[page]:
        assert_printed(one.output, run(one.text, told, whole=whole))


MARKS: dict[str, tuple[pytest.MarkDecorator, ...]] = dict.fromkeys(
    # What they show is tried beside them in every run: tests/commands, tests/test_workflow.py.
    ("docs/finetuning.md", "docs/pictures.md", "docs/trajectories.md", "docs/verify.md"),
    (pytest.mark.slow, pytest.mark.long),
) | {"docs/trackers.md": (pytest.mark.filterwarnings("ignore"),)}  # TensorBoard's


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=MARKS.get(page, ())) for page, commands in RUN.items() if commands],
)
def test_its_commands_run_and_print_what_it_shows(page: str, folder: Path) -> None:
    follow(page, folder, whole=False)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", [page for page, told in TOLD.items() if told.less])
def test_they_do_without_being_shortened(page: str, folder: Path) -> None:
    follow(page, folder, whole=True)


INLINE = {"docs/pictures.md": "optbench compare runs/", "docs/trajectories.md": "optbench traj"}


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("page", INLINE)
def test_the_commands_in_its_sentences_run_after_them(page: str, folder: Path) -> None:
    follow(page, folder, whole=False)
    for one in mentioned(page):
        if one.text.startswith(INLINE[page]) and "adamw_decouples" not in one.text:
            run(one.text, Told(), whole=True)


FIRST = ("run", "configs/adam_mnist.yaml", "configs/sgd_mnist.yaml")


def test_the_first_command_prints_what_the_readme_shows(folder: Path) -> None:
    outcome = command(*FIRST)
    assert outcome.code == 0
    assert_printed(blocks("README.md")[0], outcome)


@needs_mnist
@pytest.mark.slow
@pytest.mark.long
def test_with_the_whole_of_mnist_too(folder: Path) -> None:
    outcome = command(*FIRST, "--data-dir", GENUINE.parents[2])
    assert outcome.code == 0
    assert_printed(blocks("README.md")[1], outcome)


@needs_mnist
@pytest.mark.slow
@pytest.mark.long
def test_eight_seeds_of_mnist_give_the_table_of_the_readme(folder: Path) -> None:
    study = "configs/adam_vs_sgd_mnist.yaml"
    assert command("run", study, "--data-dir", GENUINE.parents[2], "-q").code == 0
    (one,) = (one for one in shown("README.md") if "--target" in one.text)
    assert_printed(one.output, run(one.text, Told(), whole=True))
