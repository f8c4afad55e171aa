"""What to write instead of a name that the catalog doesn't have."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from optbench.catalog.signatures import SourceNotFoundError, classes_in
from optbench.config.suggest import SIMILAR, VERY_SIMILAR, did_you_mean, nearest

if TYPE_CHECKING:
    from pathlib import Path

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
_MOST_CLASSES = 3


@lru_cache(maxsize=256)  # a sweep repeats a mistake in each of its points
def remedy_for_name(name: str, known: tuple[str, ...], listing: str) -> str:
    """The nearest known name, or the command that lists them; `lion` means `reference.lion`."""
    whole = {known_name.rpartition(".")[2]: known_name for known_name in known}
    similar = nearest(name, known) or whole.get(nearest(name, whole, VERY_SIMILAR) or "")
    meant = whole.get(name, similar)
    close = f"did you mean '{meant}'?" if meant else ""
    return f"{close}  (optbench list {listing})" if close else f"see: optbench list {listing}"


def remedy_for_class(name: str, folder: Path, known: tuple[str, ...], listing: str) -> str:
    """The same where a class of one's own may be meant: then how it is written.

    `folder` is that of the file that names it.
    """
    is_class = name.isidentifier() and name[0].isupper()
    if name.endswith(".py"):
        return _class_of_file(name, folder)
    if did_you_mean(name, known, VERY_SIMILAR if is_class or "." in name else SIMILAR):
        return remedy_for_name(name, known, listing)
    if _DOTTED.fullmatch(name):
        module, _, attribute = name.rpartition(".")
        return f"write {module}:{attribute}"
    if is_class:
        return f"a class of your own: ./file.py:{name} or package.module:{name}"
    return remedy_for_name(name, known, listing)


def _class_of_file(name: str, folder: Path) -> str:
    try:
        classes = classes_in((folder / name).resolve())[:_MOST_CLASSES]
    except SourceNotFoundError:
        classes = ()
    return f"write {' or '.join(f'{name}:{found}' for found in classes or ('Class',))}"
