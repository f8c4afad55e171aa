r"""A table as LaTeX with booktabs, to be \input into a paper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from optbench.report.table import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.report.table import Row, Table

_TEXT = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "`": r"\textasciigrave{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "[": "{[}",  # after \\ it would begin an argument
        "]": "{]}",
        **{character: f"\\{character}" for character in "{}$&%#_"},
        "±": r"$\pm$",
        "−": "$-$",
        "×": r"$\times$",
        "·": r"$\cdot$",
        "†": r"$\dagger$",
        "‡": r"$\ddagger$",
        "≤": r"$\le$",
        "≥": r"$\ge$",
        "∞": r"$\infty$",
        "→": r"$\rightarrow$",
        "α": r"$\alpha$",
        "δ": r"$\delta$",
        "½": r"$\frac12$",
        "…": r"\ldots{}",
        "–": r"\textendash{}",
        "—": r"\textemdash{}",
    }
)

_AT_MOST_A_LINE = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


def to_latex(table: Table) -> str:
    r"""A `table` float, scaled down where it is wider than the line; its notes are the caption.

    Needs \usepackage{booktabs,graphicx}.
    """
    alignment = "".join(column.align[0] for column in table.columns)
    caption = latex_text(" ".join(_sentences(table)))
    lines = [
        r"% \usepackage{booktabs,graphicx}",
        r"\begin{table}",
        r"\centering\small",
        *([rf"\caption{{{caption}}}"] if caption else []),
        r"\par\medskip",
        _AT_MOST_A_LINE,
        rf"\begin{{tabular}}{{{alignment}}}",
        r"\toprule",
        _line([column.header for column in table.columns]),
        *_body(table.sections),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def latex_text(text: str) -> str:
    """The text with what LaTeX would take as markup escaped, and its symbols as commands."""
    return re.sub("-(?=-)", "-{}", safe_text(text).translate(_TEXT))  # -- would be a dash


def _sentences(table: Table) -> Iterator[str]:
    if table.title:
        yield f"{table.title}."
    yield from table.notes


def _body(sections: tuple[tuple[Row, ...], ...]) -> Iterator[str]:
    for section in sections:
        yield r"\midrule"
        for row in section:
            yield _line([cell.text for cell in row])


def _line(texts: list[str]) -> str:
    return " & ".join(map(latex_text, texts)) + r" \\"
