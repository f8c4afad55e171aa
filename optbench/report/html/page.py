"""The page itself: what stands in it, put into the template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.audit.extension import extension
from optbench.report import words
from optbench.report.extension import heading
from optbench.report.html.assets import asset, chart_library, json_block, policy, template
from optbench.report.html.configuration import Configuration, configuration
from optbench.report.html.environment import environment
from optbench.report.html.figures import figures
from optbench.report.html.runs import status_counts, status_table
from optbench.report.sentences import closing, last_words
from optbench.report.summary import summary_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.analysis.audit.extension import Extension
    from optbench.analysis.audit.finding import Finding
    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.report.table import Table
    from optbench.store.stored_run import Note, StoredRun

MOST_NAMED = 3  # experiments in the title


@dataclass(frozen=True)
class Section:
    """What the page tells about one problem."""

    problem: ProblemComparison
    table: Table
    closing: tuple[str, ...]
    extension: Extension | None
    configuration: Configuration


@dataclass(frozen=True)
class Concern:
    """A finding, and the names of what it is about: settings, then directories of runs."""

    finding: Finding
    about: str
    names: tuple[str, ...]


def render_report(
    comparison: Comparison, findings: Sequence[Finding], notes: Iterable[Note] = ()
) -> str:
    """The whole page; the same text for the same runs.

    `findings` are the audit's, `notes` about runs that were not used.
    """
    runs = _runs(comparison)
    shown = tuple(figures(comparison))
    own = "\n".join(map(asset, ("theme.js", "picture.js", "page.js")))
    scripts, style = [chart_library(), own], asset("style.css")
    return template("page.html").render(
        policy=policy(scripts, [style]),
        style=style,
        title=_title(runs),
        told=_told(runs, comparison),
        sections=[_section(problem, comparison) for problem in comparison.problems],
        figures=shown,
        concerns=[_concern(finding) for finding in findings],
        last_words=tuple(last_words(comparison)),
        environment=environment(runs),
        runs=status_table(runs),
        counts=status_counts(runs),
        notes=[str(note) for note in notes],
        heading=heading,
        data=json_block({figure.kind: figure.specification for figure in shown}),
        scripts=scripts,
    )


def _section(problem: ProblemComparison, comparison: Comparison) -> Section:
    return Section(
        problem,
        summary_table(problem, comparison),
        tuple(closing(problem, comparison)),
        extension(problem, comparison),
        configuration(problem),
    )


def _concern(finding: Finding) -> Concern:
    settings, runs = finding.settings, tuple(map(str, finding.runs))
    counts = [_count(len(settings), "setting"), _count(len(runs), "run")]
    about = " and ".join(filter(None, counts))
    return Concern(finding, about, settings + runs)


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}" if number else ""


def _told(runs: Sequence[StoredRun], comparison: Comparison) -> str:
    """`2 problems, 24 settings, 96 runs, compared by test accuracy`."""
    settings = sum(len(problem.rows) for problem in comparison.problems)
    counts = [
        _count(len(comparison.problems), "problem"),
        _count(settings, "setting"),
        _count(len(runs), "run"),
    ]
    return f"{', '.join(counts)}, compared by {words.quantity(comparison.metric.name)}"


def _runs(comparison: Comparison) -> list[StoredRun]:
    return [run for problem in comparison.problems for row in problem.rows for run in row.runs]


def _title(runs: Sequence[StoredRun]) -> str:
    """The experiments' names, or how many there are."""
    names = list(dict.fromkeys(run.result.experiment for run in runs))
    if len(names) > MOST_NAMED:
        return f"{len(names)} experiments"
    return ", ".join(names)
