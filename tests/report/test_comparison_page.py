from __future__ import annotations

import csv
import io
import itertools
import json
import re
from typing import TYPE_CHECKING, NoReturn

import pytest
from stored_runs import ADAM, SGD, digest, load, make_rows, write_run, write_seeds

from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.report.comparison import render
from optbench.report.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

# scipy.stats: ttest_1samp of each and of the differences gives ± 0.0632, ± 0.0632 and, at 96%,
# [5.905, 6.095] points.
ADAM_FINALS = [0.975, 0.976, 0.974, 0.975, 0.976, 0.974, 0.975, 0.975]
SGD_FINALS = [0.915, 0.915, 0.914, 0.916, 0.914, 0.915, 0.916, 0.915]
PAGE = """\
mnist · mlp 784-128-10 · cross entropy · 8 paired seeds

                       train         test   steps
  optimizer  lr     n   loss     accuracy  to 95%  verdict  vs sgd
  adam       0.001  8  0.025  97.5% ± 0.1     938  better   +6.0 [5.9, 6.1]
  sgd        0.01   8  0.085  91.5% ± 0.1   never           reference

± 95% t interval of the mean over seeds; [ ] 96% interval of the paired
difference, in points.

adam's test accuracy is better than sgd's: +6.0 points (5.9 to 6.1, p = .008;
better in 8 of 8 seeds, P(better) .68 to 1).
adam reached 95% in every seed at step 938, sgd in none within 1,876 steps.

Verdicts are about these settings and seeds on this test set, not about new data
or all that an optimizer can do.
"""
NO_VERDICT = "One seed each, so no verdict.\nFor a verdict, 8 seeds of each:\n  optbench run "


def page(root: Path, output_format: str = "table", **options: object) -> str:
    return render(compare(load(root), Question(**options)), output_format)  # type: ignore[arg-type]


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
    assert page(eight_seeds, target=0.95, reference="sgd") == PAGE


def test_one_seed_each_gives_points_and_no_interval_and_says_what_would(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.976])
    write_seeds(tmp_path, [0.915], optimizer=SGD, experiment="sgd_mnist")
    text = page(tmp_path)
    assert "±" not in text
    assert "· one seed\n" in text
    assert re.search(r"adam +0\.001 +1 +0\.048 +97\.6% +938 +\+6\.1 points\n", text)
    assert (
        "adam's test accuracy is 6.1 points above sgd's.\n"
        "adam reached 91.5% at step 938, sgd at step 1,876.\n" + NO_VERDICT
    ) in text


def test_a_lower_loss_is_negative_with_a_true_minus_sign(eight_seeds: Path) -> None:
    # The losses were made as 1 − accuracy: −0.060, and ± 0.0009 as in points.
    assert "−0.060 [−0.061, −0.059]" in page(eight_seeds, metric="train_loss")


def test_unpaired_means_are_marked_and_explained(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.97, 0.98])
    for seed, final in enumerate([0.91, 0.92]):
        hashes = {"data": "0" * 64, "initial_weights": None, "batch_order": None}
        trained = {"optimizer": SGD, "declared_seeds": 2, "hashes": hashes}
        write_run(tmp_path, make_rows([0.1, final]), seed=seed, **trained)
    text = page(tmp_path)
    assert "] †\n" in text
    told = " ".join(text.split())
    assert "† pairing was not possible" in told
    assert "two means with Welch's 96% interval." in told
    assert "paired seeds" not in text


def test_divergence_is_told_in_the_row_and_below(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.97, 0.98])
    for seed in (0, 1):
        rows = make_rows([0.1, 0.1], train_loss=[2.3, float("nan")])
        write_run(tmp_path, rows, optimizer=SGD, seed=seed, status="diverged", declared_seeds=2)
    text = page(tmp_path)
    assert re.search(r"sgd .* 0 of 2 .* diverged", text)
    assert "Diverged: sgd lr=0.01 (2 of 2).\n" in text
    told = "adam against sgd, test accuracy: undecided, median +∞ points; 2 pairs cannot reach"
    assert told in " ".join(text.split())
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
    assert "The first row is the best of each optimizer by final train loss, for no vali" in text


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
    text = render(compare(load(tmp_path), Question()), width=width)
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
    assert adam["to_target"]["seeds"][0] == {
        "seed": 0,
        "epoch": 1,
        "steps": 938,
        "examples": 60_000,
        "seconds": None,
    }


