"""Measures how often a verdict is wrong, how often it finds what is there, and where it breaks.

    python scripts/simulate_verdicts.py

Writes docs/statistics/simulations.csv, the pictures beside it and the numbers in
docs/statistics.md, in about a minute. Seeds are fixed by name, so that every run
writes the same bytes.
"""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING

import verdict_simulations as verdicts
from coverage_simulation import coverage
from verdict_page import filled
from verdict_pictures import pictures
from verdict_simulations import Count

if TYPE_CHECKING:
    from verdict_simulations import Study

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "statistics.md"
FOLDER = DOCS / "statistics"
TABLE = FOLDER / "simulations.csv"

STUDIES: dict[Study, int] = {
    verdicts.nothing_differs: 100_000,
    verdicts.two_looks: 100_000,
    verdicts.until_it_fits: 100_000,
    verdicts.power: 50_000,
    verdicts.power_promised: 10_000,
    verdicts.skewed: 100_000,
    verdicts.log_loss: 50_000,
    verdicts.several: 100_000,
    verdicts.selection: 100_000,
    verdicts.diverging: 100_000,
    verdicts.at_odds: 100_000,
    verdicts.equivalence: 20_000,
    coverage: 10_000,
}


def main() -> int:
    """Simulate all studies; write the table, the pictures and the page."""
    FOLDER.mkdir(exist_ok=True)
    counts = [count for study, trials in STUDIES.items() for count in study(trials)]
    TABLE.write_text(as_csv(counts), encoding="utf-8")
    for name, svg in pictures(counts).items():
        (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), counts), encoding="utf-8")
    print(f"{TABLE}: {len(counts)} rows")
    return 0


def as_csv(counts: list[Count]) -> str:
    """A row a count."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Count))
    writer.writerows(map(astuple, counts))
    return text.getvalue()


def from_csv(text: str) -> list[Count]:
    """The counts of such a table."""
    return [
        Count(
            row["study"],
            row["case"],
            int(row["n"]),
            float(row["effect"]),
            int(row["hits"]),
            int(row["trials"]),
        )
        for row in csv.DictReader(io.StringIO(text))
    ]


if __name__ == "__main__":
    raise SystemExit(main())
