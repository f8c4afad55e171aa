"""Fonts, sizes and the colours of all that is no data, on a light and on a dark page."""

from __future__ import annotations

from typing import Any

FONT = "Helvetica, Arial, Liberation Sans, sans-serif"
MARKER = 48  # square pixels
CROSS = "M-1,-1L1,1M1,-1L-1,1"  # the marker of what diverged
MIDDLE_GREY = "#8A8A8A"  # visible on both pages

SIZES: dict[str, Any] = {
    "font": FONT,
    "padding": 14,
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 13,
        "titleFontSize": 14,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelOverlap": True,
    },
    "title": {
        "fontSize": 16,
        "fontWeight": "normal",  # of several fonts in one PDF the order is left to chance
        "subtitleFontSize": 13,
        "subtitleLineHeight": 17,
        "subtitlePadding": 5,
        "anchor": "start",
    },
}


def page_colours(*, dark: bool) -> dict[str, Any]:
    """A Vega configuration of text, axes and grid; to be merged with a specification's own."""
    ink, muted, pale = (
        ("#E8E8E8", "#A0A0A0", "#3A3A3A") if dark else ("#222222", "#666666", "#E6E6E6")
    )
    return {
        "axis": {
            "labelColor": ink,
            "titleColor": ink,
            "gridColor": pale,
            "domainColor": muted,
            "tickColor": muted,
        },
        "title": {"color": ink, "subtitleColor": muted},
        "text": {"color": ink},
    }


def merged(base: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Both configurations in one; the other's values go first."""
    both = dict(base)
    for key, value in other.items():
        mine = both.get(key)
        both[key] = merged(mine, value) if isinstance(mine, dict) else value
    return both
