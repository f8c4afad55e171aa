"""Token ids in a .npy file: the windows that a text's own ids make, left in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from optbench.catalog.datasets.mapped import Mapped
from optbench.catalog.datasets.text import text
from optbench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FABLE = "a fox saw grapes\nand left them\n" * 5


def saved(folder: Path, ids: NDArray[Any]) -> str:
    path = folder / "ids.npy"
    np.save(path, ids)
    return str(path)


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "i4", "i8"])
def test_windows_are_those_of_the_text_with_these_ids(dtype: str, tmp_path: Path) -> None:
    (tmp_path / "fable.txt").write_text(FABLE)
    places = {character: i for i, character in enumerate(sorted({*FABLE}))}
    path = saved(tmp_path, np.array([places[character] for character in FABLE], dtype))
    tokens = text(path, length=10, test_share=0.2)
    characters = text(str(tmp_path / "fable.txt"), length=10, test_share=0.2)
    assert tokens.task == characters.task
    assert tokens.contiguous
    assert tokens.mapped_bytes == 155 * np.dtype(dtype).itemsize
    for ours, other in zip(tokens.load(tmp_path), characters.load(tmp_path), strict=True):
        for rows, plain in ((ours.inputs, other.inputs), (ours.targets, other.targets)):
            assert isinstance(rows, Mapped)
            assert np.asarray(rows).dtype == np.int64
            assert np.array_equal(np.asarray(rows), plain)


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        (np.ones(100), r"must hold token ids \[n\] in whole numbers; it holds float64 \[100\]"),
        (np.ones((50, 2), int), r"it holds int64 \[50, 2\]"),
        (np.arange(200) - 1, "must hold token ids from 0 to at least 1, .* they are -1 to 198"),
        (np.arange(200, dtype="u8") + 2**63, "below 2,147,483,648; they are 9,223,372,036,854,7"),
        (np.zeros(200, int), "they are 0 to 0"),
        (np.arange(30), "is too short: to train on 27 of its 30 tokens"),
    ],
)
def test_what_is_no_sequence_of_tokens_is_refused(
    ids: NDArray[Any], reason: str, tmp_path: Path
) -> None:
    path = saved(tmp_path, ids)
    with pytest.raises(DataError, match=reason) as caught:
        _ = text(path, length=10).task
    assert path in str(caught.value)