def test_markdown_is_a_github_table(eight_seeds: Path) -> None:
    lines = page(eight_seeds, "markdown", target=0.95).splitlines()
    assert lines[0] == "### mnist · mlp 784-128-10 · cross entropy · 8 paired seeds"
    assert lines[2] == (
        "| optimizer | lr | n | train loss | test accuracy | steps to 95% | verdict | vs sgd |"
    )
    assert lines[3] == "| --- | --- | ---: | ---: | ---: | ---: | --- | --- |"
    assert lines[5] == (
        "| sgd | 0.01 | 8 | 0.085 ± 0.001 | 91.5% ± 0.1 | never (0 of 8) |  | reference |"
    )


def test_many_contrasts_are_left_to_the_table(tmp_path: Path) -> None:
    for name in ("sgd", "a", "b", "c", "d", "e"):
        write_seeds(tmp_path, [0.9], optimizer={"name": name, "lr": 0.1}, experiment=name)
    told = "The last column says how far each setting is from sgd lr=0.1.\n" + NO_VERDICT
    assert told in page(tmp_path)


def title(root: Path) -> str:
    return page(root).partition("\n")[0].rpartition(" · cross entropy · ")[2]


def contrast(root: Path, **options: object) -> str:
    """The closing sentences in one line, without what verdicts are about."""
    text = page(root, **options).partition("\nVerdicts are about")[0]  # type: ignore[arg-type]
    return " ".join(text.rstrip().split("\n\n")[-1].split())


def test_a_difference_that_rests_on_one_pair_is_no_ground_for_a_verdict(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.97, 0.98, 0.975])
    write_seeds(tmp_path, [0.91], optimizer=SGD, experiment="b")
    assert title(tmp_path) == "3 and 1 seeds, 1 in common"
    assert "| +6.0 points (one pair) |" in page(tmp_path, "markdown")
    assert re.search(r"adam .* \+6\.0 pts \(one pair\)\n", page(tmp_path))
    told = "adam's test accuracy is 6.0 points above sgd's: one pair, no verdict."
    assert contrast(tmp_path).startswith(told)


def test_a_single_seed_that_is_not_paired_is_no_ground_for_a_verdict_either(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.97, 0.98])
    write_run(tmp_path, make_rows([0.1, 0.91]), optimizer=SGD, seed=7)
    assert title(tmp_path) == "2 and 1 seeds, none in common"
    # The mean of 97 and 98 minus 91.
    assert "| +6.5 points (one seed) † |" in page(tmp_path, "markdown")
    told = "adam's test accuracy is 6.5 points above sgd's: one seed, no verdict."
    assert contrast(tmp_path).startswith(told)
    assert "Welch" not in page(tmp_path)  # there is no interval to name


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        ([(0, 1), (0, 1)], "2 paired seeds"),
        ([(0, 1, 2), (1, 2, 3)], "3 seeds each, 2 in common"),
        ([(0,), (1,)], "one seed each, none in common"),
        ([(0,), (0,)], "one seed"),
        ([(0, 1, 2), (0, 1), (0,)], "1 to 3 seeds, 1 in common"),
    ],
)
def test_the_title_says_how_many_seeds_and_how_many_of_them_are_shared(
    tmp_path: Path, seeds: list[tuple[int, ...]], told: str
) -> None:
    for name, numbers in zip(("sgd", "adam", "adagrad"), seeds, strict=False):
        for seed in numbers:
            write_run(tmp_path, make_rows([0.1, 0.9]), optimizer={"name": name}, seed=seed)
    assert title(tmp_path) == told


