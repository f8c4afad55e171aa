"""A comparison that shows itself, in a notebook and at a prompt."""

from __future__ import annotations

import base64
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Self

from optbench.analysis.audit.extension import extension
from optbench.analysis.comparison import Comparison
from optbench.errors import UsageError
from optbench.report.charts.files import drawn, save_chart
from optbench.report.charts.specification import chart_specification
from optbench.report.comparison import render
from optbench.report.extension import heading
from optbench.report.html.assets import template
from optbench.report.records import record_table
from optbench.report.sentences import closing, last_words
from optbench.report.summary import summary_table
from optbench.report.view import DEFAULT_VIEW

if TYPE_CHECKING:
    import polars

    from optbench.analysis.target import Unit
    from optbench.report.charts.specification import Kind


class Shown(Comparison):
    """What `optbench compare` shows, as data that a notebook draws: tables, verdicts, curves.

    Printed, it is the command's text.
    """

    @classmethod
    def of(cls, comparison: Comparison) -> Self:
        """The same comparison."""
        return cls(**{field.name: getattr(comparison, field.name) for field in fields(comparison)})

    def __repr__(self) -> str:
        return render(self, width=80).rstrip("\n")

    def _repr_html_(self) -> str:
        sections = [
            {
                "table": summary_table(problem, self, DEFAULT_VIEW),
                "sentences": closing(problem, self),
                "extension": extension(problem, self),
            }
            for problem in self.problems
        ]
        try:
            picture = self.chart().encoded
        except UsageError:  # nothing to draw
            picture = ""
        return template("notebook.html").render(
            sections=sections, heading=heading, last=last_words(self), picture=picture
        )

    def chart(
        self, kind: Kind = "curves", *, unit: Unit | None = None, log: bool = True
    ) -> Picture:
        """A picture of one of the kinds of `optbench compare --kind`.

        `unit` is its time. Raises `UsageError` for what these runs can't show.
        """
        return Picture(self, kind, unit, log)

    def table(self) -> polars.DataFrame:
        """A row a setting with exact values: what `--format csv` writes."""
        import polars

        table = record_table(self)
        names = [column.key for column in table.columns]
        rows = [[cell.value for cell in row] for row in table.rows]
        return polars.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


@dataclass(frozen=True)
class Picture:
    """A picture of a comparison; a notebook shows it."""

    comparison: Comparison
    kind: Kind
    unit: Unit | None
    log: bool

    @property
    def svg(self) -> str:
        specification = chart_specification(
            self.comparison, self.kind, unit=self.unit, log=self.log
        )
        return drawn(specification, ".svg", 1).decode()

    @property
    def encoded(self) -> str:
        """The SVG as base64."""
        return base64.b64encode(self.svg.encode()).decode()

    def save(self, path: str | Path) -> None:
        """Write it as .png, .svg, .pdf or interactive .html, as the name ends."""
        save_chart(self.comparison, Path(path), self.kind, unit=self.unit, log=self.log)

    def __repr__(self) -> str:
        return f"<picture: {self.kind}>"

    def _repr_svg_(self) -> str:
        return self.svg
