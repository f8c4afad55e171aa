from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from stored_runs import ADAM, SGD, load, make_rows, write_run, write_seeds

from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.catalog.optimizers import optimizers
from optbench.errors import UsageError
from optbench.report.methods import render_methods
from optbench.report.references import BIBTEX, DATASETS, OPTIMIZERS, SCHEDULES

if TYPE_CHECKING:
    from pathlib import Path

GOOD = [0.970, 0.972, 0.968, 0.971, 0.969, 0.973, 0.967, 0.970]
LESS = [value - 0.01 - 0.0001 * seed for seed, value in enumerate(GOOD)]
ENVIRONMENT = {"optbench": "0.1.0", "torch": "2.15.0", "device": "cpu", "threads": 1}


def methods(root: Path, output_format: str = "table", **question: Any) -> str:
    comparison = compare(load(root), Question(**question))
    return render_methods(comparison, "0.2.0", output_format, width=None)


def split(text: str) -> tuple[str, list[str]]:
    """The paragraph, and the keys of the entries."""
    prose, _, entries = text.partition("\n\n@")
    return prose, re.findall(r"^@?\w+\{(\w+),$", entries, re.MULTILINE)


def cited(prose: str) -> list[str]:
    """The keys in the order in which they are cited first."""
    found = re.findall(r"@(\w+)", prose)
    return list(dict.fromkeys(found))


@pytest.fixture
def two(tmp_path: Path) -> Path:
    write_seeds(tmp_path, GOOD, optimizer=ADAM, environment=ENVIRONMENT)
    write_seeds(tmp_path, LESS, optimizer=SGD, environment=ENVIRONMENT)
    return tmp_path


def test_the_paragraph_says_what_was_done(two: Path) -> None:
    prose, _ = split(methods(two, target=0.95))
    assert prose == (
        "We trained mlp 784-128-10 (101,770 parameters, cross entropy loss) on mnist [@lecun1998] "
        "(60,000 training and 10,000 test examples). Training took 5 epochs with mini-batches of "
        "64 and a constant learning rate. The optimizers were adam [@kingma2015] (lr 0.001) and "
        "sgd [@robbins1951] (lr 0.01); other hyperparameters kept their defaults. Every setting "
        "was trained from 8 random seeds; runs of one seed start from the same weights and see the "
        "same batches, so that settings are compared in pairs. Means over seeds are given with 95% "
        "t intervals. The difference in final test accuracy from sgd lr=0.01 was judged by the "
        "larger p value of a paired t test [@student1908] and a sign-flip permutation test of the "
        "mean [@fisher1935]. The level was 0.04. Shares of seeds won have Wilson's 95% interval "
        "[@wilson1927]. Time to target is the number of steps until an evaluation first reached a "
        "test accuracy of 95%; two settings are compared by the median ratio of their pairs, with "
        "its order-statistic interval. The runs were made with optbench 0.1.0 and PyTorch 2.15.0 "
        "[@paszke2019] on cpu (1 thread), and compared with optbench 0.2.0."
    )


def test_exactly_what_is_cited_is_listed_in_the_order_of_citation(two: Path) -> None:
    write_seeds(two, GOOD, optimizer=SGD | {"lr": 0.1, "momentum": 0.9, "nesterov": True})
    prose, entries = split(methods(two))
    assert entries == cited(prose)
    assert {"polyak1964", "sutskever2013", "holm1979"} <= set(entries)
    assert "reddi2018" not in entries


def test_selection_correction_and_grid_are_told(tmp_path: Path) -> None:
    for lr, finals in ((1e-3, GOOD), (1e-2, LESS)):
        write_seeds(tmp_path, finals, optimizer=ADAM | {"lr": lr})
        write_seeds(tmp_path, finals, optimizer=ADAM | {"lr": lr, "name": "nadam"})
    write_seeds(tmp_path, LESS, optimizer=SGD)
    prose, _ = split(methods(tmp_path))
    assert "adam [@kingma2015] (2 settings: lr 0.001 or 0.01)" in prose
    assert (
        "The best setting of each optimizer was chosen by its mean final train loss, for no "
        "validation part was held out, on the seeds that are reported." in prose
    )
    assert "with Holm's correction [@holm1979] for 2 comparisons" in prose


def test_a_schedule_and_several_budgets_are_told(tmp_path: Path) -> None:
    write_seeds(tmp_path, GOOD, schedule={"name": "cosine", "warmup": 0.05})
    write_seeds(tmp_path, GOOD, optimizer=SGD, training={"epochs": 10, "batch_size": 128})
    prose, _ = split(methods(tmp_path))
    assert (
        "Training took 5 or 10 epochs with mini-batches of 64 or 128 under the schedule cosine "
        "[@loshchilov2017] or a constant learning rate." in prose
    )


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ("full", "5 epochs with full batches"),
        (64, "5 epochs with mini-batches of 64 or full batches"),
    ],
)
def test_full_batches_are_told(tmp_path: Path, others: object, told: str) -> None:
    write_seeds(tmp_path, GOOD, training={"batch_size": "full"})
    write_seeds(tmp_path, GOOD, optimizer=SGD, training={"batch_size": others})
    assert f"Training took {told} and a constant learning rate." in split(methods(tmp_path))[0]


