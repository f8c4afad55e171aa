from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from optbench.catalog.datasets import DATASETS, default_data_dir


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    ).stdout


def test_the_registry_names_the_five_data_sets() -> None:
    assert set(DATASETS) == {"mnist", "fashion-mnist", "mnist-5k", "digits", "synthetic"}


@pytest.mark.parametrize("name", DATASETS)
def test_the_stand_in_has_the_same_shape_and_needs_no_files(name: str, tmp_path: Path) -> None:
    source, stand_in = (DATASETS[n].factory() for n in (name, DATASETS[name].stand_in))
    assert stand_in.input_shape == source.input_shape
    assert stand_in.classes == source.classes
    assert stand_in.missing(tmp_path) == ()


@pytest.mark.parametrize("name", [n for n in DATASETS if n != "synthetic"])
def test_the_summary_states_the_sizes(name: str) -> None:
    source = DATASETS[name].factory()
    for number in (source.train_size, source.test_size):
        assert f"{number:,}" in DATASETS[name].summary


def test_only_synthetic_takes_arguments() -> None:
    taking = {n for n, entry in DATASETS.items() if inspect.signature(entry.factory).parameters}
    assert taking == {"synthetic"}


def test_no_two_data_sets_have_one_content() -> None:
    hashes = [entry.factory().content_hash() for entry in DATASETS.values()]
    assert len(set(hashes)) == len(DATASETS)
    assert all(len(h) == 64 and set(h) <= set("0123456789abcdef") for h in hashes)


def test_the_registry_and_every_content_hash_need_neither_numpy_nor_torch() -> None:
    code = """
import sys
from optbench.catalog.datasets import DATASETS
for entry in DATASETS.values():
    entry.factory().content_hash()
print(sorted({"numpy", "torch", "torchvision", "urllib.request"} & set(sys.modules)))
"""
    assert python(code) == "[]\n"


def test_loading_and_a_refused_download_never_import_torch(tmp_path: Path) -> None:
    code = f"""
import os, sys
from pathlib import Path
from optbench.catalog.datasets import DATASETS
from optbench.errors import DataError
os.environ |= {{"https_proxy": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}}
for name in ("mnist-5k", "digits", "synthetic"):
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
