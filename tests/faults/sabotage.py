"""A protection switched off, which a test has to notice."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Sabotage:
    """`text`, which occurs once in `file`, becomes `replacement`, and `test` has to fail.

    `row` is a key of ROWS, `off` says in a few words what is switched off, as the table has it,
    `file` is a path from the repository's root, `test` a name in the module that declares this.
    `full` asks for full counts, where a tenth may miss the moment.
    """

    row: str
    off: str
    file: str
    text: str
    replacement: str
    test: str
    full: bool = False

    def applied(self, source: str) -> str:
        """The file's text without the protection; ValueError where that is not there once."""
        found = source.count(self.text)
        if found != 1:
            raise ValueError(f"{self.file}: {found} times {self.text!r} ({self.off})")
        return source.replace(self.text, self.replacement)


def declared() -> list[tuple[str, Sabotage]]:
    """Every entry of a `SABOTAGE` in tests/faults, with its test's place from there."""
    modules = sorted(path.stem for path in HERE.glob("test_*.py"))
    entries = {name: importlib.import_module(f"faults.{name}") for name in modules}
    return [
        (f"{name}.py::{entry.test}", entry)
        for name, module in entries.items()
        for entry in getattr(module, "SABOTAGE", ())
    ]
