"""What holds after every test."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_training_is_left_in_the_middle() -> Iterator[None]:
    """Its threads and denormal numbers would be those of the tests that follow."""
    yield
    if not sys.float_info.min / 2:
        gc.collect()
    assert sys.float_info.min / 2, "a training that this test began has not ended"
