"""The pages that scripts make from the code are what the code says now."""

from __future__ import annotations

import commands_page
import keys_page
import pytest
from catalog_page import page_torch_version, torch_version


def test_the_page_of_commands_is_current() -> None:
    made = "python scripts/commands_page.py makes it again"
    assert commands_page.PAGE.read_text(encoding="utf-8") == commands_page.commands_page(), made


def test_the_page_of_keys_is_current() -> None:
    if page_torch_version() != torch_version():
        pytest.skip(f"the pages were made with torch {page_torch_version()}")
    made = "python scripts/keys_page.py makes it again"
    assert keys_page.PAGE.read_text(encoding="utf-8") == keys_page.keys_page(), made
