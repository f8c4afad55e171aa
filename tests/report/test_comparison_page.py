from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, NoReturn

import pytest
from stored_runs import ADAM, SGD, load, make_rows, write_run, write_seeds

from optbench.analysis.comparison import compare
from optbench.report.comparison import render
from optbench.report.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

# scipy.stats: ttest_1samp of each and of the differences gives ± 0.0632, ± 0.0632 and
# [5.911, 6.089] points.
ADAM_FINALS = [0.975, 0.976, 0.974, 0.975, 0.976, 0.974, 0.975, 0.975]
SGD_FINALS = [0.915, 0.915, 0.914, 0.916, 0.914, 0.915, 0.916, 0.915]
PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 8 paired seeds

                                             test       epochs
  optimizer  lr     n     train loss     accuracy       to 95%  vs sgd
  adam       0.001  8  0.025 ± 0.001  97.5% ± 0.1      1 (8/8)  +6.0 [5.9, 6.1]
  sgd        0.01   8  0.085 ± 0.001  91.5% ± 0.1  never (0/8)  reference

± 95% t interval of the mean over seeds; [ ] 95% t interval of the paired
difference, in points.

adam against sgd, test accuracy: +6.0 points [5.9, 6.1], 95% t interval of 8
paired differences.
adam reached 95% in every seed at epoch 1, sgd in none within 2 epochs.
"""


def page(root: Path, output_format: str = "table", **options: object) -> str:
    return render(compare(load(root), **options), output_format)  # type: ignore[arg-type]


def refuse_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is not JSON")


@pytest.fixture
def eight_seeds(tmp_path: Path) -> Path:
    for optimizer, finals in ((ADAM, ADAM_FINALS), (SGD, SGD_FINALS)):
        for seed, final in enumerate(finals):
            rows = make_rows([0.1, final - 0.02, final], train_loss=[2.3, 0.5, 1 - final])
            write_run(tmp_path, rows, optimizer=optimizer, seed=seed, declared_seeds=8)
    return tmp_path


def test_eight_paired_seeds_make_this_page(eight_seeds: Path) -> None:
    assert page(eight_seeds, target=0.95) == PAGE


def test_one_seed_each_gives_points_and_no_interval_and_says_what_would(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.976])
    write_seeds(tmp_path, [0.915], optimizer=SGD, experiment="sgd_mnist")
    text = page(tmp_path)
    assert "±" not in text
    assert "· one seed\n" in text
    assert re.search(r"adam +0\.001 +1 +0\.048 +97\.6% +1 +\+6\.1 points\n", text)
    assert text.endswith(
        "adam's test accuracy is 6.1 points above sgd's.\n"
        "adam reached 91.5% at epoch 1, sgd at epoch 2.\n"
        "One seed each, so no verdict: --seeds 8 gives one.\n"
    )


def test_a_lower_loss_is_negative_with_a_true_minus_sign(eight_seeds: Path) -> None:
    # The losses were made as 1 − accuracy: −0.060, and ± 0.0009 as in points.
    assert "−0.060 [−0.061, −0.059]" in page(eight_seeds, metric="train_loss")


def test_unpaired_means_are_marked_and_explained(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.97, 0.98])
    for seed, final in enumerate([0.91, 0.92]):
        hashes = {"data": "0" * 64, "initial_weights": None, "batch_order": None}
        write_run(tmp_path, make_rows([0.1, final]), optimizer=SGD, seed=seed, hashes=hashes)
    text = page(tmp_path)
    assert "] †\n" in text
    assert "† not paired" in text
    assert "Welch's 95% interval, not paired" in " ".join(text.split())
    assert "paired seeds" not in text


def test_divergence_is_told_in_the_row_and_below(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.97, 0.98])
    for seed in (0, 1):
        rows = make_rows([0.1, 0.1], train_loss=[2.3, float("nan")])
        write_run(tmp_path, rows, optimizer=SGD, seed=seed, status="diverged", declared_seeds=2)
    text = page(tmp_path)
    assert re.search(r"sgd .* 0 of 2 .* diverged", text)
    assert "Diverged: sgd lr=0.01 (2 of 2).\n" in text
    assert "The reference, sgd lr=0.01, has no completed seed" in text
    assert "nan" not in text


def test_a_stand_in_data_set_is_announced(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]), requested_dataset="mnist", problem="mnist-5k · mlp")
    text = " ".join(page(tmp_path).split())
    assert text.startswith("mnist-5k · mlp")
    assert "They are never compared with runs on mnist." in text


def test_how_the_upper_rows_were_selected_is_said(tmp_path: Path) -> None:
    for lr in (0.01, 0.1):
        write_seeds(tmp_path, [0.9 + lr], optimizer=SGD | {"lr": lr}, experiment=f"sgd{lr}")
    text = " ".join(page(tmp_path).split())
    assert "best of each optimizer by final train loss, for no validation part was held" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_wide_comparisons_stay_within_the_terminal(tmp_path: Path, width: int) -> None:
    for index in range(12):
        for lr in (0.001, 0.1):
            for seed in (0, 1):
                final = 0.9 + index / 200 - lr / 10 + seed / 1000
                optimizer = {
                    "name": f"./my_own_optimizers.py:Optimizer{index}",
                    "lr": lr,
                    "betas": [0.9, 0.99 + index / 10_000],
                    "weight_decay": lr / 7,
                }
                rows = make_rows([0.1, final], val_loss=[2.3, 1 - final])
                write_run(tmp_path, rows, optimizer=optimizer, seed=seed, declared_seeds=2)
    text = render(compare(load(tmp_path)), width=width)
    assert max(map(len, text.splitlines())) <= width
    # 0.9 + 11/200 − 0.001/10 and 0.001 more: 95.49 and 95.59, t(.975, 1) · s / √2 = 0.64.
    assert "95.5% ± 0.6" in text


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_strangers_names_cant_steer_the_terminal(tmp_path: Path, output_format: str) -> None:
    nasty = "\x1b[2J\x9b\u202e=cmd()\n|<b>"
    optimizer = {"name": f"=1+1{nasty}", "lr": 0.1, nasty: nasty}
    rows = make_rows([0.1, 0.9])
    write_run(tmp_path, rows, optimizer=optimizer, problem=nasty, requested_dataset=nasty)
    text = page(tmp_path, output_format)
    assert not {"\x1b", "\x9b", "\u202e"} & set(text)
    if output_format == "csv":
        (record,) = csv.DictReader(io.StringIO(text))
        assert record["optimizer"].startswith("'=1+1")


def test_csv_has_a_record_a_setting_at_full_precision(eight_seeds: Path) -> None:
    adam, sgd = csv.DictReader(io.StringIO(page(eight_seeds, "csv", target=0.95)))
    assert (adam["optimizer"], adam["hyperparameter.lr"], adam["completed"]) == (
        "adam",
        "0.001",
        "8",
    )
    assert float(adam["test_accuracy"]) == pytest.approx(0.975, abs=1e-15)
    assert float(adam["difference_low"]) == pytest.approx(0.059106256, abs=1e-9)
    assert (adam["paired"], adam["difference_n"], sgd["reference"]) == ("true", "8", "true")
    assert (adam["median_steps_to_target"], sgd["median_steps_to_target"]) == ("938.0", "inf")
    assert sgd["difference"] == ""


def test_json_is_strict_and_holds_what_the_table_shows(eight_seeds: Path) -> None:
    text = page(eight_seeds, "json", target=0.95)
    document = json.loads(text, parse_constant=refuse_constant)
    assert (document["schema"], document["confidence"]) == (1, 0.95)
    (found,) = document["problems"]
    adam, sgd = found["settings"]
    assert (found["reference"], found["target"]) == ("sgd lr=0.01", 0.95)
    assert adam["difference"]["seeds"] == list(range(8))
    assert adam["difference"]["high"] == pytest.approx(0.060893744, abs=1e-9)
    assert sgd["to_target"]["median_epoch"] is None  # never
    assert adam["to_target"]["seeds"][0] == {"seed": 0, "epoch": 1, "steps": 938}


def test_markdown_is_a_github_table(eight_seeds: Path) -> None:
    lines = page(eight_seeds, "markdown", target=0.95).splitlines()
    assert lines[0] == "### mnist · mlp 784-128-10 · cross entropy · 8 paired seeds"
    assert lines[2] == (
        "| optimizer | lr | n | train loss | test accuracy | epochs to 95% | vs sgd |"
    )
    assert lines[3] == "| --- | --- | ---: | ---: | ---: | ---: | --- |"
    assert lines[5] == (
        "| sgd | 0.01 | 8 | 0.085 ± 0.001 | 91.5% ± 0.1 | never (0 of 8) | reference |"
    )


def test_many_contrasts_are_left_to_the_table(tmp_path: Path) -> None:
    for name in ("sgd", "a", "b", "c", "d", "e"):
        write_seeds(tmp_path, [0.9], optimizer={"name": name, "lr": 0.1}, experiment=name)
    assert page(tmp_path).endswith(
        "The last column says how far each setting is from sgd lr=0.1.\n"
        "One seed each, so no verdict: --seeds 8 gives one.\n"
    )
