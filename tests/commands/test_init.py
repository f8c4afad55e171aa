"""`optbench init`, as somebody in an empty folder uses it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from optbench import load_experiment
from optbench.catalog.datasets import DATASETS
from optbench.cli import app
from optbench.errors import ConfigError

ROOT = Path(__file__).parents[2]
OWN = {"file", "image-folder", "text", "labelled-text"}  # they need a path


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def init(*arguments: str) -> tuple[int, str]:
    """The exit code and all that was said."""
    done = CliRunner().invoke(app, ["init", *arguments])
    return done.exit_code, done.output or str(done.exception)


def test_without_options_it_compares_adam_and_sgd_on_mnist() -> None:
    code, said = init()
    assert code == 0, said
    experiment = load_experiment("experiment.yaml")
    assert {str(s.optimizer["name"]) for s in experiment.settings} == {"adam", "sgd"}
    assert experiment.settings[0].dataset["name"] == "mnist"
    assert experiment.settings[0].dataset["validation"] == 5000
    assert Path("experiment.schema.json").is_file()
    assert "optbench run experiment.yaml --smoke" in said


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - OWN))
def test_every_data_set_of_the_catalog_gives_an_experiment(name: str) -> None:
    code, said = init("mine.yaml", "--dataset", name)
    assert code == 0, said
    load_experiment("mine.yaml")


def test_an_optimizer_of_ones_own_is_named_from_the_experiments_folder() -> None:
    source = "from torch.optim import SGD\n\n\nclass Mine(SGD):\n    pass\n"
    Path("opt.py").write_text(source)
    code, said = init("deep/mine.yaml", "--optimizer", "opt.py:Mine", "--dataset", "digits")
    assert code == 0, said
    settings = load_experiment("deep/mine.yaml").settings
    assert str(settings[0].optimizer["name"]) == f"{Path('opt.py').resolve()}:Mine"


def test_its_comment_promises_a_time_only_where_a_dry_run_can_tell_one() -> None:
    Path("opt.py").write_text(own("lr=0.1"))
    init("mine.yaml", "--optimizer", "opt.py:Mine", "--dataset", "digits")
    init("known.yaml", "--dataset", "digits")
    promise = "\n#     what it would train, and for how long if the data are on disk\n"
    assert promise in Path("known.yaml").read_text(encoding="utf-8")
    text = Path("mine.yaml").read_text(encoding="utf-8")
    assert "\n#     what it would train\n" in text
    assert "how long" not in text


def test_its_comment_compares_with_a_rival_that_the_file_has() -> None:
    Path("opt.py").write_text(own("lr=0.1"))
    init("mine.yaml", "--optimizer", "opt.py:Mine", "--dataset", "digits")
    text = Path("mine.yaml").read_text(encoding="utf-8")
    assert "\n#   optbench compare runs/mine --reference adam\n" in text
    assert "adam" in {str(s.optimizer["name"]) for s in load_experiment("mine.yaml").settings}


def test_a_learning_rate_without_a_default_is_given_as_the_range_that_is_tried() -> None:
    Path("opt.py").write_text(own("lr, beta=0.9"))
    code, said = init("mine.yaml", "--optimizer", "./opt.py:Mine", "--dataset", "digits")
    assert code == 0, said
    first = load_experiment("mine.yaml").settings[:5]
    assert [s.optimizer["beta"] for s in first] == [0.9] * 5
    assert [s.optimizer["lr"] for s in (first[0], first[-1])] == [1e-4, 0.1]


def test_what_else_has_no_default_is_to_be_filled_in_where_a_comment_says_so() -> None:
    Path("opt.py").write_text(own("lr, rho, *, decay"))
    code, said = init("mine.yaml", "--optimizer", "./opt.py:Mine", "--dataset", "digits")
    assert code == 0, said
    want = "Mine needs rho and decay: add rho: …, decay: … to its line"
    text = Path("mine.yaml").read_text(encoding="utf-8")
    assert f"\n  # {want}\n  - {{name: './opt.py:Mine', lr:" in text
    assert f"{want}\nNext: optbench run mine.yaml --smoke" in said
    with pytest.raises(ConfigError, match="rho: is missing"):
        load_experiment("mine.yaml")
    filled = text.replace("Mine', lr", "Mine', rho: 0.9, decay: 0, lr")
    Path("mine.yaml").write_text(filled, encoding="utf-8")
    assert load_experiment("mine.yaml").settings[0].optimizer["rho"] == 0.9


def own(parameters: str) -> str:
    return (
        "from torch.optim import Optimizer\n\n\nclass Mine(Optimizer):\n"
        f"    def __init__(self, params, {parameters}):\n"
        "        super().__init__(params, {'lr': lr})\n"
    )


@pytest.mark.parametrize(
    ("file", "content", "kind"),
    [
        ("points.csv", "x,y,class\n" + "0.5,1,0\n1.5,0,1\n" * 20, "file"),
        ("book.txt", "It was a dark and stormy night. " * 200, "text"),
        ("mail.tsv", "ham\thow are you today\nspam\twin a prize now\n" * 20, "labelled-text"),
    ],
)
def test_data_of_ones_own_go_by_their_path(file: str, content: str, kind: str) -> None:
    Path(file).write_text(content)
    code, said = init("mine.yaml", "--dataset", file)
    assert code == 0, said
    assert load_experiment("mine.yaml").settings[0].dataset["name"] == kind


def test_a_folder_of_arrays_is_no_folder_of_images() -> None:
    Path("mine").mkdir()
    for name, array in (("x", np.zeros((20, 3))), ("y", np.arange(20) % 2)):
        np.save(f"mine/{name}.npy", array)
    assert init("mine.yaml", "--dataset", "mine")[0] == 0
    assert load_experiment("mine.yaml").settings[0].dataset["name"] == "file"


def test_what_it_wrote_trains() -> None:
    assert init("mine.yaml", "--dataset", "xor", "--optimizer", "reference.lion")[0] == 0
    done = python("-m", "optbench", "run", "mine.yaml", "--smoke", "--seeds", "1")
    assert done.returncode == 0, done.stderr
    assert "reference.lion" in done.stdout


def test_the_commented_claim_is_one() -> None:
    assert init("mine.yaml", "--dataset", "xor")[0] == 0
    text = Path("mine.yaml").read_text(encoding="utf-8")
    head, _, claim = text.partition("# expect:")
    body = ("expect:" + claim).replace("\n# ", "\n").replace("\n#", "\n")
    Path("mine.yaml").write_text(head + body, encoding="utf-8")
    assert len(load_experiment("mine.yaml").claims) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dataset", "minst"], "did you mean 'mnist'?"),
        (["--dataset", "my.csv"], "there is no file or folder "),
        (["--dataset", "photoz/"], "there is no file or folder "),
        (["--optimizer", "lion"], "did you mean 'reference.lion'?"),
        (["--optimizer", "./nothere.py:Mine"], "nothere.py"),
        (["--model", "nosuch"], "unknown model"),
        (["a b.yaml"], "the file's name gives the experiment's"),
        (["mine.txt"], "mine.yaml"),
        (["--dataset", "empty"], "empty"),
    ],
)
def test_mistakes_leave_nothing_behind(arguments: list[str], said: str) -> None:
    Path("empty").mkdir()
    done = CliRunner().invoke(app, ["init", *arguments])
    assert done.exit_code != 0
    assert said in str(done.exception) + done.output
    assert [path.name for path in Path().iterdir()] == ["empty"]


def test_a_file_that_is_there_stays_as_it_is() -> None:
    Path("experiment.yaml").write_text("mine")
    done = CliRunner().invoke(app, ["init"])
    told = "experiment.yaml is there already; nothing was written. Name another file, such as "
    assert str(done.exception) == f"{told}experiment_2.yaml"
    assert Path("experiment.yaml").read_text() == "mine"


def test_the_examples_come_along_from_a_clone() -> None:
    code, said = init("--examples")
    assert code == 0, said
    shipped = {path.relative_to(ROOT / "configs") for path in (ROOT / "configs").rglob("*.*")}
    assert {path.relative_to("configs") for path in Path("configs").rglob("*.*")} == shipped


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python process in the folder where the test is."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)
