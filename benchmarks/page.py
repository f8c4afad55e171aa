"""The tables of docs/performance.md, written between their markers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Results = dict[str, Any]
STUDY_STEPS = 50 * 5 * 938  # runs, epochs and steps


def write_page(page: Path, results: Results) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end -->` by that table's lines."""
    text = page.read_text(encoding="utf-8")
    for name, (part, table) in TABLES.items():
        if part in results:
            block = f"<!-- {name} -->\n{table(results)}\n<!-- end -->"
            found = re.compile(rf"<!-- {name} -->\n.*?<!-- end -->", re.DOTALL)
            text = found.sub(lambda _, block=block: block, text)  # type: ignore[misc]
    page.write_text(text, encoding="utf-8")


def machine_line(results: Results) -> str:
    machine = results["machine"]
    return (
        f"Measured on {machine['cores']} cores of {machine['processor']}, "
        f"torch {machine['torch']}, Python {machine['python']}."
    )


def study_table(results: Results) -> str:
    """Contestants from the slowest to the fastest, then those that were not there."""
    laps, absent = results["race"]["laps"], results["race"]["absent"]
    textbook = textbook_seconds(results)
    rows = [
        [
            name,
            f"{lap['start_up']:.1f} s",
            f"{lap['adam']:.2f} s",
            f"{lap['sgd']:.2f} s",
            f"{100 * lap['accuracy']:.1f}%",
            f"{lap['study']:,.0f} s",
            f"{textbook / lap['study']:.1f}×",
        ]
        for name, lap in sorted(laps.items(), key=lambda item: -item[1]["study"])
    ]
    rows += [[name, f"not measured: {why}", "", "", "", "", ""] for name, why in absent.items()]
    titles = ("", "start-up", "epoch, Adam", "epoch, SGD", "accuracy", "study", "faster by")
    return _table(titles, rows)


def targets_table(results: Results) -> str:
    return _table(("", "target", "measured", ""), _targets(results))


def _targets(results: Results) -> Iterable[list[str]]:
    if "race" in results:
        study = results["race"]["laps"]["optbench"]["study"]
        hand = results["race"]["laps"]["hand-tuned"]["study"] / study
        text = textbook_seconds(results) / study
        yield ["the study, against the textbook script", "25×", f"{text:.1f}×", _met(text >= 25)]
        yield ["the study, against the hand-tuned loop", "2×", f"{hand:.2f}×", _met(hand >= 2)]
        what = "a run-step for that 25×, evaluations included"
        yield [what, "", f"{_us(wanted_step(results))} µs", ""]
    if "tuning" in results:
        seconds = results["tuning"]["seconds"]
        for name, wanted in (("one process", 3.5), ("two processes", 1.7)):
            times = seconds[name] / seconds["optbench"]
            what = f"{results['tuning']['trials']} random trials, against Optuna in {name}"
            yield [what, f"{wanted}×", f"{times:.2f}×", _met(times >= wanted)]
    if "floor" in results:
        times = results["floor"]["step"] / floor(results)
        yield ["a run-step, in floors", "at most 2", f"{times:.2f}", _met(times <= 2)]
    if "single" in results:
        seconds = results["single"]["seconds"]
        ratio = seconds["optbench"]["run"] / seconds["hand-tuned"]["run"]
        what = "a single run, in hand-tuned ones"
        yield [what, "at most 1.15", f"{ratio:.2f}", _met(ratio <= 1.15)]
    if "cost" in results:
        residual = results["cost"]["line"]["largest_residual"]
        what = "cost by runs: farthest from a straight line"
        yield [what, "linear", f"{100 * residual:.0f}%", ""]
    if "process" in results:
        process = results["process"]
        extra = process["one_step"] - process["import_torch"]
        what = "`optbench run` of one step, beside `import torch`"
        yield [what, "little", f"{process['import_torch']:.1f} s + {extra:.1f} s", ""]
        peak, planned = process["peak_bytes"] / 1e9, process["planned_bytes"] / 1e9
        what = "peak memory of the study, against the plan's figure"
        yield [what, f"at most {planned:.1f} GB", f"{peak:.1f} GB", _met(peak <= planned)]
    yield from _stored_targets(results)


def _stored_targets(results: Results) -> Iterable[list[str]]:
    if "commit" in results:
        commit = results["commit"]
        for name, whose in (("run", "a single run"), ("cohort", "a cohort of five")):
            share = commit[name]["all"] / commit[name]["nothing"] - 1
            what = f"all that {whose} stores, of its training"
            yield [what, "at most 3%", f"{100 * share:.1f}%", _met(share <= 0.03)]
        stands, synced = 1e3 * commit["stands"], 1e3 * commit["synced"]
        what = "a checkpoint of 100,000 parameters: training waits, the disk has it"
        yield [what, "at most 10 ms", f"{stands:.1f} ms, {synced:.1f} ms", _met(synced <= 10)]
    if "decide" in results:
        decide = results["decide"]
        what = f"`optbench run` of {decide['runs']:,} runs that are finished"
        yield [what, "at most 2 s", f"{decide['decided']:.1f} s", _met(decide["decided"] <= 2)]


