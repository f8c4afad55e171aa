"""Writes docs/commands.md: every command with its arguments and options, from the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import typer.main
from typer.core import TyperArgument

from optbench.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
_INTRODUCTION = """# Commands

What `optbench COMMAND --help` says, on one page. Made by `python scripts/commands_page.py`.

[Exit codes](ci.md): 0 fine (a diverged run is a result), 1 a claim or gate failed, 2 usage or
configuration, 3 some runs failed, 4 environment (disk, data, network) or out of time
(`--max-time`), 70 an internal error, 130 and 143 signals.
"""


def commands_page() -> str:
    """The page's text."""
    root: Any = typer.main.get_command(app)
    return "\n".join([_INTRODUCTION, *_sections("optbench", root)])


def _sections(path: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from _sections(f"{path} {name}", child)
        return
    yield f"## {path.removeprefix('optbench ')}\n"
    arguments = [p for p in command.params if isinstance(p, TyperArgument)]
    words = " ".join(_shown(p) for p in arguments)
    yield f"```\n{path}{' ' if words else ''}{words} [OPTIONS]\n```\n"
    yield re.sub(r"\n{3,}", "\n\n", _plain(command.help or "")) + "\n"
    options = [p for p in command.params if p not in arguments and not p.hidden]
    if arguments or options:
        yield "| | | default |\n| --- | --- | --- |"
    for parameter in arguments:
        yield _row(f"`{_shown(parameter).strip('[].')}`", parameter)
    for parameter in options:
        names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
        metavar = "" if parameter.is_flag else f" `{parameter.metavar or 'VALUE'}`"
        yield _row(f"{names}{metavar}", parameter)
    yield ""


def _shown(argument: Any) -> str:
    name = (argument.metavar or argument.name or "").upper().strip("[]{}.")
    several = "..." if argument.nargs == -1 else ""
    return f"{name}{several}" if argument.required else f"[{name}]{several}"


def _row(name: str, parameter: Any) -> str:
    said = re.sub(r"\s*\[default: ([^]]*)\]", "", parameter.help or "")
    stated = re.search(r"\[default: ([^]]*)\]", parameter.help or "")
    default = parameter.default
    if stated:
        shown = stated[1]
    elif default is None or callable(default) or parameter.required or default in (False, ()):
        shown = ""
    else:
        shown = f"`{default}`" if default is not True else "on"
    return f"| {name} | {_plain(said)} | {shown} |".replace("\n", " ")


def _plain(text: str) -> str:
    return text.replace("\b", "").replace("|", "\\|").strip()


if __name__ == "__main__":
    PAGE.write_text(commands_page(), encoding="utf-8")
    print(f"wrote {PAGE}")
