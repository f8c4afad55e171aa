"""The simulated numbers of docs/statistics.md: each block between its marks, made from counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from verdict_simulations import Count

BLOCK = re.compile(r"(<!-- simulated: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, counts: list[Count]) -> str:
    """The page with each block's numbers replaced; KeyError for a block of another name."""
    return BLOCK.sub(lambda found: f"{found[1]}{_blocks()[found[2]](counts)}\n{found[3]}", page)


def _blocks() -> dict[str, Callable[[list[Count]], str]]:
    return {
        "in short": _in_short,
        "nothing differs": lambda counts: _by_n(counts, "nothing differs", "differences"),
        "two looks": _two_looks,
        "until it fits": _until_it_fits,
        "power": lambda counts: _by_effect(counts, "power", "difference", _pairs),
        "power promised": _power_promised,
        "skewed": lambda counts: _by_n(counts, "skewed", "differences"),
        "log loss": lambda counts: _by_effect(counts, "log loss", "spread", _case),
        "several": lambda counts: _by_n(counts, "several", "six settings"),
        "selection": lambda counts: _by_effect(counts, "selection", "correlation", _case),
        "diverging": lambda counts: _by_effect(counts, "diverging", "diverging", _pairs),
        "at odds": lambda counts: _by_effect(counts, "at odds", "difference", _pairs),
        "equivalence": lambda counts: _by_n(counts, "equivalence", "differences"),
        "coverage": lambda counts: _by_n(counts, "coverage", "interval"),
    }


def _in_short(counts: list[Count]) -> str:
    normal = {count.n: count for count in _of(counts, "nothing differs", "normal")}
    looks = max(_of(counts, "two looks"), key=lambda count: count.hits)
    fits = {count.n: _percent(count) for count in _of(counts, "until it fits")}
    one = [count for count in _of(counts, "power") if count.effect == 1.0]
    leaning = [count for count in _of(counts, "skewed") if count.n == 10]
    chosen = [count for count in _of(counts, "selection", "the same seeds") if count.effect >= 0.5]
    lines = [
        f"Where nothing differs, 8 pairs give a verdict in {_with_interval(normal[8])} of cases; "
        f"with the one extension that is allowed, in {_with_interval(looks)} at most.",
        "Adding seeds until a t test at .05 fits finds a difference that is not there in "
        f"{fits[10]} of cases by 10 seeds, {fits[20]} by 20 and {fits[40]} by 40.",
        "A difference of one standard deviation is found in "
        f"{_listed(map(_percent, one))} of cases with "
        f"{_listed(str(count.n) for count in one)} pairs.",
        "Differences that lean to one side, with a mean of zero, get a false verdict in "
        f"{_listed(f'{_percent(count)} ({count.case})' for count in leaning)} of cases "
        "at 10 pairs.",
        "The best of seven equal settings gets one in "
        f"{_percent(chosen[0])} to {_percent(chosen[-1])} of cases when it is judged on the seeds "
        "it was chosen on.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _until_it_fits(counts: list[Count]) -> str:
    shown = [count for count in _of(counts, "until it fits") if count.n % 5 == 0]
    return _table(
        ["seeds at most", *(str(count.n) for count in shown)],
        [["false verdicts", *map(_percent, shown)]],
    )


def _power_promised(counts: list[Count]) -> str:
    rows = [
        [f"α = {count.case}", f"{count.effect:g}", str(count.n), _with_interval(count)]
        for count in _of(counts, "power promised")
    ]
    return _table(["level", "d", "seeds asked for", "found"], rows)


def _two_looks(counts: list[Count]) -> str:
    rows = [[count.case, _with_interval(count)] for count in _of(counts, "two looks")]
    return _table(["seeds", "false verdicts"], rows)


def _by_n(counts: list[Count], study: str, corner: str) -> str:
    """A row a case, a column a number of pairs."""
    return _crossed(_of(counts, study), corner, _case, lambda count: f"n = {count.n}")


def _by_effect(counts: list[Count], study: str, corner: str, row: Callable[[Count], str]) -> str:
    """A column an effect."""
    return _crossed(_of(counts, study), corner, row, lambda count: f"{count.effect:g}")


def _crossed(
    counts: list[Count],
    corner: str,
    row: Callable[[Count], str],
    column: Callable[[Count], str],
) -> str:
    """Shares by row and column, both in the order of the counts."""
    rows = {row(count): [row(count)] for count in counts}
    for count in counts:
        rows[row(count)].append(_percent(count))
    columns = dict.fromkeys(column(count) for count in counts)
    return _table([corner, *columns], list(rows.values()))


def _case(count: Count) -> str:
    return count.case


def _pairs(count: Count) -> str:
    return f"{count.n} pairs"


def _of(counts: list[Count], study: str, case: str | None = None) -> list[Count]:
    return [count for count in counts if count.study == study and case in (None, count.case)]


def _table(head: list[str], rows: list[list[str]]) -> str:
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ruler, *rows])


def _percent(count: Count) -> str:
    return f"{100 * count.share.share:.1f}%"


def _with_interval(count: Count) -> str:
    """The share with its Wilson interval: 3.5% [3.4, 3.6]."""
    share = count.share
    low, high = (f"{100 * (end or 0.0):.1f}" for end in (share.low, share.high))
    return f"{_percent(count)} [{low}, {high}]"


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