def test_what_was_taken_by_default_is_said_as_the_options_take_it(eight_seeds: Path) -> None:
    # The least of sgd's finals is 0.914.
    assert "\nBy default --reference sgd; --target 0.914, its worst final test accuracy.\n" in page(
        eight_seeds
    )
    assert "\nBy default --reference sgd.\n" in page(eight_seeds, target=0.95)
    assert "\nBy default --target 0.974, adam's worst final test accuracy.\n" in page(
        eight_seeds, reference="adam"
    )
    assert "By default" not in page(eight_seeds, reference="sgd", target=0.95)


def test_a_setting_without_company_has_no_time_to_a_target_of_its_own(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.97, 0.98])
    text = page(tmp_path)
    assert "steps to" not in text
    assert "By default" not in text
    assert "steps to 90%" in page(tmp_path, target=0.9)


def grid(root: Path, names: list[str], *, seeds: int = 2) -> None:
    """Two learning rates of each optimizer with validation; the same final for all."""
    for name in names:
        for lr in (0.1, 0.01):
            for seed in range(seeds):
                rows = make_rows([0.1, 0.9 - seed / 100], val_loss=[2.3, 0.4 + lr])
                write_run(root, rows, optimizer={"name": name, "lr": lr}, seed=seed)


def headers(text: str) -> str:
    """The table's header lines."""
    return " ".join(text.split("\n\n")[1].partition("  adam ")[0].split())


@pytest.mark.parametrize("width", [120, 80, 74, 68])
def test_what_ranks_the_rows_is_always_in_the_table(tmp_path: Path, width: int) -> None:
    grid(tmp_path, ["adam", "sgd"])
    text = render(compare(load(tmp_path), Question()), width=width)
    assert "0.410" in text  # the validation loss of lr=0.01, which is the better one
    assert ("val accuracy" in headers(text)) is (width == 120)
    told = " ".join(text.split())
    assert "optimizer lr" in told  # no stacked rows


def test_a_narrow_table_loses_validation_accuracy_first_and_the_target_last(tmp_path: Path) -> None:
    grid(tmp_path, ["adam", "sgd"])
    gone = []
    for width in range(120, 45, -1):
        text = " ".join(render(compare(load(tmp_path), Question()), width=width).split())
        told = re.search(r"Left out for want of width: (.*?)\. ", text)
        if told and told[1] not in gone:
            gone.append(told[1])
    assert gone == [
        "val accuracy",
        "train loss, val accuracy",
        "train loss, val accuracy, steps to 89%",
    ]


def test_without_its_column_a_target_that_no_sentence_mentions_is_not_explained(
    tmp_path: Path,
) -> None:
    names = ["adam", "sgd", "adagrad", "nadam", "radam", "adamax"]
    grid(tmp_path, names)
    wide, narrow = (render(compare(load(tmp_path), Question()), width=width) for width in (80, 70))
    assert "By default --reference sgd; --target 0.89, its worst" in " ".join(wide.split())
    assert "By default --reference sgd.\n" in narrow
    assert "89%" not in narrow.partition("Left out")[0]


def test_the_target_of_the_sentences_stays_explained_without_its_column(tmp_path: Path) -> None:
    grid(tmp_path, ["adam", "sgd"])
    text = " ".join(render(compare(load(tmp_path), Question()), width=70).split())
    assert "steps to 89%." in text.partition("Left out")[2]
    assert "--target 0.89, its worst final test accuracy" in text


def test_train_loss_stays_where_it_ranks_the_rows(eight_seeds: Path) -> None:
    text = render(compare(load(eight_seeds), Question(metric="test_loss")), width=80)
    assert "0.025" in text
    assert "test accuracy" in " ".join(text.split()).partition("Left out")[2]


