"""Reads a YAML file of the user's: its bytes, its encoding, its values."""

from __future__ import annotations

import codecs
import stat
from typing import TYPE_CHECKING

from optbench.config.node import Node, refuse
from optbench.config.suggest import VERY_SIMILAR, nearest
from optbench.config.yaml_composer import Composer
from optbench.config.yaml_text import YamlText
from optbench.errors import Mark

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1_000_000

_WIDE_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # before UTF-16, whose mark it starts with
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def load(path: Path) -> Node:
    """The content of a YAML file; raises ConfigError with all that is wrong with it."""
    return parse(_decoded(_content(path), str(path)), str(path))


def parse(text: str, file: str) -> Node:
    """The one YAML document in `text`; `file` names it in messages. Raises ConfigError."""
    source = YamlText(text, file)
    source.refuse_forbidden_characters()
    return Composer(source).document()


def _content(path: Path) -> bytes:
    mark = Mark(str(path))
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            refuse(mark, "", "must be a file, is a folder")
        if not stat.S_ISREG(status.st_mode):
            refuse(mark, "", "must be an ordinary file, is a pipe or a device")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        refuse(mark, "", "no such file", _similar_file(path))
    except OSError as error:
        refuse(mark, "", f"can't be read: {error.strerror}")
    if len(content) > MAX_BYTES:
        refuse(mark, "", f"must be at most {MAX_BYTES:,} bytes, has more", "split the experiment")
    return content


def _similar_file(path: Path) -> str:
    try:
        files = {file.stem: file.name for file in sorted(path.parent.glob("*.y*ml"))}
    except OSError:
        return ""
    close = nearest(path.stem, files, VERY_SIMILAR)
    return f"did you mean '{files[close]}'?" if close else ""


def _decoded(content: bytes, file: str) -> str:
    for byte_order_mark, encoding in _WIDE_MARKS.items():
        if content.startswith(byte_order_mark):
            refuse(Mark(file), "", f"must be UTF-8, is {encoding}", "save it as UTF-8")
    try:
        return content.decode("utf-8")  # YamlText drops the byte order mark that may come first
    except UnicodeDecodeError as error:
        mark = Mark(file, content.count(b"\n", 0, error.start) + 1)
        got = f"byte 0x{content[error.start]:02X} at offset {error.start}"
        refuse(mark, "", f"must be UTF-8, got {got}", "save it as UTF-8")
