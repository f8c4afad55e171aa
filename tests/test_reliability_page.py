"""The table of docs/reliability.md, and what the tests of faults have to notice."""

from __future__ import annotations

from faults.rows import ROWS, read_seen
from faults.sabotage import ROOT, declared
from reliability_page import PAGE, filled


def test_the_table_is_what_the_results_say() -> None:
    page = PAGE.read_text(encoding="utf-8")
    made = "python scripts/reliability_page.py --page makes it again"
    assert page == filled(page), made


def test_each_protection_that_is_switched_off_is_there_to_be_switched_off() -> None:
    for _, entry in declared():
        entry.applied((ROOT / entry.file).read_text(encoding="utf-8"))


def test_every_row_that_is_shown_has_something_switched_off_and_noticed() -> None:
    shown = [seen for seen in map(read_seen, ROWS) if seen["injected"]]
    assert all(seen["sabotage"] for seen in shown)
    assert all(entry["failure"] for seen in shown for entry in seen["sabotage"])


def test_what_the_results_are_of_exists() -> None:
    places = {place: entry.off for place, entry in declared()}
    known = {(place, entry.off) for place, entry in declared()}
    for row in ROWS:
        seen = read_seen(row)
        assert {(old["test"], old["off"]) for old in seen["sabotage"]} <= known
    assert places or not any(read_seen(row)["sabotage"] for row in ROWS)
