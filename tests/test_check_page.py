"""docs/check.md: what its script makes of findings; its numbers are those of its tables."""

from __future__ import annotations

import re

from check_page import MARK, PAGE, grouped, reasons

from optbench.catalog.candidate import candidate
from optbench.training.check.finding import CHECKS, NEEDED, Checked, Finding


def checked(target: str, check: str = "", reason: str = "") -> Checked:
    """One that fails a check for a reason; without, one that can be used."""
    findings = (
        Finding(name, "fails" if name == check else "works", reason or "well") for name in NEEDED
    )
    return Checked(candidate(target), None, tuple(findings))


def test_those_that_cant_be_used_are_grouped_by_reason_the_largest_group_first() -> None:
    found = [
        checked("adam"),
        checked("sgd", "resumes", "its state holds a collections.deque, where a checkpoint can't"),
        checked("rprop", "constructs", "it takes another optimizer, made before it"),
        checked("nadam", "constructs", "it takes another optimizer, made before it"),
        checked("radam", "constructs", "ZeroDivisionError: x"),
    ]
    assert list(grouped(found)) == [
        "- wrap another optimizer, which has to be made before them (2): rprop, nadam.",
        "- have a state that `torch.load(weights_only=True)` refuses (1): sgd.",
        "- fail for a reason of their own (1): radam.",
    ]
    assert list(reasons(found))[-1] == "| radam | constructs | ZeroDivisionError: x |"


def test_the_page_counts_what_its_table_shows() -> None:
    text = PAGE.read_text(encoding="utf-8")
    made = text.partition(MARK)[2].partition("## pytorch_optimizer")[2]
    counts = re.search(r"(\d+) of its (\d+) optimizers can be used", made)
    assert counts is not None
    verdicts = re.findall(r"^\| \S+ \| (yes|no) \|", made, re.MULTILINE)
    assert (verdicts.count("yes"), len(verdicts)) == (int(counts[1]), int(counts[2]))
    others = sum(int(number) for number in re.findall(r"^- .* \((\d+)\): ", made, re.MULTILINE))
    assert others == verdicts.count("no")


def test_the_page_explains_every_check() -> None:
    explained = re.findall(r"^\| (\w+) \|", PAGE.read_text(encoding="utf-8").partition(MARK)[0],
                           re.MULTILINE)  # fmt: skip
    assert explained[1:] == list(CHECKS)
