"""`optbench init`: an experiment to start from, and the examples that come with optbench."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import optbench
from optbench.catalog.draft import draft
from optbench.commands.schema import FILE, schema_text
from optbench.config.names import NAME_RULE, is_name
from optbench.errors import EXIT_OK, StoreError, UsageError
from optbench.store.atomic import write_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.commands.screen import Screen

EXAMPLES = "configs"


@dataclass(frozen=True)
class Wishes:
    """What the experiment is to be about."""

    optimizers: Sequence[str]
    dataset: str = "mnist"
    model: str | None = None


def init_command(file: Path, wishes: Wishes, screen: Screen, *, examples: bool) -> int:
    """Write an experiment, the schema for editors and, if wanted, the examples; the exit code.

    Raises `UsageError` for a file that is there already, `ConfigError` for names that aren't.
    """
    if not is_name(file.stem):
        raise UsageError(f"{file}: the file's name gives the experiment's, which {NAME_RULE}")
    if file.suffix not in (".yaml", ".yml"):
        raise UsageError(f"{file}: an experiment is a YAML file: {file.stem}.yaml")
    target = file.parent / EXAMPLES
    for path in (file, *([target] if examples else [])):
        if path.exists():
            another = f"{file.stem}_2{file.suffix}"
            remedy = f". Name another file, such as {another}" if path == file else ""
            raise UsageError(f"{path} is there already; nothing was written{remedy}")
    folder = file.parent
    drafted = draft(wishes.optimizers, wishes.dataset, wishes.model, folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_output(file, drafted.text(file, FILE).encode())
    if not (folder / FILE).exists():
        write_output(folder / FILE, schema_text().encode())
    written = [str(file), f"{folder / FILE} (for your editor)"]
    if examples:
        _copy_examples(target)
        written.append(f"{target} (examples and claims)")
    lines = "\n".join(f"  {path}" for path in written)
    wants = "".join(f"{rival.want}\n" for rival in drafted.optimizers if rival.want)
    screen.write(f"Wrote\n{lines}\n\n{wants}Next: optbench run {file} --smoke\n")
    return EXIT_OK


def _copy_examples(target: Path) -> None:
    """The shipped experiments: in a wheel beside the code, in a clone beside its folder."""
    package = Path(optbench.__file__).parent
    shipped = next(f for f in (package / "examples", package.parent / EXAMPLES) if f.is_dir())
    try:
        shutil.copytree(shipped, target)
    except OSError as error:
        raise StoreError(f"can't write {target}: {error.strerror or error}") from error
