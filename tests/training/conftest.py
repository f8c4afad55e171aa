from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="module")
def _every_epoch_is_committed() -> Iterator[None]:
    """However short: the epochs of tests would share commits, by what those happen to take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("optbench.training.loop.COMMIT_SHARE", math.inf)
        yield
