from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from stored_runs import ADAM, SGD, load, make_rows, write_run, write_seeds

from optbench.analysis.baseline import compare_with_baseline
from optbench.analysis.question import Question
from optbench.errors import UsageError
from optbench.report.baseline import render_baseline
from optbench.report.formats import JUDGING_FORMATS

if TYPE_CHECKING:
    from pathlib import Path

GOOD = [0.970, 0.972, 0.968, 0.971, 0.969, 0.973, 0.967, 0.970]
LESS = [value - 0.01 - 0.0001 * seed for seed, value in enumerate(GOOD)]
NADAM, RADAM = ({**ADAM, "name": name} for name in ("nadam", "radam"))


def surroundings(torch: str) -> dict[str, Any]:
    return {"optbench": "0.1.0", "torch": torch, "device": "cpu", "threads": 1}


@pytest.fixture
def stores(tmp_path: Path) -> Path:
    """Adam identical, SGD worse, NAdam diverging, RAdam new, SGD at 0.1 missing."""
    old, new = tmp_path / "old", tmp_path / "new"
    before, after = surroundings("2.14.0"), surroundings("2.15.0")
    for root, finals, environment in ((old, GOOD, before), (new, LESS, after)):
        write_seeds(root, GOOD, environment=environment)
        write_seeds(root, finals, optimizer=SGD, environment=environment)
    write_seeds(old, GOOD[:2], optimizer=SGD | {"lr": 0.1}, environment=before)
    write_seeds(old, GOOD[:2], optimizer=NADAM, environment=before)
    for seed in range(2):
        rows = make_rows([0.1, 0.2])
        write_run(
            new,
            rows,
            optimizer=NADAM,
            seed=seed,
            status="diverged",
            declared_seeds=2,
            environment=after,
        )
    write_seeds(new, GOOD[:2], optimizer=RADAM, environment=after)
    return tmp_path


def page(stores: Path, output_format: str = "table", **options: Any) -> str:
    question = Question(**options.pop("question", {}))
    runs, baseline = load(stores / "new"), load(stores / "old")
    return render_baseline(
        compare_with_baseline(runs, baseline, question), output_format, **options
    )


def test_the_page_tells_what_changed_and_around_what(stores: Path) -> None:
    # SGD's differences are −1.00 … −1.07 points: mean −1.035, s .0245 and, as two settings
    # changed but only one is judged, the 96% t interval: ± 2.517 · .0245/√8 = .022.
    assert page(stores) == (
        "mnist · mlp 784-128-10 · cross entropy · test accuracy\n"
        "\n"
        "  setting         n       before          now  change\n"
        "  adam lr=0.001   8  97.0% ± 0.2  97.0% ± 0.2  identical\n"
        "  nadam lr=0.001  2            —            —  worse: 2 seeds diverged\n"
        "  radam lr=0.001  —            —  97.1% ± 1.3  new\n"
        "  sgd lr=0.01     8  97.0% ± 0.2  96.0% ± 0.2  worse −1.0 [−1.1, −1.0]\n"
        "  sgd lr=0.1      —  97.1% ± 1.3            —  missing\n"
        "\n"
        "± 95% t interval of the mean over seeds; [ ] 96% interval of the difference, now\n"
        "− before, in points.\n"
        "\n"
        "Completed before, not now: nadam lr=0.001 (seeds 0, 1 diverged).\n"
        "Other numbers than before, with equal settings and seeds: nadam lr=0.001 (2 of 2\n"
        "seeds), sgd lr=0.01 (8 of 8 seeds).\n"
        "The environment changed: torch 2.14.0 → 2.15.0.\n"
        "Without a run now: sgd lr=0.1.\n"
        "New, so without a before: radam lr=0.001.\n"
        "5 settings: 1 identical, 1 missing, 1 new, 2 worse.\n"
    )


def test_no_line_is_wider_than_the_terminal(stores: Path) -> None:
    for width in (40, 60, 80):
        lines = page(stores, width=width, question={"margin": 0.02}).splitlines()
        assert max(map(len, lines)) <= width


def test_a_margin_is_named_and_makes_a_small_loss_pass(stores: Path) -> None:
    text = page(stores, question={"margin": 0.02})
    assert "A loss within 2.0 points counts as equivalent (--margin)." in text
    assert "1 equivalent, 1 identical, 1 missing, 1 new, 1 worse." in text


