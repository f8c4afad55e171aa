from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.catalog.datasets import default_data_dir
from optbench.catalog.datasets.text import text
from optbench.catalog.datasets.windows import windows
from optbench.errors import EXIT_USAGE, DataError

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.catalog.datasets import Examples

FABLE = "a fox saw grapes\nand left them\n" * 5  # 155 characters


def written(folder: Path, content: str | bytes = FABLE) -> str:
    path = folder / "fable.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def read_back(part: Examples, characters: str) -> str:
    """The text that windows are of: the first character, and then all that are predicted."""
    return "".join(characters[i] for i in [part.inputs[0, 0], *part.targets.flat])


def test_windows_are_the_text_in_its_order_and_the_end_is_the_test_set(tmp_path: Path) -> None:
    train, test = text(written(tmp_path), length=10, test_share=0.2).load(tmp_path)
    characters = "".join(sorted(set(FABLE)))
    assert read_back(train, characters) == FABLE[:121]  # 12 windows of the first 124
    assert read_back(test, characters) == FABLE[124:155]
    assert train.inputs.shape == train.targets.shape == (12, 10)
    assert np.array_equal(train.inputs[:, 1:], train.targets[:, :-1])


@given(st.integers(2, 200), st.integers(1, 20))
def test_no_two_windows_overlap_and_each_predicts_the_next_character(n: int, length: int) -> None:
    made = windows(np.arange(n), length)
    assert len(made) == (n - 1) // length
    assert made.inputs.ravel().tolist() == list(range(made.inputs.size))
    assert np.array_equal(made.targets, made.inputs + 1)


def test_a_source_knows_its_task_once_the_file_was_read(tmp_path: Path) -> None:
    source = text(written(tmp_path, "héllo, wörld! " * 20), length=16)
    task = source.task
    vocabulary = len(set("héllo, wörld! "))
    assert (task.classes, task.vocabulary) == (vocabulary, vocabulary)
    assert task.input_shape == task.positions == task.target_shape == (16,)
    assert (source.train_size, source.test_size) == (15, 1)
    assert source.contiguous


def test_a_byte_order_mark_is_no_character(tmp_path: Path) -> None:
    plain = text(written(tmp_path), length=10).load(tmp_path)[0]
    marked = text(written(tmp_path, b"\xef\xbb\xbf" + FABLE.encode()), length=10).load(tmp_path)[0]
    assert np.array_equal(plain.inputs, marked.inputs)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "too short: to train on 0 of its 0 characters"),
        ("hello there", "to train on 10 of its 11 characters and test on the others"),
        ("a" * 500, "nothing to predict: all its characters are the same"),
        ("caf\u00e9\n".encode("latin-1"), r"fable.txt:1: .*UTF-8: byte 0xe9 at offset 3"),
        (b"fine\nfine\nna\xefve\n", r"fable.txt:3: .*UTF-8: byte 0xef at offset 12"),
        (FABLE.encode("utf-16"), r"fable.txt:1: .*UTF-8: byte 0xff at offset 0"),
    ],
)
def test_a_file_that_is_no_text_to_learn_from_is_refused(
    content: str | bytes, reason: str, tmp_path: Path
) -> None:
    source = text(written(tmp_path, content), length=16)
    with pytest.raises(DataError, match=reason) as raised:
        source.load(tmp_path)
    assert raised.value.exit_code == EXIT_USAGE


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    gone = text(str(tmp_path / "gone.txt"))
    assert gone.missing(tmp_path)
    with pytest.raises(DataError, match="isn't there"):
        gone.load(tmp_path)
    with pytest.raises(DataError, match=r"can't be read: Is a directory"):
        text(str(tmp_path)).load(tmp_path)


def test_tiny_shakespeare_has_65_characters() -> None:
    path = default_data_dir() / "tinyshakespeare.txt"
    if not path.is_file():
        pytest.skip("$OPTBENCH_DATA has no tinyshakespeare.txt")
    source = text(str(path))
    assert source.task.vocabulary == 65  # nanoGPT's data/shakespeare_char/readme.md
    assert source.train_size == (1_003_855 - 1) // 64  # nine tenths of 1,115,394 characters
    train, _ = source.load(path)
    letters = sorted(set(path.read_text(encoding="utf-8")))
    assert "".join(letters[i] for i in train.inputs[0, :14]) == "First Citizen:"
