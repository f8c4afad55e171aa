"""How a comparison was made, as a paper tells it: paragraphs, and the BibTeX of what they cite."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from optbench.errors import UsageError
from optbench.report.footnotes import left_out
from optbench.report.formats import markdown_text
from optbench.report.inference import inference
from optbench.report.latex import latex_text
from optbench.report.layout import paragraph
from optbench.report.protocol import protocol, software
from optbench.report.references import BIBTEX

if TYPE_CHECKING:
    from collections.abc import Callable

    from optbench.analysis.comparison import Comparison, ProblemComparison

FORMATS = ("table", "markdown", "latex")
_KNOWN = "|".join(BIBTEX)
_CITATION = re.compile(rf"\[((?:@(?:{_KNOWN})(?:; )?)+)\]")  # as Pandoc has it: [@fisher1935; @…]


def render_methods(
    comparison: Comparison, version: str, output_format: str = "table", *, width: int | None = 80
) -> str:
    r"""A paragraph a problem and the BibTeX entries of exactly what these cite.

    `version` is of the optbench that compares. Citations are Pandoc's `[@key]`, in LaTeX
    `\cite{key}`; `width` is for `table` alone. Raises UsageError for a format that has no prose.
    """
    if output_format not in FORMATS:
        listed = f"must be one of {', '.join(FORMATS)}, got {output_format!r}"
        raise UsageError(f"--methods is prose: --format {listed}")
    texts = [_paragraph(problem, comparison, version) for problem in comparison.problems]
    entries = _entries("\n".join(texts))
    if output_format == "latex":
        told = [_told(text, latex_text, _latex) for text in texts]
        entries = "\n".join(f"% {line}".rstrip() for line in entries.splitlines())
    elif output_format == "markdown":
        told = [_told(text, markdown_text, _pandoc) for text in texts]
        entries = f"```bibtex\n{entries}\n```"
    else:
        told = [paragraph(text, width) for text in texts]
    return "\n\n".join([*told, entries]) + "\n"


def _paragraph(problem: ProblemComparison, comparison: Comparison, version: str) -> str:
    sentences = [*protocol(problem), *inference(problem), software(problem, version)]
    return " ".join([*sentences, *left_out(comparison.where)])


def _entries(text: str) -> str:
    """The entries in the order in which they are cited first."""
    cited = dict.fromkeys(key for found in _CITATION.findall(text) for key in _keys(found))
    return "\n\n".join(BIBTEX[key] for key in cited)


def _told(text: str, escape: Callable[[str], str], cite: Callable[[list[str]], str]) -> str:
    """The text escaped, its citations in a format's own form."""
    parts = _CITATION.split(text)
    citations = [cite(_keys(found)) for found in parts[1::2]]
    told = zip(map(escape, parts[::2]), [*citations, ""], strict=True)
    return "".join(part + citation for part, citation in told)


def _pandoc(keys: list[str]) -> str:
    return f"[{'; '.join(f'@{key}' for key in keys)}]"


def _latex(keys: list[str]) -> str:
    return rf"\cite{{{','.join(keys)}}}"


def _keys(citation: str) -> list[str]:
    return [key.lstrip("@") for key in citation.split("; ")]
