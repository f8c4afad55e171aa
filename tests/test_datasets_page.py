"""The examples of docs/datasets.md, in a folder that has what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from experiments import command
from PIL import Image
from test_docs import blocks

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "docs/datasets.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    filling, function = blocks(PAGE, "python")
    (tmp_path / "data.py").write_text(function)
    (tmp_path / "book.txt").write_text(
        "Call me Ishmael. Some years ago, never mind how long. " * 200
    )
    messages = [
        f"{('ham', 'spam')[i % 2]}\t{('see you', 'win money')[i % 2]} {i}" for i in range(90)
    ]
    (tmp_path / "messages.tsv").write_text("\n".join(messages))
    rows = [f"{i / 10},{i % 7},{'setosa' if i % 2 else 'virginica'}" for i in range(90)]
    (tmp_path / "iris.csv").write_text("\n".join(["length,width,species", *rows]))
    houses = [f"{i % 9},{i},{1000 * i}" for i in range(90)]
    (tmp_path / "houses.csv").write_text("\n".join(["rooms,area,price", *houses]))
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(10):
            Image.new("RGB", (40, 30), (i, 0, 0)).save(tmp_path / "photos" / name / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos_as_arrays").mkdir()
    images = np.random.RandomState(0).randint(0, 256, (100, 3, 32, 32))
    exec(filling, {"np": np, "n": 100, "images": images})  # noqa: S102
    np.save("photos_as_arrays/x_test.npy", images[:20].astype(np.uint8))
    for part, n in (("train", 100), ("test", 20)):
        np.save(f"photos_as_arrays/y_{part}.npy", np.arange(n) % 2)
    monkeypatch.setenv("OPTBENCH_DATA", str(tmp_path / "none"))
    return tmp_path


@pytest.mark.parametrize("number", range(14))
def test_each_experiment_that_the_page_shows_trains(number: int, folder: Path) -> None:
    (folder / "shown.yaml").write_text(blocks(PAGE, "yaml")[number])
    outcome = command("run", folder / "shown.yaml", "--smoke", "--runs-dir", folder / "runs")
    assert outcome.code == 0, outcome.err


def test_all_of_them_are_tried() -> None:
    assert len(blocks(PAGE, "yaml")) == 14
