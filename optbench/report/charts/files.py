"""Pictures as files: .png, .svg, .pdf and .html by the name's ending."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from optbench.errors import UsageError
from optbench.report.charts.look import page_colours
from optbench.report.charts.specification import Kind, chart_specification
from optbench.store.atomic import write_output

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.analysis.comparison import Comparison
    from optbench.analysis.target import Unit

SUFFIXES = (".png", ".svg", ".pdf", ".html")
_RESOURCES = re.compile(rb"(?:\n +/\w+ \d+ 0 R)+")

_NAME = re.compile(r"(?<=[\"#])clip\d+")

SCALE = 3  # pixels a unit, for print

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 14px Helvetica, Arial, sans-serif; background: Canvas; color: CanvasText }}
</style>
</head>
<body>
<div id="chart"></div>
<script>{script}</script>
<script>
const dark = matchMedia("(prefers-color-scheme: dark)");
const colours = {colours};
const draw = () => vegaEmbed("#chart", {specification}, {{
  config: colours[dark.matches ? 1 : 0], renderer: "svg",
  actions: {{export: true, source: false, compiled: false, editor: false}}}});
dark.addEventListener("change", draw);
draw();
</script>
</body>
</html>
"""


def save_chart(
    comparison: Comparison,
    path: Path,
    kind: Kind = "curves",
    *,
    unit: Unit | None = None,
    log: bool = True,
    scale: float = SCALE,
) -> None:
    """Draw a picture into a .png, .svg, .pdf or .html file, which replaces an older one whole.

    The HTML needs no network. Raises UsageError for another suffix and for what can't be drawn,
    StoreError if the file can't be written.
    """
    if path.suffix not in SUFFIXES:
        listed = ", ".join(SUFFIXES)
        raise UsageError(f"{path}: a chart's name must end in {listed}, got {path.suffix!r}")
    interactive = path.suffix == ".html"
    specification = chart_specification(
        comparison, kind, interactive=interactive, unit=unit, log=log
    )
    if interactive:
        content = _page(specification, kind)
    else:
        content = drawn(specification, path.suffix, scale)
    write_output(path, content)


def drawn(specification: dict[str, Any], suffix: str, scale: float) -> bytes:
    """A Vega-Lite specification as .png (`scale` pixels a unit), .pdf or .svg."""
    import vl_convert

    text = json.dumps(specification)
    if suffix == ".png":
        return bytes(vl_convert.vegalite_to_png(text, scale=scale))
    if suffix == ".pdf":
        return _in_order(vl_convert.vegalite_to_pdf(text))
    return _counted_anew(vl_convert.vegalite_to_svg(text)).encode()


def _counted_anew(svg: str) -> str:
    """The same picture with its names counted from 0, not on from the last one of this process."""
    names = list(dict.fromkeys(_NAME.findall(svg)))
    return _NAME.sub(lambda found: f"clip{names.index(found[0])}", svg)


def _in_order(pdf: bytes) -> bytes:
    """The same document with each list of resources sorted, which has no order of its own.

    No byte moves out of its list, so that the table of offsets stays right.
    """
    return _RESOURCES.sub(lambda found: b"\n".join(sorted(found[0].split(b"\n"))), pdf)


def _page(specification: dict[str, Any], kind: Kind) -> bytes:
    import vl_convert

    # A label that holds "</script>" must not end the script.
    data = json.dumps(specification).replace("<", "\\u003c")
    colours = json.dumps([page_colours(dark=False), page_colours(dark=True)])
    script = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub is too strict
    page = _PAGE.format(
        title=f"optbench: {kind}", script=script, specification=data, colours=colours
    )
    return page.encode()
