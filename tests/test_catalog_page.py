from __future__ import annotations

import pytest
from catalog_page import PAGE, catalog_page, page_torch_version, torch_version

from optbench.catalog.datasets import DATASETS
from optbench.catalog.models import MODELS


def test_the_catalogs_page_is_current() -> None:
    if page_torch_version() != torch_version():
        pytest.skip(f"the page was made with torch {page_torch_version()}")
    made = "python scripts/catalog_page.py makes it again"
    assert PAGE.read_text(encoding="utf-8") == catalog_page(), made


def test_every_data_set_and_model_has_its_line() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    named = {line.split("|")[1].strip(" `") for line in lines if line.startswith("|")}
    assert set(DATASETS) | set(MODELS) <= named
