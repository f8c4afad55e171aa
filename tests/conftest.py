"""What holds after every test."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _denormal_numbers_are_numbers_again() -> Iterator[None]:
    """The compiler's kernels take them for 0 as soon as they are loaded, in a whole process."""
    yield
    if not sys.float_info.min / 2:
        import torch

        torch.set_flush_denormal(False)