def test_a_diverged_seed_makes_it_a_sign_test(two: Path) -> None:
    optimizer = ADAM | {"name": "nadam"}
    for seed in range(8):
        rows = make_rows([0.1, 0.2])
        status = "completed" if seed else "diverged"
        write_run(two, rows, seed=seed, status=status, optimizer=optimizer, declared_seeds=8)
    prose, entries = split(methods(two))
    assert "Of these runs 1 of nadam lr=0.001 diverged and are missing from the means." in prose
    assert "an exact sign test [@dixon1946], in which a diverged seed loses" in prose
    assert "dixon1946" in entries


def test_seeds_that_are_not_paired_are_not_called_paired(tmp_path: Path) -> None:
    hashes = {"data": "0" * 64, "initial_weights": None, "batch_order": None}
    write_seeds(tmp_path, GOOD, hashes=hashes)
    write_seeds(tmp_path, LESS, optimizer=SGD)
    prose, _ = split(methods(tmp_path))
    assert "in pairs" not in prose
    assert "Welch's t test [@welch1947]" in prose


def test_a_margin_cites_the_two_one_sided_tests(two: Path) -> None:
    prose, _ = split(methods(two, margin=0.005))
    assert "equivalent within 0.50 points by two one-sided tests at 5% [@schuirmann1987]" in prose


def test_runs_that_were_left_out_are_not_kept_quiet(two: Path) -> None:
    prose, _ = split(methods(two, where=("seed=0,1,2",)))
    assert prose.endswith("Only runs with seed=0,1,2.")


def test_one_seed_claims_no_test(tmp_path: Path) -> None:
    write_seeds(tmp_path, GOOD[:1])
    write_seeds(tmp_path, LESS[:1], optimizer=SGD)
    prose, entries = split(methods(tmp_path))
    assert "Every setting was trained from 1 random seed;" in prose
    assert "One comparison is without a verdict (one seed)." in prose
    assert "student1908" not in entries


def test_a_stand_in_and_a_class_of_ones_own_are_told_without_a_citation(tmp_path: Path) -> None:
    write_seeds(tmp_path, GOOD, requested_dataset="imagenet", optimizer={"name": "./m.py:Mine"})
    prose, entries = split(methods(tmp_path))
    assert "mnist stood in for imagenet, which was not available." in prose
    assert "The optimizer was Mine; other" in prose
    assert entries == ["lecun1998", "paszke2019"]


def test_latex_and_markdown_cite_in_their_own_way(two: Path) -> None:
    latex, markdown = methods(two, "latex"), methods(two, "markdown")
    assert r"adam \cite{kingma2015} (lr 0.001)" in latex
    assert r"95\% t intervals" in latex
    assert all(line.startswith("%") for line in latex.partition("\n\n")[2].splitlines())
    assert "adam [@kingma2015] (lr 0.001)" in markdown
    assert markdown.endswith("}\n```\n")


def test_a_name_that_looks_like_a_citation_is_none(tmp_path: Path) -> None:
    optimizer = {"name": "./m.py:[@nobody2000]", "lr": 0.1}
    write_seeds(tmp_path, GOOD, optimizer=optimizer)
    assert r"{[}@nobody2000{]}" in methods(tmp_path, "latex")


def test_other_formats_are_refused(two: Path) -> None:
    with pytest.raises(UsageError) as caught:
        methods(two, "csv")
    assert str(caught.value) == (
        "--methods is prose: --format must be one of table, markdown, latex, got 'csv'"
    )


def test_every_optimizer_of_the_catalogue_has_a_source() -> None:
    assert set(optimizers()) <= set(OPTIMIZERS)
    assert {*OPTIMIZERS.values(), *DATASETS.values(), *SCHEDULES.values()} <= set(BIBTEX)


@pytest.mark.parametrize("key", BIBTEX)
def test_every_entry_is_whole(key: str) -> None:
    entry = BIBTEX[key]
    assert re.match(rf"@(article|inproceedings|book|misc)\{{{key},\n", entry)
    assert entry.count("{") == entry.count("}")
    assert set(re.findall(r"(\w+)\s+= \{", entry)) >= {"author", "title", "year"}
    (year,) = re.findall(r"year\s+= \{(\d{4})\}", entry)
    assert key.endswith(year)
    assert entry.isascii()
