"""A problem's place in a picture: title and subtitle, its panels, the legend below."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from optbench.report.charts.legend import legend
from optbench.report.table import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.report.charts.pen import Pen, Spec

WIDE, HIGH = 540, 290  # of a panel that stands alone
_GAP = 32  # pixels between two panels
_CHARACTER, _TITLE_CHARACTER = 6.2, 7.2  # pixels of a letter of the subtitle, of the title


def row(
    label: str,
    remarks: Iterable[str],
    panels: Sequence[Spec],
    pen: Pen | None = None,
    across: int | None = None,
) -> Spec:
    """Panels side by side, at most so many `across`; with a pen also its legend."""
    abreast = across or len(panels)
    lines = [panels[start : start + abreast] for start in range(0, len(panels), abreast)]
    width = max(_width(line) for line in lines)
    title = {
        "text": _lines(safe_text(label).split(" · "), int(width / _TITLE_CHARACTER), " ·"),
        "subtitle": _lines(remarks, int(width / _CHARACTER), ";"),
        "offset": 16,
    }
    beside: list[Spec] = [{"hconcat": list(line), "spacing": _GAP} for line in lines]
    below = [] if pen is None else [legend(pen, width + 2 * _GAP if abreast > 1 else width)]
    return {"title": title, "vconcat": [*beside, *below], "spacing": 18}


def _width(line: Sequence[Spec]) -> int:
    return int(sum(panel["width"] for panel in line)) + _GAP * (len(line) - 1)


def _lines(parts: Iterable[str], width: int, mark: str) -> list[str]:
    """The parts with a mark between them, broken there where a line gets too long."""
    lines: list[str] = []
    for part in filter(None, parts):
        if lines and len(lines[-1]) + len(mark) + len(part) < width:
            lines[-1] += f"{mark} {part}"
        else:
            lines[-1:] = [f"{line}{mark}" for line in lines[-1:]]
            lines += textwrap.wrap(part, width)
    return lines


def with_fate(label: str, diverged: int, total: int) -> str:
    """The label, and how many of its seeds, or of its settings, diverged."""
    if not diverged:
        return label
    if total == 1:
        return f"{label} (diverged)"
    return f"{label} ({diverged} of {total} diverged)"


def left_out(count: int, things: str = "setting") -> str:
    """`best setting of each optimizer, 3 others left out`; empty for none."""
    if not count:
        return ""
    others = f"1 other {things}" if count == 1 else f"{count} other {things}s"
    return f"best {things} of each optimizer, {others} left out"


def seeds_meant(counts: Iterable[int]) -> str:
    """`8 seeds` or `6 to 8 seeds`; empty for none or one."""
    found = sorted({count for count in counts if count})
    if not found or found[-1] == 1:
        return ""
    return f"{found[0]} seeds" if len(found) == 1 else f"{found[0]} to {found[-1]} seeds"
