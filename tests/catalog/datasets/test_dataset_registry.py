from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from optbench.catalog.datasets import DATASETS, default_data_dir
from optbench.catalog.resolve import source_of


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    ).stdout


OWN = {"file", "image-folder", "text", "labelled-text"}  # made by their users
SIZED = {
    "synthetic",
    "xor",
    "spirals",
    "zipf-words",
    "shapes",
    "random-targets",
    "zipf-word-ids",
    "zipf-text",
    "modular-addition",
    "adding-problem",
    "linear-regression",
    "logistic-regression",
    "wilson-features",
    "objective",
    "quadratic",
    "reddi-online",
}  # as large as asked for
CATALOG = {name: entry for name, entry in DATASETS.items() if name not in OWN}


@pytest.mark.parametrize("name", CATALOG)
def test_what_has_to_be_downloaded_has_a_stand_in_of_its_shape(name: str, tmp_path: Path) -> None:
    source, stand_in = DATASETS[name].factory(), DATASETS[name].stand_in
    if not source.missing(tmp_path):
        assert stand_in is None
        return
    assert stand_in is not None
    substitute = source_of(stand_in)
    assert substitute.input_shape == source.input_shape
    assert substitute.classes == source.classes
    assert substitute.missing(tmp_path) == ()


@pytest.mark.parametrize("name", CATALOG)
def test_the_sizes_are_those_of_what_is_loaded(name: str, tmp_path: Path) -> None:
    source = DATASETS[name].factory()
    if source.missing(tmp_path):
        pytest.skip("needs a download")
    train, test = source.load(tmp_path)
    assert (len(train), len(test)) == (source.train_size, source.test_size)
    for examples in (train, test):
        task = source.task
        assert examples.inputs.shape[1:] == source.input_shape == task.input_shape
        kinds = (np.uint8, np.float32) if task.vocabulary is None else (np.int64,)
        assert examples.inputs.dtype in kinds
        assert examples.targets.shape[1:] == task.target_shape
        assert examples.targets.dtype == (np.float32 if task.numbers else np.int64)
        if not task.numbers:
            assert set(examples.targets.flat) <= set(range(source.classes))
            assert task.positions or len(set(examples.targets.flat)) == source.classes


@pytest.mark.parametrize("name", sorted(CATALOG.keys() - SIZED))
def test_the_summary_states_the_sizes(name: str) -> None:
    source = DATASETS[name].factory()
    for number in (source.train_size, source.test_size):
        assert f"{number:,}" in DATASETS[name].summary


def test_no_two_data_sets_have_one_content() -> None:
    hashes = [entry.factory().content_hash() for entry in CATALOG.values()]
    assert len(set(hashes)) == len(CATALOG)
    assert all(len(h) == 64 and set(h) <= set("0123456789abcdef") for h in hashes)


def test_the_registry_and_every_content_hash_need_neither_numpy_nor_torch() -> None:
    code = f"""
import sys
from optbench.catalog.datasets import DATASETS
for name, entry in DATASETS.items():
    if name not in {sorted(OWN)}:
        entry.factory().content_hash()
print(sorted({{"numpy", "torch", "torchvision", "urllib.request"}} & set(sys.modules)))
"""
    assert python(code) == "[]\n"


def test_loading_and_a_refused_download_never_import_torch(tmp_path: Path) -> None:
    code = f"""
import os, sys
from pathlib import Path
from optbench.catalog.datasets import DATASETS
from optbench.errors import DataError
os.environ |= {{"https_proxy": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}}
for name in ("mnist-5k", "digits", "mnist-1d", *{sorted(SIZED)}):
    DATASETS[name].factory().load(Path("/nonexistent"))
try:
    DATASETS["mnist"].factory().fetch(Path({str(tmp_path)!r}), print)
except DataError as error:
    print("refused")
print(sorted({{"torch", "torchvision", "sklearn"}} & set(sys.modules)))
"""
    assert python(code) == "refused\n[]\n"


def test_the_data_directory_is_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTBENCH_DATA", "~/somewhere")
    assert default_data_dir() == Path.home() / "somewhere"


@pytest.mark.parametrize("unset", [True, False], ids=["unset", "empty"])
def test_without_it_the_users_cache_is_used(unset: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.setenv("OPTBENCH_DATA", "")
    if unset:
        monkeypatch.delenv("OPTBENCH_DATA")
    assert default_data_dir() == Path(platformdirs.user_cache_dir("optbench")) / "data"
