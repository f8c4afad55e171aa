"""What `optbench runs repair`, `prune` and `retry` say."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING

from optbench.report.layout import INDENT, paragraph
from optbench.report.words import count, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from optbench.catalog.datasets.outdated import Outdated
    from optbench.store.damage import Repair
    from optbench.store.leftovers import Leftover
    from optbench.store.result import Result, Status
    from optbench.store.stored_run import StoredRun

MOST_PATHS = 20


def repair_lines(found: Repair, width: int | None) -> str:
    """A directory, what is amiss and what was done; of what is lost, the command that trains it."""
    told = f"{found.directory}: {found.fault}"
    lines = [paragraph(f"{told}; {found.done}" if found.done else told, width, hanging=INDENT)]
    if found.done is None and found.config is not None:
        lines.append(f"{INDENT}optbench run {shlex.quote(str(found.config))} --force")
    return "".join(f"{line}\n" for line in lines)


def deletable_lines(leftovers: Sequence[Leftover], width: int | None) -> str:
    """How much a kill has left that nothing needs; empty where that is nothing."""
    kept = [one for one in leftovers if one.kind == "temporary"]
    if not kept:
        return ""
    told = f"{count(len(kept), 'leftover')} of {_bytes(sum(one.size for one in kept))}"
    return paragraph(f"{told} can be deleted: optbench runs prune --yes", width) + "\n"


def deleted_line(
    sizes: Mapping[Path, int],
    runs: Sequence[StoredRun],
    kept: Sequence[StoredRun],
    images: Sequence[Outdated],
    *,
    done: bool,
    width: int | None,
) -> str:
    """What was deleted, or would be: runs, the last states of those that `kept` them, the rest.

    Of decoded `images` it is told why.
    """
    if not sizes:
        return "Nothing to delete.\n"
    why = {one.path: f" ({one.why})" for one in images}
    lines = [f"{INDENT}{path}{why.get(path, '')}" for path in [*sizes][:MOST_PATHS]]
    if len(sizes) > MOST_PATHS:
        lines.append(f"{INDENT}and {len(sizes) - MOST_PATHS:,} more")
    counts = {"run": len(runs), "last state": len(kept), "decoded data set": len(images)}
    counts["leftover"] = len(sizes) - sum(counts.values())
    what = listed([count(number, noun) for noun, number in counts.items() if number])
    size = _bytes(sum(sizes.values()))
    closing = f"Deleted {what}, {size}." if done else f"{what}, {size}; --yes deletes them."
    return "\n".join([*lines, paragraph(closing, width)]) + "\n"


def nothing_to_retry(statuses: Sequence[Status]) -> str:
    return f"There is no {' or '.join(statuses)} run.\n"


def retried_line(results: Sequence[Result]) -> str:
    """`3 runs tried again: 1 failed, 2 completed`."""
    counts = Counter(result.status for result in results)
    told = ", ".join(f"{counts[status]:,} {status}" for status in sorted(counts, reverse=True))
    return f"{count(len(results), 'run')} tried again: {told}\n"


def _bytes(size: int) -> str:
    """1.2 MB, in powers of ten."""
    for power, unit in ((9, "GB"), (6, "MB"), (3, "kB")):
        if size >= 10**power:
            return f"{size / 10**power:.1f} {unit}"
    return f"{size} B"
