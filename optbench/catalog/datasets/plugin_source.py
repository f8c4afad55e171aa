"""Data that a function or class of the user's makes: tensors, or a torch Dataset."""

from __future__ import annotations

import contextlib
import json
import random
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.catalog import plugins
from optbench.catalog.datasets.labelled import ONE_PART, TWO_PARTS, from_arrays
from optbench.catalog.datasets.own import Facts, ReadSource
from optbench.config.canonical import canonical_json, digest
from optbench.config.spec import display_name
from optbench.errors import FOREIGN, UsageError, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from optbench.catalog.datasets.data import Examples

SEED = 0  # of what the function draws from a global generator: the same in every process
TEST_SHARE = 0.2


@dataclass(frozen=True)
class PluginSource(ReadSource):
    """What `target` returns for its arguments (canonical JSON), called when first needed.

    That is a mapping or tuple of `x_train, y_train, x_test, y_test` or of `x, y`; or a torch
    Dataset of pairs; or two of them, to train and to test.
    """

    target: str
    arguments: str

    @property
    def _facts(self) -> Facts:
        return _facts(self, plugins.content_hash(self.target))

    def content_hash(self) -> str:
        """SHA-256 over the function's file (of an installed one, its name) and its arguments."""
        source = plugins.content_hash(self.target) or self.target.rpartition(":")[0]
        return digest([source, display_name(self.target), self.arguments])

    def missing(self, data_dir: Path) -> tuple[Path, ...]:  # noqa: ARG002
        return ()

    def fetch(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        """Nothing is known to be missing before the function is called."""

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        make = plugins.load(self.target)
        name = display_name(self.target)
        try:
            with fixed_randomness():
                made = _arrays(make(**json.loads(self.arguments)))
                arrays = {name: _numpys_map(value) for name, value in made.items()}
        except FOREIGN as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{place.filename}, line {place.lineno}"
            raise UsageError(f"{name} fails: {spoken(error)} ({where})") from error
        return from_arrays(arrays, TEST_SHARE, f"what {name} returns")


def plugin_source(target: str, arguments: Mapping[str, object]) -> PluginSource:
    """The data that an import path makes of some arguments."""
    return PluginSource(target, canonical_json(arguments))


@lru_cache(maxsize=4)  # every setting asks again
def _facts(source: PluginSource, content: str | None) -> Facts:  # noqa: ARG001 (part of the key)
    train, test = source.load(Path())
    return Facts.of(train, test)


def _arrays(made: Any) -> Mapping[str, Any]:
    """By name, whatever form they come in; raises TypeError for any other."""
    match made:
        case Mapping():
            return made
        case (x_train, y_train, x_test, y_test):
            return dict(zip(TWO_PARTS, (x_train, y_train, x_test, y_test), strict=True))
        case (x, y) if hasattr(x, "dtype"):
            return dict(zip(ONE_PART, (x, y), strict=True))
        case (train, test):
            return dict(zip(TWO_PARTS, (*_gathered(train), *_gathered(test)), strict=True))
    return dict(zip(ONE_PART, _gathered(made), strict=True))


def _numpys_map(value: Any) -> Any:
    """The map of a file that `torch.from_file` shares, as numpy's of the same numbers."""
    import numpy as np

    torch = sys.modules.get("torch")
    if torch is None or not isinstance(value, torch.Tensor) or value.layout != torch.strided:
        return value
    file = value.untyped_storage().filename
    if file is None or not value.is_contiguous():
        return value
    start = value.storage_offset() * value.element_size()
    return np.memmap(file, value.numpy().dtype, "r", start, tuple(value.shape))


def _gathered(dataset: Any) -> tuple[Any, Any]:
    """Inputs and targets of a torch Dataset, or of a pair of both."""
    import numpy as np

    if isinstance(dataset, tuple):
        inputs, targets = dataset
        return inputs, targets
    pairs = [dataset[index] for index in range(len(dataset))]
    return np.stack([_plain(x) for x, *_ in pairs]), np.stack([np.asarray(y) for _, y, *_ in pairs])


def _plain(value: Any) -> NDArray[np.generic]:
    """A tensor as it is; of a Pillow image its bytes `[channels, height, width]`."""
    import numpy as np

    array = np.asarray(value)
    if hasattr(value, "getbands"):
        return array.reshape(*array.shape[:2], -1).transpose(2, 0, 1)
    return array


@contextlib.contextmanager
def fixed_randomness() -> Iterator[None]:
    """Global generators that start at one state, and are put back."""
    import numpy as np

    torch = sys.modules.get("torch")
    before = random.getstate(), np.random.get_state(), torch and torch.get_rng_state()
    random.seed(SEED)
    np.random.seed(SEED)
    if torch:
        torch.manual_seed(SEED)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        if torch:
            torch.set_rng_state(before[2])
