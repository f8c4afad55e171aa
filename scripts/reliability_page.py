"""Injects every fault, switches every protection off, and writes the table of docs/reliability.md.

python scripts/reliability_page.py            # all of it, hours
python scripts/reliability_page.py --page     # the table alone, from tests/faults/results
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from faults.rows import ROWS, read_seen  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs" / "reliability.md"
BLOCK = re.compile(r"(<!-- injected -->\n).*?(<!-- end -->)", re.DOTALL)
HEAD = """\
| fault: what is promised | injected by | held | switched off: how the test then failed |
| --- | --- | --- | --- |
"""


def main() -> int:
    failed = 0
    if sys.argv[1:] != ["--page"]:
        failed |= subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "faults", "tests/faults"], cwd=ROOT, check=False
        ).returncode
        failed |= subprocess.run(
            [sys.executable, ROOT / "scripts" / "sabotage.py"], check=False
        ).returncode
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return failed


def filled(page: str) -> str:
    """The page with the table made anew."""
    table = HEAD + "".join(f"{line}\n" for line in lines())
    return BLOCK.sub(lambda found: found[1] + table + found[2], page)


def lines() -> Iterator[str]:
    """A line for each row of which something was injected."""
    for name, row in ROWS.items():
        seen = read_seen(name)
        if seen["injected"]:
            counts = counted(seen["injected"])
            cells = (
                f"**{row.fault}**: {row.promise}",
                "<br>".join(counts),
                "<br>".join(counts.values()),
                "<br>".join(map(switched_off, seen["sabotage"])),
            )
            yield f"| {' | '.join(cells)} |"


def counted(injected: list[dict[str, Any]]) -> dict[str, str]:
    """How many held, by how they were injected; several tests may do so alike."""
    found: dict[str, str] = {}
    for by in dict.fromkeys(entry["by"] for entry in injected):
        alike = [entry for entry in injected if entry["by"] == by]
        held, count = (sum(entry[key] for entry in alike) for key in ("held", "injected"))
        failed = "" if all(entry["passed"] for entry in alike) else " (the test failed)"
        found[by] = f"{held:,} of {count:,}{failed}"
    return found


def switched_off(entry: dict[str, Any]) -> str:
    failure = entry["failure"]
    code = (failure or "").replace("|", "\\|").replace("`", "'")
    return f"{entry['off']}: {f'`{code}`' if failure else 'not noticed'}"


if __name__ == "__main__":
    sys.exit(main())
