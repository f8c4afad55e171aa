"""Which data a command trains on: decided once, before anything trains."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, cast

from optbench.catalog.datasets import Data, Source, prepare
from optbench.catalog.datasets.channels import channel_moments
from optbench.catalog.datasets.normalization import fitted_moments
from optbench.catalog.receivers import data_parameters
from optbench.catalog.resolve import source_of
from optbench.catalog.weights_file import locate, obtain
from optbench.config.canonical import digest
from optbench.config.spec import Weights, display_name
from optbench.errors import ContentError, DataError, StreamError
from optbench.execution.memory import available_memory
from optbench.training.named import blame

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.catalog.datasets import Examples
    from optbench.catalog.datasets.normalization import Moments
    from optbench.config.spec import Setting

Announce = Callable[[str], None]
FindWeights = Callable[[Weights, "Path"], Weights]


class DataChoice:
    """Finds, downloads or replaces data sets; every set is decided once."""

    def __init__(self, data_dir: Path, *, allow_fallback: bool, announce: Announce) -> None:
        self.data_dir = data_dir
        self.allow_fallback = allow_fallback
        self.announce = announce
        self._outcomes: dict[tuple[object, object], DataError | None] = {}
        self._announced: set[tuple[object, object]] = set()

    def settle(self, setting: Setting) -> Setting:
        """The setting with the data that it will use, and their content hash.

        Raises `DataError` for data that can't be had, where no fallback is named or allowed.
        """
        error = self._obtain(setting.dataset)
        if error is None:
            self.identify(setting)
            return self._with_weights(
                as_requested(setting), partial(obtain, announce=self.announce)
            )
        if setting.fallback is None or not self.allow_fallback:
            raise _at_its_line(setting, error)
        self._announce_fallback(setting, error)
        substitute = dataclasses.replace(
            setting,
            dataset=setting.fallback,
            fallback=None,
            requested_dataset=str(setting.dataset["name"]),
        )
        return self.settle(substitute)

    def locate(self, setting: Setting) -> Setting:
        """The setting as it asks for data, there or not, downloading nothing.

        Raises `DataError` for weights that aren't there: without them no model can be built.
        """
        self.identify(setting)
        return self._with_weights(as_requested(setting), locate)

    def identify(self, setting: Setting) -> None:
        """Read what the setting's data are known by, where that takes long."""
        source_of(setting.dataset).identify(self.announce)

    def _with_weights(self, setting: Setting, find: FindWeights) -> Setting:
        if setting.weights is None:
            return setting
        return dataclasses.replace(setting, weights=find(setting.weights, self.data_dir))

    def _obtain(self, dataset: Mapping[str, object]) -> DataError | None:
        key = dataset["name"], dataset.get("path")  # files of the user's own have a path
        if key not in self._outcomes:
            self._outcomes[key] = self._try(source_of(dataset))
        return self._outcomes[key]

    def _try(self, source: Source) -> DataError | None:
        if not source.missing(self.data_dir):
            return None
        try:
            source.fetch(self.data_dir, self.announce)
        except DataError as error:
            return error
        return None

    def _announce_fallback(self, setting: Setting, error: DataError) -> None:
        fallback = setting.fallback or {}
        source = source_of(fallback)
        where = setting.written["dataset"]
        wanted, used = setting.dataset["name"], fallback["name"]
        if (wanted, used) in self._announced:
            return
        self._announced.add((wanted, used))
        self.announce(
            f"{str(error).splitlines()[0]}\n"
            f"Using {used} instead, as {where.node.mark} allows: {source.train_size:,} training "
            f"and {source.test_size:,} test examples. These runs are never compared with runs "
            f"on {wanted}."
        )


def as_requested(setting: Setting) -> Setting:
    """The setting with the content hash of the data that it names, there or not."""
    return dataclasses.replace(setting, data_hash=source_of(setting.dataset).content_hash())


def unpack_data(settings: Iterable[Setting], data_dir: Path, announce: Announce) -> None:
    """Do once, for all processes that will train, what loading these data would do in each.

    Raises `DataError`.
    """
    for setting in {data_key(setting): setting for setting in settings}.values():
        source_of(setting.dataset).unpack(data_dir, announce)


def load_data(setting: Setting, data_dir: Path) -> Data:
    """Read, verify and split a setting's data.

    Raises `DataError`, `StreamError` where they are no longer those that the setting was hashed
    with, and `ConfigError` where a function of one's own can't normalize them.
    """
    dataset = setting.dataset
    source = source_of(dataset)
    own = {parameter.name for parameter in data_parameters(str(dataset["name"]))}
    _check_unchanged(setting, source)  # before, as it may be damaged by now
    train, test = source.load(data_dir)
    _check_unchanged(setting, source)
    limits = {key: None if key in own else dataset.get(key) for key in ("train", "test")}
    data = prepare(
        train,
        test,
        validation=dataset["validation"],  # type: ignore[arg-type]
        train_limit=limits["train"],  # type: ignore[arg-type]
        test_limit=limits["test"],  # type: ignore[arg-type]
        task=source.task,
        ordered=source.ordered,
        contiguous=source.contiguous,
        stream=source.stream(),
    )
    if "normalize" in own or not dataset.get("normalize"):
        return data
    return dataclasses.replace(data, moments=_moments(setting, data.train))


def _moments(setting: Setting, train: Examples) -> Moments:
    """Of each channel of images, or what a function of one's own finds."""
    own = setting.normalization
    if own is not None:
        name = str(own["name"])
        content = setting.plugins.get(name)
        with blame(setting, "dataset", name, "normalize"):
            return fitted_moments(
                train, own, None if content is None else str(content), available_memory()
            )
    mean, deviation = channel_moments(train)
    return mean[:, None, None], deviation[:, None, None]


def _at_its_line(setting: Setting, error: DataError) -> DataError:
    """The same, with the line that asks for these data."""
    written = setting.written.get("dataset")
    return error if written is None else DataError(f"{written.node.mark}: {written.key}: {error}")


def _check_unchanged(setting: Setting, source: Source) -> None:
    if not setting.data_hash:
        return
    try:
        is_same = source.content_hash() == setting.data_hash
    except ContentError:  # they were looked at when they got that hash
        is_same = False
    if not is_same:
        name = setting.dataset.get("path") or display_name(str(setting.dataset["name"]))
        raise StreamError(f"{name} has changed since this command began; run it again")


def training_size(setting: Setting) -> int:
    """How many examples are trained on, without loading them."""
    dataset = setting.dataset
    held_out = cast("int", dataset["validation"])
    own = {parameter.name for parameter in data_parameters(str(dataset["name"]))}
    if "train" not in own and dataset.get("train") is not None:
        return cast("int", dataset["train"])
    return source_of(dataset).train_size - held_out


def data_key(setting: Setting) -> str:
    """The same for settings that use the same examples, split the same way."""
    return digest({"dataset": setting.dataset, "content": setting.data_hash})