def test_other_numbers_in_the_same_environment_are_news(tmp_path: Path) -> None:
    for root, finals in (("old", GOOD[:2]), ("new", LESS[:2])):
        write_seeds(tmp_path / root, finals, declared_seeds=2)
    text = " ".join(page(tmp_path).split())
    assert "Other numbers than before, with equal settings and seeds: adam lr=0.001 (2 of" in text
    assert "the code did, or training is not deterministic here." in text
    assert "(2 pairs cannot decide, 8 can)" in text  # the fewest at .01, of an extension


def test_seeds_without_equal_weights_are_marked(tmp_path: Path) -> None:
    hashes = {"data": "0" * 64, "initial_weights": "1" * 64, "batch_order": "2" * 64}
    write_seeds(tmp_path / "old", GOOD)
    write_seeds(tmp_path / "new", LESS, hashes=hashes)
    text = page(tmp_path)
    assert "† not paired: initial weights or batch order are not those of before." in text
    assert "worse −1.0 [−1.3, −0.8] †" in text  # Welch: s = .2 points on both sides, n = 8


def test_losses_that_spread_tenfold_are_told_as_ratios(tmp_path: Path) -> None:
    for root, factor in (("old", 1.0), ("new", 2.0)):
        for seed in range(8):
            loss = factor * 10.0 ** (seed / 3 - 3)
            rows = make_rows([0.1, 0.9], train_loss=[2.3, loss])
            write_run(tmp_path / root, rows, seed=seed, declared_seeds=8)
    text = page(tmp_path, question={"metric": "train_loss"})
    assert "worse ×2.00 [2.00, 2.00]" in text
    assert "× now through before, geometric means, with the 96% interval." in text


def test_unfinished_seeds_are_named(tmp_path: Path) -> None:
    write_seeds(tmp_path / "old", GOOD[:3])
    write_seeds(tmp_path / "new", GOOD[:2], declared_seeds=3)
    assert "Finished before, not now: adam lr=0.001 (seed 2)" in page(tmp_path)


def test_programs_get_all_of_it(stores: Path) -> None:
    document = json.loads(page(stores, "json"))
    assert (document["schema"], document["worse"]) == (1, True)
    assert document["environment"] == [{"name": "torch", "before": ["2.14.0"], "after": ["2.15.0"]}]
    (problem,) = document["problems"]
    settings = {found["label"]: found for found in problem["settings"]}
    sgd = settings["sgd lr=0.01"]
    assert (sgd["outcome"], sgd["seeds"], sgd["same"]) == ("worse", list(range(8)), [])
    assert sgd["verdict"]["p"] == 2 / 256  # eight equal signs
    assert sgd["verdict"]["interval"]["mean"] == pytest.approx(-0.01035)
    assert settings["nadam lr=0.001"]["broken"] == [0, 1]
    assert settings["adam lr=0.001"]["verdict"] is None

    rows = list(csv.DictReader(io.StringIO(page(stores, "csv"))))
    assert [row["outcome"] for row in rows] == ["identical", "worse", "new", "worse", "missing"]
    assert float(rows[3]["verdict_difference"]) == pytest.approx(-0.01035)


def test_ci_hears_a_failure_for_what_is_worse_and_nothing_else(stores: Path) -> None:
    root = ElementTree.fromstring(page(stores, "junit"))  # noqa: S314 - our own text
    kinds = {
        (case.get("name") or "").partition(":")[0]: next(child.tag for child in case)
        for case in root.iter("testcase")
    }
    assert kinds == {
        "adam lr=0.001": "system-out",
        "nadam lr=0.001": "failure",
        "radam lr=0.001": "skipped",
        "sgd lr=0.01": "failure",
        "sgd lr=0.1": "skipped",
    }


@pytest.mark.parametrize("output_format", JUDGING_FORMATS)
def test_every_format_is_the_same_bytes_each_time(stores: Path, output_format: str) -> None:
    assert page(stores, output_format) == page(stores, output_format)
    assert page(stores, output_format).endswith("\n")


def test_an_unknown_format_is_refused(stores: Path) -> None:
    with pytest.raises(UsageError, match=r"format must be one of .*, got 'xml'"):
        page(stores, "xml")
