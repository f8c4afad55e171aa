"""The sentences about the time to the target."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optbench.report import numbers, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.analysis.comparison import ProblemComparison
    from optbench.analysis.metric import Metric
    from optbench.analysis.rows import SettingRow
    from optbench.analysis.speedup import Speedup
    from optbench.analysis.target import TimeToTarget, Unit


def reaching(row: SettingRow, reference: SettingRow, problem: ProblemComparison) -> Iterator[str]:
    """Who reached the target, when, and by what factor sooner; nothing without a target."""
    if problem.target is None or row.to_target is None or reference.to_target is None:
        return
    target = words.value(problem.metric, problem.target)
    if row.speedup is not None and row.speedup.n > 1 and 0 < row.speedup.ratio < math.inf:
        measured = goal(problem.metric, problem.target)
        yield sooner(row.name, reference.name, measured, row.speedup)
    elif row.to_target.reached:
        ours, theirs = _when(row.to_target, row.total), _when(reference.to_target, reference.total)
        yield f"{row.name} reached {target} {ours}, {reference.name} {theirs}."
    elif reference.to_target.reached:
        seed = "" if row.to_target.n == 1 else " in any seed"
        theirs = _when(reference.to_target, reference.total)
        within = _within(row.to_target)
        if not row.completed:
            within = "before it diverged"
        yield f"{row.name} did not reach {target}{seed} {within}; {reference.name} did, {theirs}."
    else:
        within = _within(row.to_target, reference.to_target)
        yield f"Neither {row.name} nor {reference.name} reached {target} {within}."


def goal(metric: Metric, target: float) -> str:
    """`97% test accuracy` or `a train loss of 0.1`."""
    quantity, value = words.quantity(metric.name), words.value(metric, target)
    return f"{value} {quantity}" if metric.is_accuracy else f"a {quantity} of {value}"


def sooner(name: str, other: str, measured: str, found: Speedup) -> str:
    """`adam reached 97% test accuracy in 1/2.4 of sgd's steps (1/2.1 to 1/2.8, 8 paired seeds).`"""
    ends = _ends(found)
    reached = [
        f"{who} in {share.share * found.n:.0f} of {found.n}"
        for who, share in ((name, found.a), (other, found.b))
        if share.share < 1
    ]
    details = ", ".join([*filter(None, [ends]), f"{found.n} paired seeds", *reached])
    return f"{name} reached {measured} in {part(found.ratio, other, found.unit)} ({details})."


def part(ratio: float, other: str, unit: Unit) -> str:
    """`1/2.4 of sgd's steps` for what was sooner, `1.3 times sgd's steps` for what was later."""
    if ratio == 1:
        return f"as many {unit} as {other}"
    share = f"1/{numbers.factor(ratio)} of" if ratio > 1 else f"{numbers.factor(1 / ratio)} times"
    return f"{share} {other}'s {unit}"


def _ends(found: Speedup) -> str:
    """What the part lies between: `1/2.1 to 1/2.8`, or `0.9 to 1.4 times`; empty without a span."""
    low, high = found.low, found.high
    if low is None or high is None or low == high:
        return ""
    if low >= 1:
        return f"{_share(low)} to {_share(high)}"
    first, last = (numbers.factor(math.inf if end == 0 else 1 / end) for end in (high, low))
    return f"{first} to {last} times"


def _share(ratio: float) -> str:
    return "1" if ratio == 1 else f"1/{numbers.factor(ratio)}"


def _within(*times: TimeToTarget) -> str:
    horizons = dict.fromkeys(numbers.compact(found.horizon) for found in times)
    unit = "steps" if times[0].unit == "seconds" else times[0].unit
    return f"within {' and '.join(horizons)} {unit[:-1] if [*horizons] == ['1'] else unit}"


def _when(times: TimeToTarget, total: int) -> str:
    """`in 7 of 8 seeds at steps 938–1,876`."""
    if not times.reached:
        return f"{'not' if times.n == 1 else 'in none'} {_within(times)}"
    at = _at(times)
    if times.n == 1:
        return at.strip()
    every = "every seed" if times.n == total else f"all {times.n} finished seeds"
    share = every if times.reached == times.n else f"{times.reached} of {times.n} seeds"
    return f"in {share}{at}"


def _at(times: TimeToTarget) -> str:
    """The earliest and the latest of the times; empty for seconds that nobody recorded."""
    reached = sorted(time for time in times.times or () if math.isfinite(time))
    if not reached:
        return ""
    first, last = numbers.compact(reached[0]), numbers.compact(reached[-1])
    span = first if first == last else f"{first}–{last}"
    return f" {_point(times.unit, span, several=first != last)}"


def _point(unit: Unit, span: str, *, several: bool) -> str:
    if unit in ("seconds", "examples"):
        return f"after {span} {unit}"
    return f"at {unit if several else unit[:-1]} {span}"
