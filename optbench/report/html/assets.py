"""What the page is made of: template, style and scripts, and the policy that lets no others in."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from optbench.report.table import safe_text
from optbench.store.result import without_non_finite

if TYPE_CHECKING:
    import jinja2

DECIMALS = 6  # significant digits of a number in a chart

# In a script element these could end it, or begin a comment; U+2028 and U+2029 are line ends.
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&'\u2028\u2029"}


def template(name: str) -> jinja2.Template:
    """A page's template: whatever is put into it is escaped, and shows what hides in it."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        finalize=_visible,
        keep_trailing_newline=True,
        loader=jinja2.FunctionLoader(asset),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(name)


@cache
def asset(name: str) -> str:
    """The text of one of the files in `templates`."""
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


@cache
def chart_library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    import vl_convert

    script: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub is too strict
    return script.strip()


def json_block(data: Any) -> str:
    """Plain data as JSON that can stand in a script element: no markup, nothing non-finite."""
    plain = without_non_finite(_rounded(data))
    text = json.dumps(plain, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


def policy(scripts: list[str], styles: list[str], *, images: bool = False) -> str:
    """A Content-Security-Policy: these very scripts and styles, and no request to anywhere.

    `images` allows those that the page itself holds.
    """
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {_sources(scripts)}",
            f"style-src {_sources(styles)}",
            *(["img-src data:"] if images else []),
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _sources(texts: list[str]) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def _visible(value: object) -> object:
    return safe_text(value) if type(value) is str else value


def _rounded(value: Any) -> Any:
    """The same data with numbers as exact as a screen can show."""
    if isinstance(value, float):
        return float(f"{value:.{DECIMALS}g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