@pytest.mark.parametrize(
    ("finals", "shown"),
    [
        ([0.9, 0.9], "938 (2 of 2)"),
        ([0.9, 0.5], "1 of 2"),
        ([0.9, 0.9, 0.5], "938 (2 of 3)"),
        ([0.5, 0.5], "never (0 of 2)"),
    ],
)
def test_times_are_medians_where_more_than_half_arrived_and_never_where_none_did(
    tmp_path: Path, finals: list[float], shown: str
) -> None:
    write_seeds(tmp_path, [0.5] * len(finals), start=0.5, optimizer=SGD, experiment="b")
    for seed, final in enumerate(finals):
        write_run(tmp_path, make_rows([0.1, final]), seed=seed, declared_seeds=len(finals))
    text = page(tmp_path, "markdown", target=0.9)
    assert f"| {shown} |" in next(line for line in text.splitlines() if "adam |" in line)


@pytest.mark.parametrize(
    ("adam", "sgd", "told"),
    [
        ([0.9], [0.5], "adam reached 90% at step 938, sgd not within 938 steps."),
        ([0.5], [0.9], "adam did not reach 90% within 938 steps; sgd did, at step 938."),
        ([0.5], [0.5], "Neither adam nor sgd reached 90% within 938 steps."),
        ([0.5, 0.5], [0.9, 0.5], "adam did not reach 90% in any seed within 938 steps; sgd did, in "
         "1 of 2 seeds at step 938."),
    ],
)  # fmt: skip
def test_who_reached_the_target_is_told_in_whole_sentences(
    tmp_path: Path, adam: list[float], sgd: list[float], told: str
) -> None:
    for optimizer, finals in ((ADAM, adam), (SGD, sgd)):
        for seed, final in enumerate(finals):
            write_run(tmp_path, make_rows([0.1, final]), optimizer=optimizer, seed=seed)
    assert told in contrast(tmp_path, target=0.9)


def test_horizons_that_differ_are_both_named(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.5]))
    write_run(tmp_path, make_rows([0.1, 0.5, 0.5]), optimizer=SGD)
    told = "Neither adam nor sgd reached 90% within 938 and 1,876 steps."
    assert told in contrast(tmp_path, target=0.9)


def test_a_problem_without_the_metric_says_so_and_nothing_false(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.97, 0.98])
    write_seeds(tmp_path, [0.91, 0.92], optimizer=SGD, experiment="b")
    rows = make_rows([0.1, 0.9], val_loss=[2.3, 0.4])
    write_run(tmp_path, rows, problem="digits (200 for validation)", experiment="digits")
    text = page(tmp_path, metric="val_accuracy", target=0.5)
    assert "These runs record no validation accuracy.\n" in text
    assert "no completed seed" not in text


def test_long_values_are_cut_and_parameter_groups_counted(tmp_path: Path) -> None:
    groups = [{"match": "*.bias", "lr": 0.1}, {"match": "norm.*", "weight_decay": 0}]
    name = "an_optimizer_with_a_long_name"
    for optimizer in (
        ADAM,
        ADAM | {"groups": groups},
        SGD,
        {"name": name, "mode": "quite-a-lot-" * 9},
    ):
        for seed in (0, 1):
            rows = make_rows([0.1, 0.9 + seed / 100], val_loss=[2.3, 0.5])
            labels = {"problem": "mnist", "setting": f"{optimizer['name']} mode=x"}
            write_run(tmp_path, rows, optimizer=optimizer, seed=seed, labels=labels)
    lines = render(compare(load(tmp_path), Question()), width=110).splitlines()
    assert re.match(r"  optimizer +lr +groups +mode", next(line for line in lines if "lr" in line))
    assert any(re.match(r"  adam +0\.001 +2 +2 ", line) for line in lines)
    assert any(line.startswith("  an_optimizer_wi…  ") for line in lines)
    assert any("quite-a-lot-qui…" in line for line in lines)


