"""Code that crashes, exits or hangs is a result, and no process of it is left."""

from __future__ import annotations

import psutil
import pytest

from optbench.catalog.candidate import candidate
from optbench.errors import UsageError
from optbench.execution.examination import Examiner
from optbench.execution.signals import Interruptions
from optbench.training.check.finding import CHECKS


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Dies", "its process died (SIGSEGV)"),
        ("Exits", "raises, so that a run fails: SystemExit: 7"),
        pytest.param("Hangs", "did not end within 10 s", marks=pytest.mark.slow),
    ],
)
def test_what_ends_or_holds_up_its_process_fails_and_the_other_checks_are_made(
    name: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = psutil.Process().children()  # other tests may have left some
    with Examiner(Interruptions(), limit=10) as examiner:
        found = examiner.examine(candidate(f"broken_optimizers:{name}"))
    assert [finding.check for finding in found.findings] == list(CHECKS)
    assert {f.check: f.reason for f in found.findings if f.verdict == "fails"} == {"nan": reason}
    assert found.usable
    assert capfd.readouterr() == ("", "")
    assert psutil.Process().children() == before


def test_of_one_that_cant_be_made_nothing_else_is_tried_and_the_next_is_checked() -> None:
    with Examiner(Interruptions()) as examiner:
        found = [examiner.examine(candidate(f"broken_optimizers:{n}")) for n in ("Wraps", "Sound")]
    assert [finding.check for finding in found[0].findings] == ["constructs"]
    assert [one.usable for one in found] == [False, True]


def test_what_the_first_checks_settled_is_known_after_a_death() -> None:
    with Examiner(Interruptions()) as examiner:
        found = examiner.examine(candidate("broken_optimizers:DiesOfMatrices"))
    fails = {
        finding.check: finding.reason
        for finding in found.findings[7:]
        if finding.verdict == "fails"
    }
    assert fails == {
        "nan": "its process died (SIGSEGV)",
        "shapes": "does not take vectors: ValueError: matrices only",
    }


def test_no_time_is_refused() -> None:
    with pytest.raises(UsageError, match="a time limit must be greater than 0, got -1"):
        Examiner(Interruptions(), limit=-1)
