"""A tenth of what docs/statistics.md shows, and whether the page shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import verdict_simulations as verdicts
from coverage_simulation import coverage
from simulate_verdicts import DOCS, PAGE, STUDIES, TABLE, as_csv, from_csv
from verdict_page import BLOCK, filled
from verdict_simulations import Count

from optbench.analysis.statistics.draws import named_generator

if TYPE_CHECKING:
    from verdict_simulations import Study

SHOWN = from_csv(TABLE.read_text(encoding="utf-8"))
ERRORS = 4  # standard errors that a tenth may be off


def tenth(study: Study) -> list[Count]:
    return study(STUDIES[study] // 10)


def not_above(count: Count, limit: float) -> bool:
    """Whether the whole Wilson interval is within the limit."""
    return count.share.high is not None and count.share.high <= limit


def test_a_verdict_on_eight_pairs_is_false_in_no_more_than_5_percent() -> None:
    found = [count for count in tenth(verdicts.nothing_differs) if count.n == 8]
    assert len(found) == len(verdicts.SYMMETRIC)
    assert all(not_above(count, 0.05) for count in found)


def test_nor_is_one_at_the_second_look() -> None:
    assert all(not_above(count, 0.05) for count in tenth(verdicts.two_looks))


def test_nor_any_of_six() -> None:
    counts = tenth(verdicts.several)
    assert all(not_above(count, 0.05) for count in counts if count.case == "Holm")
    assert not any(not_above(count, 0.05) for count in counts if count.case == "uncorrected")


def test_one_standard_deviation_is_found_as_often_as_the_limits_say() -> None:
    expected = {6: 0.32, 8: 0.60, 10: 0.75, 12: 0.85}  # the statistics page, to the percent
    for count in tenth(verdicts.power):
        low, high = count.share.low, count.share.high
        assert low is not None
        assert high is not None
        if count.effect == 1.0:
            assert low - 0.005 <= expected[count.n] <= high + 0.005


def test_the_seeds_asked_for_find_what_they_are_asked_for() -> None:
    for count in tenth(verdicts.power_promised):
        assert count.share.high is not None
        assert count.share.high >= 0.8


def test_one_seed_in_four_fewer_would_find_less() -> None:
    random = named_generator("test: fewer seeds than asked for")
    found = verdicts.decided(random.normal(1.0, 1, size=(5_000, 9)), 0.04)  # 12 are asked for
    assert not_above(Count("", "", 9, 1.0, int(found.sum()), 5_000), 0.8)


def test_skewed_differences_break_it_as_the_limits_say() -> None:
    ten = {count.case: count.share for count in tenth(verdicts.skewed) if count.n == 10}
    assert 0.07 <= ten["exponential"].share <= ten["lognormal"].share <= 0.14 + 0.01


def test_comparing_losses_as_logarithms_keeps_its_5_percent() -> None:
    counts = [count for count in tenth(verdicts.log_loss) if "compare does" in count.case]
    assert len(counts) == 6
    assert all(not_above(count, 0.05) for count in counts)


def test_choosing_and_judging_on_the_same_seeds_breaks_it_and_fresh_seeds_mend_it() -> None:
    for count in tenth(verdicts.selection):
        if count.case == "fresh seeds":
            assert not_above(count, 0.05)
        elif count.effect == 1.0:
            assert 0.06 <= count.share.share <= 0.10


def test_adding_seeds_until_it_fits_errs_as_often_as_the_limits_say() -> None:
    found = {count.n: count.share.share for count in tenth(verdicts.until_it_fits)}
    assert found[8] == pytest.approx(0.10, abs=0.01)  # 10–23%: three further seeds,
    assert found[30] == pytest.approx(0.23, abs=0.015)  # … twenty-five


@pytest.mark.parametrize("study", [verdicts.diverging, verdicts.equivalence])
def test_signs_and_equivalence_keep_their_5_percent(study: Study) -> None:
    for count in tenth(study):
        assert count.share.low is not None
        assert count.share.low <= 0.05


def test_t_intervals_hold_the_mean_and_bootstraps_of_five_do_not() -> None:
    five = {count.case: count.share for count in coverage(1_000) if count.n == 5}
    assert five["t"].share == pytest.approx(0.95, abs=ERRORS * 0.007)
    for name in ("percentile bootstrap", "BCa bootstrap"):
        assert five[name].share == pytest.approx(0.84, abs=ERRORS * 0.0116)


def test_a_tenth_tells_what_the_table_shows() -> None:
    shown = {(count.study, count.case, count.n, count.effect): count for count in SHOWN}
    for count in tenth(verdicts.at_odds):
        full = shown[count.study, count.case, count.n, count.effect].share.share
        error = (full * (1 - full) / count.trials) ** 0.5
        assert count.share.share == pytest.approx(full, abs=ERRORS * error)


def test_the_table_is_read_as_it_was_written() -> None:
    assert as_csv(SHOWN) == TABLE.read_text(encoding="utf-8")
    assert {count.study for count in SHOWN} == {study(1)[0].study for study in STUDIES}


def test_the_page_shows_the_tables_numbers() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert len(BLOCK.findall(page)) == 14
    assert filled(page, SHOWN) == page


def test_the_page_shows_every_picture() -> None:
    page = PAGE.read_text(encoding="utf-8")
    pictures = [file.relative_to(DOCS) for file in (DOCS / "statistics").glob("*.svg")]
    assert len(pictures) == 5
    assert all(f"({picture.as_posix()})" in page for picture in pictures)
