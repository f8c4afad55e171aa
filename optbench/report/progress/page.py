"""What a study shows on one screen, and what it leaves there."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from optbench.report import numbers
from optbench.report.progress.glyphs import bar
from optbench.report.progress.labels import fitted
from optbench.report.table import safe_text
from optbench.report.words import listed, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.report.progress.leaders import Leader
    from optbench.report.progress.watched import Watched
    from optbench.training.events import Ended

MOST_COHORTS = 4  # that have a line
NAMED = 3  # runs that a stopped study names
WIDEST = 80
INDENT = "  "


def study_lines(watched: Watched, width: int, height: int) -> list[str]:
    """The whole and the counts, then as many cohorts and leaders as `height` lines take."""
    width = min(width, WIDEST)
    lines = [whole_line(*watched.whole, width), *_wrapped(_counts(watched), width)]
    best = _leader_lines(watched, width)
    room = height - len(lines)
    shown = _cropped(best, room - 1)
    room -= len(shown) + 1 if shown else 0
    cohorts = _cropped(_cohort_lines(watched, width), min(room - 1, MOST_COHORTS + 1))
    for block in (cohorts, shown):
        lines += ["", *block] if block else []
    return lines


def whole_line(share: float, seconds: float | None, width: int) -> str:
    """`━━━━━━╌╌╌╌  41%  5 min 12 s left`."""
    left = "" if seconds is None else f"  {numbers.duration(seconds)} left"
    rest = f"{percent(share):>5}{left}"
    columns = max(min(width - len(INDENT) - max(len(rest), 22), 48), 0)
    return f"{INDENT}{bar(share, columns)}{rest}"


def plain_line(watched: Watched) -> str:
    """The whole and the counts in one line."""
    share, seconds = watched.whole
    left = "" if seconds is None else f"; {numbers.duration(seconds)} left"
    return f"{percent(share):>5}  {', '.join(_counts(watched))}{left}"


def alarm(event: Ended, watched: Watched) -> str:
    """Names a run that ended otherwise than completed: `  sgd lr=10 s0  diverged: …`."""
    result = event.result
    if result.status in ("completed", "pruned"):
        return ""
    name = f"{watched.label(event.run)} s{event.run.seed}"
    return safe_text(f"{INDENT}{name}  {result.status}: {result.reason}")


def closing_lines(watched: Watched) -> list[str]:
    """`315 runs (40 earlier) in 12 min 3 s: 312 completed, 3 diverged`."""
    counted = ", ".join(f"{n:,} {status}" for status, n in watched.statuses.most_common())
    earlier = f" ({watched.earlier:,} earlier)" if watched.earlier else ""
    elapsed = watched.pace.elapsed
    took = "" if elapsed is None else f" in {numbers.duration(elapsed)}"
    return [f"{INDENT}{_runs(watched.ended)}{earlier}{took}: {counted}"]


def stopped_lines(watched: Watched, width: int) -> list[str]:
    """What was in training when the command was stopped."""
    tracks = sorted(watched.tracks.values(), key=lambda track: -track.steps / track.event.total)
    if not tracks:
        return []
    names = [f"{track.name} at epoch {track.epoch}" for track in tracks[:NAMED]]
    if len(tracks) > NAMED:
        names.append(f"{len(tracks) - NAMED:,} more")
    return _wrapped([f"In training: {listed(names)}"], width)


def percent(share: float) -> str:
    """Rounded down: 100% is the end and not before."""
    return f"{int(100 * share)}%"


def _counts(watched: Watched) -> list[str]:
    """`128 of 315 runs done`, `10 running in 2 cohorts`, `3 diverged`."""
    running, cohorts = len(watched.tracks), len(watched.cohorts)
    together = f" in {cohorts:,} cohort{'s' * (cohorts != 1)}" if cohorts < running else ""
    parts = [
        f"{watched.ended:,} of {watched.total:,} runs done",
        f"{running:,} running{together}" if running else "",
        *(
            f"{watched.statuses[status]:,} {status}"
            for status in ("diverged", "failed")
            if watched.statuses[status]
        ),
    ]
    return [part for part in parts if part]


def _wrapped(parts: Iterable[str], width: int) -> list[str]:
    """Parts with commas between, broken between words only."""
    text = ", ".join(parts)
    return textwrap.wrap(
        text,
        width,
        initial_indent=INDENT,
        subsequent_indent=INDENT,
        break_on_hyphens=False,
    )


def _leader_lines(watched: Watched, width: int) -> list[str]:
    """Under a title for each problem, a line an optimizer."""
    found = watched.best
    sections = []
    for problem, leaders in found.items():
        title = f" on {watched.problems.get(problem, '')}" if len(found) > 1 else ""
        head = f"{INDENT}best {quantity(leaders[0].column)} so far{title}"
        rows = [_leader_line(leader, leaders, watched, width) for leader in leaders]
        sections += [head[:width], *rows]
    return sections


def _leader_line(leader: Leader, leaders: list[Leader], watched: Watched, width: int) -> str:
    """`  adam  lr=0.001  0.097  5 runs`; before any run is finished, its epoch."""
    settings = [_setting(each, watched) for each in leaders]
    name = max(len(each.optimizer) for each in leaders)
    whence = f"epoch {leader.epoch}" if leader.epoch else _runs(leader.runs)
    value = f"{numbers.loss(leader.value):>8}  {whence}"
    optimizer = fitted(leader.optimizer, min(name, max(width // 4, 6)))
    rest = width - len(f"{INDENT}{optimizer}  {value}  ")
    setting = fitted(_setting(leader, watched), max(min(max(map(len, settings)), rest), 6))
    return f"{INDENT}{optimizer}  {setting}{value}".rstrip()[:width]


def _setting(leader: Leader, watched: Watched) -> str:
    """The label without the optimizer's name."""
    return safe_text(watched.labels.get(leader.setting, "")).partition(" ")[2]


def _runs(number: int) -> str:
    return f"{number:,} run{'s' * (number != 1)}"


def _cohort_lines(watched: Watched, width: int) -> list[str]:
    """A line a cohort, or a run that trains alone."""
    return [group[0].group_line(len(group), width=width) for group in watched.cohorts]


def _cropped(lines: list[str], most: int) -> list[str]:
    """The first lines, and how many more there are; none where there is no room for two."""
    if len(lines) <= most:
        return lines
    if most < 2:
        return []
    return [*lines[: most - 1], f"{INDENT}and {len(lines) - most + 1:,} more"]
