"""What the documentation shows works as it stands there."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from optbench import load_experiment
from optbench.catalog.models import MODELS
from optbench.catalog.plugins import load

ROOT = Path(__file__).parents[1]


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A Python process in a folder, as a reader of the page would start one."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, check=False, cwd=cwd, capture_output=True, text=True)


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_example_of_an_own_model_trains(tmp_path: Path) -> None:
    _, model, *_ = blocks("docs/extending.md", "python")
    (tmp_path / "models.py").write_text(model)
    part = blocks("docs/extending.md", "yaml")[1]
    (tmp_path / "mine.yaml").write_text(f"dataset: mnist-5k\n{part}optimizer: adam\n")
    done = python("-m", "optbench", "run", "mine.yaml", "--smoke", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_examples_of_an_own_loss_metrics_and_normalization_work_together(
    tmp_path: Path,
) -> None:
    _, _, *codes, _, _ = blocks("docs/extending.md", "python")
    for name, code in zip(("focal.py", "measures.py", "scaling.py"), codes, strict=True):
        (tmp_path / name).write_text(code)
    _, _, loss, metrics, normalization = blocks("docs/extending.md", "yaml")
    (tmp_path / "base.yaml").write_text(f"model: mlp\noptimizer: adam\n{loss}")
    (tmp_path / "mine.yaml").write_text(f"extends: base.yaml\n{normalization}{metrics}")
    done = python("-m", "optbench", "run", "mine.yaml", "--smoke", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = " ".join(done.stdout.split())
    assert "FocalLoss gamma=1" in shown
    assert "normalized by by_quantiles q=0.1" in shown
    (rows,) = tmp_path.rglob("metrics.csv")
    header = rows.read_text().splitlines()[0]
    assert header.endswith("test_macro_f1,test_calibration_error,test_top_k_accuracy")


def test_the_example_that_normalizes_in_pieces_finds_what_numpy_finds(tmp_path: Path) -> None:
    *_, code, _ = blocks("docs/extending.md", "python")
    (tmp_path / "pieces.py").write_text(code)
    inputs = np.random.RandomState(0).standard_normal((250, 7)).astype(np.float32)
    inputs[:, 3] = 2  # always the same
    mean, scale = load(f"{tmp_path / 'pieces.py'}:by_feature")(np.split(inputs, 5))
    expected = inputs.std(axis=0, dtype=float)
    np.testing.assert_allclose(mean, inputs.mean(axis=0, dtype=float))
    np.testing.assert_allclose(scale, np.where(expected > 0, expected, 1))


def test_the_example_for_python_runs(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    (tmp_path / "example.py").write_text(blocks("docs/extending.md", "python")[-1])
    done = python("example.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "adam lr=0.001" in done.stdout


@pytest.mark.parametrize("page", ["README.md", "docs/experiments.md"])
def test_the_first_experiment_that_a_page_shows_is_valid(page: str, tmp_path: Path) -> None:
    (tmp_path / "shown.yaml").write_text(blocks(page, "yaml")[0])
    assert load_experiment(tmp_path / "shown.yaml").settings


def test_the_grids_that_the_documentation_counts_have_that_many_settings(tmp_path: Path) -> None:
    optimizers = blocks("docs/experiments.md", "yaml")[1]
    (tmp_path / "shown.yaml").write_text(f"dataset: mnist\nmodel: mlp\n{optimizers}")
    names = [s.optimizer["name"] for s in load_experiment(tmp_path / "shown.yaml").settings]
    assert (names.count("adam"), names.count("sgd")) == (6, 14)


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert link.startswith("https://") or (page.parent / link).exists(), (page, link)


def last_layer(name: str) -> str:
    """The last layer with parameters of a catalog model at its defaults."""
    shapes = dict.fromkeys(("gru", "lstm", "rnn"), (3, 9)) | {
        "conv1d": (1, 40),
        "cifar-cnn": (3, 32, 32),
        "transformer": (8,),
        "bag-of-words": (8,),
    }
    factory = load(MODELS[name].target)
    asked = inspect.signature(factory).parameters
    told = {"input_shape": shapes.get(name, (1, 28, 28)), "classes": 3, "vocabulary": 5}
    if len(shapes.get(name, (1, 28, 28))) > 1:
        told["vocabulary"] = None
    model = factory(**{key: value for key, value in told.items() if key in asked})
    names = [n for n, _ in model.named_parameters()]
    return str(names[-1]).rpartition(".")[0]


def test_the_page_on_fine_tuning_names_the_head_of_each_model_for_images_or_sequences() -> None:
    page = (ROOT / "docs/finetuning.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z0-9-]+`(?:, `[a-z0-9-]+`)*) \| `([^`]+)`", page, re.MULTILINE)
    heads = {name: glob for names, glob in rows for name in re.findall(r"`([^`]+)`", names)}
    known = {name: glob for name, glob in heads.items() if name in MODELS}
    assert {"mlp", "cnn", "resnet18", "vit", "gru"} <= set(known)
    assert known == {name: f"{last_layer(name)}.*" for name in known}


def test_the_experiment_that_fine_tunes_is_valid(tmp_path: Path) -> None:
    for shade, name in ((20, "cats"), (200, "dogs")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(100):
            path = tmp_path / "photos" / name / f"{number}.png"
            Image.new("RGB", (8, 8), (shade, number, 0)).save(path)
    (tmp_path / "shown.yaml").write_text(blocks("docs/finetuning.md", "yaml")[0])
    assert len(load_experiment(tmp_path / "shown.yaml").settings) == 4