def floor_table(results: Results) -> str:
    found = results["floor"]
    rows = [
        ["matrix products", _us(found["products"])],
        ["one pass over Adam's memory", _us(found["memory"])],
        ["**floor**", _us(floor(results))],
        ["a run-step of a cohort", _us(found["step"])],
        ["in floors", f"{found['step'] / floor(results):.2f}"],
    ]
    return _table(("a run-step", "µs"), rows)


def profile_table(results: Results) -> str:
    found = results["profile"]
    rows = [
        [kind, _us(seconds), f"{100 * seconds / found['step']:.0f}%"]
        for kind, seconds in found["kinds"].items()
    ]
    rows.append(["all", _us(found["step"]), "100%"])
    return _table(("a run-step", "µs", "share"), rows)


def single_table(results: Results) -> str:
    seconds = results["single"]["seconds"]
    best = seconds["hand-tuned"]["run"]
    rows = [
        [name, f"{found['run']:.2f} s", f"{found['run'] / best:.2f}", f"{found['command']:.1f} s"]
        for name, found in seconds.items()
    ]
    return _table(("", "five epochs", "in hand-tuned ones", "whole command"), rows)


def cost_table(results: Results) -> str:
    found = results["cost"]
    rows = [
        [f"{row['runs']:.0f}", *(_us(row[key] / row["runs"]) for key in ("one", "planned"))]
        for row in found["rows"]
    ]
    return _table(("runs", "µs a run-step in one cohort", f"in cohorts of {found['cohort']}"), rows)


def small_table(results: Results) -> str:
    """The stacked models with their cohorts, then the others, which are measured alone."""
    models = results["small"]
    stacked = {name: found for name, found in models.items() if "alone" not in found}
    sizes = [size for size in next(iter(stacked.values())) if size != "hand-tuned"]
    rows = [
        [
            name,
            _us(found["hand-tuned"]),
            *(_us(found[size]) for size in sizes),
            f"{found['hand-tuned'] / found[sizes[-1]]:.1f}×",
        ]
        for name, found in stacked.items()
    ]
    rows += [
        [name, _us(found["hand-tuned"]), _us(found["1"]), *[""] * (len(sizes) - 1), "not stacked"]
        for name, found in models.items()
        if name not in stacked
    ]
    titles = ("µs a run-step", "hand-tuned", *(f"cohort of {size}" for size in sizes), "faster by")
    return _table(titles, rows)


def tuning_table(results: Results) -> str:
    """Optuna in one process and in two, then optbench."""
    seconds = results["tuning"]["seconds"]
    one = seconds["one process"]
    names = {"one process": "Optuna, one process", "two processes": "Optuna, two processes"}
    rows = [
        [names.get(name, name), f"{found:,.0f} s", f"{one / found:.1f}×"]
        for name, found in sorted(seconds.items(), key=lambda item: -item[1])
    ]
    return _table(("", "search", "faster by"), rows)


def textbook_seconds(results: Results) -> float:
    """Of the study by the script one run after the other: on one thread or torch's own number."""
    laps = results["race"]["laps"]
    return float(min(laps["textbook"]["study"], laps["textbook, one thread"]["study"]))


def wanted_step(results: Results) -> float:
    """Seconds a run-step of a study that is 25 times faster than the script, on two processes."""
    start_up = results["race"]["laps"]["optbench"]["start_up"]
    return float((textbook_seconds(results) / 25 - start_up) * 2 / STUDY_STEPS)


def floor(results: Results) -> float:
    return float(results["floor"]["products"] + results["floor"]["memory"])


def _met(met: bool) -> str:
    return "met" if met else "missed"


def _us(seconds: float) -> str:
    return f"{1e6 * seconds:,.0f}" if seconds >= 1e-5 else f"{1e6 * seconds:.1f}"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown, all columns but the first to the right."""
    rule = ["---", *("---:" for _ in titles[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in (titles, rule, *rows))


TABLES = {
    "machine": ("machine", machine_line),
    "study": ("race", study_table),
    "targets": ("machine", targets_table),
    "floor": ("floor", floor_table),
    "profile": ("profile", profile_table),
    "single": ("single", single_table),
    "cost": ("cost", cost_table),
    "small": ("small", small_table),
    "tuning": ("tuning", tuning_table),
}
