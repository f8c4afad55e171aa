"""The picture that `optbench compare` draws beside its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from optbench.analysis.target import UNITS
from optbench.config.suggest import did_you_mean
from optbench.errors import UsageError
from optbench.report.charts.files import save_chart
from optbench.report.charts.specification import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.analysis.comparison import Comparison
    from optbench.analysis.target import Unit
    from optbench.report.charts.specification import Kind

Word = TypeVar("Word", bound=str)


@dataclass(frozen=True)
class Chart:
    """What to draw, and into which file; see `chart_specification`."""

    path: Path
    kind: Kind = "curves"
    unit: Unit | None = None
    log: bool = True

    def draw(self, comparison: Comparison) -> None:
        """Write the file."""
        save_chart(comparison, self.path, self.kind, unit=self.unit, log=self.log)


def asked_chart(
    path: Path | None, kind: str | None, x: str | None, log: bool | None
) -> Chart | None:
    """What the options ask for; UsageError for words that mean nothing, or nothing to draw into."""
    given = {"--kind": kind, "--x": x, "--log or --linear": log}
    if path is None:
        for option, value in given.items():
            if value is not None:
                raise UsageError(f"{option} is about a picture: name its file with --chart FILE")
        return None
    return Chart(
        path,
        "curves" if kind is None else _known("--kind", kind, KINDS),
        None if x is None else _known("--x", x, UNITS),
        log is not False,
    )


def _known(option: str, word: str, known: Sequence[Word]) -> Word:
    for one in known:
        if one == word:
            return one
    hint = did_you_mean(word, known)
    listed = f"{option} must be one of {', '.join(known)}, got {word!r}"
    raise UsageError(f"{listed}; {hint}" if hint else listed)