def test_differences_have_the_same_decimals_in_all_rows(tmp_path: Path) -> None:
    finals = {"sgd": 0.771, "adam": 0.770, "adamax": 0.760, "adagrad": 0.771, "nadam": 0.899}
    for name, final in finals.items():
        write_seeds(tmp_path, [final], optimizer={"name": name, "lr": 0.1}, experiment=name)
    found = re.findall(r"\| ([+−]?[\d.]+) points \|", page(tmp_path, "markdown"))
    assert sorted(found) == ["+12.8", "0.0", "−0.1", "−1.1"]


def test_huge_differences_are_in_powers_of_ten(tmp_path: Path) -> None:
    for seed in range(3):
        for name, loss in (("sgd", 0.5), ("adam", 618_220.5 + 1000 * seed), ("nadam", 0.75)):
            rows = make_rows([0.1, 0.9], train_loss=[2.3, loss])
            write_run(tmp_path, rows, optimizer={"name": name}, seed=seed, declared_seeds=3)
    text = page(tmp_path, metric="train_loss")
    # s = 1000, n = 3, two comparisons, at 98%: 619,220 ± 6.964557 · 1000 / √3 = 4,021.
    assert "+6.19e+05 [6.15e+05, 6.23e+05]" in text
    assert "+0.250 [0.250, 0.250]" in text
    told = "adam against sgd, train loss: undecided, +6.19e+05 (6.15e+05 to 6.23e+05)."
    assert told in " ".join(text.split())


def test_a_papers_table_says_nothing_of_the_command_that_made_it(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.97, 0.96])
    write_seeds(tmp_path, [0.91, 0.92], optimizer=SGD, experiment="b")
    assert "By default --reference sgd" in page(tmp_path)
    text = page(tmp_path, "latex")
    assert "By default" not in text
    assert r"\caption{mnist $\cdot$" in text


def test_runs_of_two_lengths_are_one_table_of_80_columns(tmp_path: Path) -> None:
    optimizers = (ADAM, SGD, SGD | {"momentum": 0.9})
    for (number, optimizer), epochs, seed in itertools.product(
        enumerate(optimizers), (1, 2), range(4)
    ):
        finals = [0.1, 0.8 + number / 100 + seed / 1000, 0.9 + number / 100 + seed / 1000]
        rows = make_rows(finals[: epochs + 1], val_loss=[2.3, 0.4, 0.3][: epochs + 1])
        training = {"epochs": epochs}
        write_run(tmp_path, rows, optimizer=optimizer, seed=seed, training=training)
    table = page(tmp_path).split("\n\n")[1:3]
    assert [line.split()[:2] for line in table[0].splitlines()[1:]] == [
        ["optimizer", "n"],
        *(["adam", "4"], ["lr", "0.001"]),
        *(["momentum", "4"], ["lr", "0.01"]),
        *(["sgd", "4"], ["lr", "0.01"]),
    ]
    assert table[0].splitlines()[3] == "    lr 0.001   epochs 2"
    assert table[1].splitlines()[-1] == "    lr 0.01   epochs 1   momentum 0"
    assert max(map(len, page(tmp_path).splitlines())) <= 80


def test_settings_that_only_their_code_tells_apart_have_no_row_alike(tmp_path: Path) -> None:
    mine = ADAM | {"name": "/a/mine.py:Mine"}
    for number, code in enumerate(("before", "after")):
        changes = {"setting": digest(code), "run": digest(f"run of {code}")}
        write_run(tmp_path, make_rows([0.1, 0.9 + number / 50]), optimizer=mine, **changes)
    write_run(tmp_path, make_rows([0.1, 0.8]), optimizer=SGD)
    text = page(tmp_path)
    rows = re.findall(r"^  (Mine #\w{6})  ", text, re.MULTILINE)
    assert rows == [f"Mine #{digest(code)[:6]}" for code in ("after", "before")]
    assert "# settings of one name and the same values: of another file, or of code" in text
    assert "#" not in re.sub(r"Mine #\w+|# settings", "", text)
