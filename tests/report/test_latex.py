from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from stored_runs import ADAM, SGD, load, write_seeds

from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.report.comparison import render
from optbench.report.formats import render_table
from optbench.report.latex import latex_text, to_latex
from optbench.report.table import Cell, Column, Table

if TYPE_CHECKING:
    from pathlib import Path

TABLE = Table(
    columns=(Column("name", "name"), Column("share", "share of 100%", "right")),
    sections=(((Cell("a_b"), Cell("97.5% ± 0.1")),), ((Cell("[x]"), Cell("−∞ † ‡ ×2")),)),
    title="mnist · mlp",
    notes=("± 95% t interval.", "By default --reference sgd."),
)


@pytest.fixture
def page(tmp_path: Path) -> str:
    write_seeds(tmp_path, [0.97, 0.975], optimizer=ADAM)
    write_seeds(tmp_path, [0.91, 0.92], optimizer=SGD)
    write_seeds(tmp_path, [0.95, 0.955], optimizer=SGD | {"lr": 0.1, "momentum": 0.9})
    write_seeds(tmp_path, [0.9], problem="digits · mlp 64_32-10 · cross entropy")
    return render(compare(load(tmp_path), Question()), "latex")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50% & $5 #1 a_b {c}", r"50\% \& \$5 \#1 a\_b \{c\}"),
        ("~ ^ \\ ` | < >", r"\textasciitilde{} \textasciicircum{} \textbackslash{} "
         r"\textasciigrave{} \textbar{} \textless{} \textgreater{}"),
        ("--lr ---", "-{}-lr -{}-{}-"),
        ("− – —", r"$-$ \textendash{} \textemdash{}"),
        ("± × ≥ ∞ → …", r"$\pm$ $\times$ $\ge$ $\infty$ $\rightarrow$ \ldots{}"),
        ("[5, 6]", "{[}5, 6{]}"),
        ("a\x1b[31m\u202eb", r"a\textbackslash{}x1b{[}31m\textbackslash{}u202eb"),
    ],
)  # fmt: skip
def test_what_latex_would_take_as_markup_is_escaped(text: str, expected: str) -> None:
    assert latex_text(text) == expected


def test_a_table_has_booktabs_rules_and_its_notes_as_the_caption() -> None:
    assert to_latex(TABLE).splitlines() == [
        r"% \usepackage{booktabs,graphicx}",
        r"\begin{table}",
        r"\centering\small",
        r"\caption{mnist $\cdot$ mlp. $\pm$ 95\% t interval. By default -{}-reference sgd.}",
        r"\par\medskip",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"name & share of 100\% \\",
        r"\midrule",
        r"a\_b & 97.5\% $\pm$ 0.1 \\",
        r"\midrule",
        r"{[}x{]} & $-$$\infty$ $\dagger$ $\ddagger$ $\times$2 \\",
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
    ]


def test_any_table_can_be_latex() -> None:
    assert render_table(TABLE, "latex") == to_latex(TABLE)


def test_a_comparison_is_a_float_a_problem_with_as_many_cells_in_every_row(page: str) -> None:
    assert page.count(r"\begin{table}") == page.count(r"\end{table}") == 2
    assert "± " not in page
    assert page.isascii()
    for float_ in page.split(r"\end{table}")[:-1]:
        (alignment,) = re.findall(r"\\begin\{tabular\}\{([lr]+)\}", float_)
        rows = [line for line in float_.splitlines() if line.endswith(r" \\")]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(alignment)}


def test_the_caption_says_what_the_margins_are(page: str) -> None:
    assert r"$\pm$ 95\% t interval of the mean over seeds" in page


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")
def test_latex_compiles_it(tmp_path: Path, page: str) -> None:
    source = "\n".join(
        [
            r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}",
            page,
            to_latex(TABLE),
            r"\end{document}",
        ]
    )
    (tmp_path / "paper.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, text=True)
    assert outcome.returncode == 0, outcome.stdout[-2000:]
    assert "Overfull" not in outcome.stdout
