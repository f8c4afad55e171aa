from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from experiments import command

CONFIGS = Path(__file__).parents[2] / "configs" / "trajectories"
QUICK = ("--set", "steps=5", "--set", "optimizer=[sgd,adam]")


def test_one_command_shows_the_table_and_writes_every_file(tmp_path: Path) -> None:
    outputs = [tmp_path / f"sphere{suffix}" for suffix in (".png", ".html", ".gif")]
    asked = [part for path in outputs for part in ("-o", path)]
    outcome = command("trajectory", "sphere", *QUICK, *asked)
    assert outcome.code == 0
    assert outcome.out.startswith("sphere · lr=0.1 · 5 steps from (−4, 3)\n")
    assert outcome.err == "".join(f"Written: {path}\n" for path in outputs)
    assert all(path.stat().st_size > 1000 for path in outputs)


def test_positions_are_written_as_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    assert command("trajectory", "sphere", *QUICK, "-o", path).code == 0
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 2 * 6
    second = next(row for row in rows if (row["optimizer"], row["step"]) == ("sgd", "1"))
    # x − 0.1 · 2x from (−4, 3), and what follows from that.
    told = [float(second[name]) for name in ("x", "y", "value", "grad_norm", "lr")]
    assert told == pytest.approx([-3.2, 2.4, 16, 8, 0.1])


def test_the_table_comes_in_the_usual_formats() -> None:
    outcome = command("trajectory", "sphere", *QUICK, "--format", "json")
    assert [row["optimizer"] for row in json.loads(outcome.out)["rows"]] == ["sgd", "adam"]


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_file_shows_paths(path: Path) -> None:
    outcome = command("trajectory", path)
    assert (outcome.code, outcome.err) == (0, "")


def test_the_shipped_divergence_diverges_above_two_over_the_curvature_alone() -> None:
    outcome = command("trajectory", CONFIGS / "divergence.yaml", "--format", "json")
    fates = {row["optimizer"]: row["diverged"] for row in json.loads(outcome.out)["rows"]}
    assert fates == {
        "sgd lr=0.02": False,
        "sgd lr=0.1": False,
        "sgd lr=0.19": False,
        "sgd lr=0.22": True,
    }


def test_an_unknown_ending_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    outcome = command("trajectory", "sphere", "-o", tmp_path / "a.mov")
    assert (outcome.code, outcome.out) == (2, "")
    assert "the name must end in .gif, .mp4, .html, .png" in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("bealle",), "did you mean 'beale'?"),
        (("nowhere.yaml",), "nowhere.yaml"),
        (("beale", "--set", "lr=0"), "lr: must be greater than 0, got 0"),
        (("beale", "--format", "tabel"), "did you mean 'table'?"),
        (("beale", "--set", "optimizer={name: muon}"), "muon steps matrices, and a point is none"),
    ],
)
def test_a_mistake_ends_with_2_and_no_trace(arguments: tuple[str, ...], told: str) -> None:
    outcome = command("trajectory", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err
    assert "Traceback" not in outcome.err


def test_an_optimizer_that_fails_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from torch.optim import Optimizer\n\n"
        "class Mine(Optimizer):\n"
        "    def __init__(self, params, lr: float = 1.0):\n"
        "        super().__init__(params, {'lr': lr})\n"
        "    def step(self, closure=None):\n"
        "        raise ValueError('not today')\n"
    )
    (tmp_path / "mine.yaml").write_text("objective: bowl\noptimizer: ./own.py:Mine\n")
    outcome = command("trajectory", tmp_path / "mine.yaml")
    assert (outcome.code, outcome.out) == (2, "")
    assert "Mine failed: ValueError: not today" in outcome.err


def test_help_comes_without_torch() -> None:
    code = (
        "import sys; sys.argv = ['optbench', 'trajectory', '--help']\n"
        "from optbench.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'numpy', 'vl_convert', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
