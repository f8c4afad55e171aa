from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from optbench.catalog.datasets import default_data_dir
from optbench.catalog.datasets.labelled import parted
from optbench.catalog.datasets.labelled_text import labelled_text
from optbench.errors import EXIT_USAGE, DataError

if TYPE_CHECKING:
    from pathlib import Path

WORDS = r"\w+"
LINES = ["good\tA fine, fine day", "bad\tNo day\tfor a walk", "", "good\ta walk!", "bad\tNO 3 suns"]
COMMAS = 'spam,"Win, now: ""free"" money"\nham,see you now\n'


def written(folder: Path, content: str | bytes, name: str = "mine.tsv") -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_a_text_becomes_the_ids_of_its_words_by_frequency_padded_and_cut(tmp_path: Path) -> None:
    path = written(tmp_path, "\n".join(LINES * 10))
    train, test = labelled_text(path, length=4, min_count=1, test_share=0.1).load(tmp_path)
    assert (len(train), len(test)) == (36, 4)
    by_text = Counter(map(tuple, train.inputs.tolist()))
    a_fine_fine_day, no_day_for_a, a_walk, no_3_suns = by_text
    a, fine, again, day = a_fine_fine_day
    assert fine == again
    assert no_day_for_a[1] == day
    assert no_day_for_a[3] == a == a_walk[0]
    assert a_walk[2:] == (0, 0)
    assert no_3_suns[0] == no_day_for_a[0]
    assert no_3_suns[3] == 0
    assert a == 2  # three of the four texts have it; 0 fills up, 1 is unknown
    assert {*a_fine_fine_day, *no_day_for_a, *a_walk, *no_3_suns} == {0, *range(2, 10)}
    assert train.targets[:4].tolist() == [1, 0, 1, 0]  # bad, good


def test_a_quoted_text_may_have_commas_and_a_header_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, "label,text\r\n" + COMMAS * 5, "mine.csv")
    source = labelled_text(path, length=5, min_count=1, header=True)
    train, _ = source.load(tmp_path)
    now = 2  # in every text
    assert train.inputs[0].tolist().index(now) == 1
    assert train.inputs[1].tolist().index(now) == 2
    assert (source.classes, source.train_size, source.test_size) == (2, 8, 2)


def test_rare_words_and_those_that_only_the_test_part_has_are_unknown(tmp_path: Path) -> None:
    lines = [f"{'ab'[i % 2]}\tcommon word{i}" for i in range(20)]
    path = written(tmp_path, "\n".join(lines))
    source = labelled_text(path, length=3, min_count=1)
    train, test = source.load(tmp_path)
    assert sorted(train.inputs.tolist()) == [[2, 3 + i, 0] for i in range(16)]
    assert test.inputs.tolist() == [[2, 1, 0]] * 4
    assert source.task.vocabulary == 19
    source = labelled_text(path, length=3, min_count=2)
    assert all((part.inputs == [2, 1, 0]).all() for part in source.load(tmp_path))
    assert source.task.vocabulary == 3


def test_the_vocabulary_is_no_larger_than_asked_for(tmp_path: Path) -> None:
    lines = [f"{'ab'[i % 2]}\tone one one two two three" for i in range(20)]
    source = labelled_text(written(tmp_path, "\n".join(lines)), length=6, words=2)
    train, _ = source.load(tmp_path)
    assert train.inputs[0].tolist() == [2, 2, 2, 3, 3, 1]
    assert source.task.vocabulary == 4


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("mine.tsv", "spam\tfree\nno tab here\n", r"mine.tsv:2: .*a label and a text, with a tab"),
        ("mine.tsv", "\tfree\n", r"mine.tsv:1: must hold a label"),
        ("mine.csv", "spam,free\nham,a,b\n", r"mine.csv:2: .*with a comma between"),
        (
            "mine.csv",
            'spam,free\nham,"open\n',
            r"mine.csv:2: can't be read as .csv: unexpected end",
        ),
        ("mine.tsv", "\n\n", "holds no labelled text"),
        ("mine.tsv", "spam\tfree\nspam\tmoney\n", "has a single label, 'spam'"),
        ("mine.tsv", "spam\tfree\nham\thi\n", "test_share 0.2 of them leaves none to test"),
        ("mine.tsv", b"ham\tok\nspam\tna\xefve\n", r"mine.tsv:2: .*byte 0xef at offset 14"),
    ],
)
def test_a_file_that_is_something_else_is_refused_with_its_line(
    name: str, content: str | bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=reason) as raised:
        labelled_text(written(tmp_path, content, name)).load(tmp_path)
    assert raised.value.exit_code == EXIT_USAGE


def test_the_bags_of_real_messages_are_those_of_scikit_learn(tmp_path: Path) -> None:
    path = default_data_dir() / "SMSSpamCollection.tsv"
    if not path.is_file():
        pytest.skip("$OPTBENCH_DATA has no SMSSpamCollection.tsv")
    source = labelled_text(str(path), length=300)  # longer than any message
    train, test = source.load(tmp_path)
    lines = [line.split("\t", 1) for line in path.read_text("utf-8").splitlines() if line]
    assert (len(train) + len(test), source.classes) == (5_574, 2)  # as UCI's page has it
    spam = np.array([label == "spam" for label, _ in lines])
    assert spam.sum() == 747 == train.targets.sum() + test.targets.sum()
    positions = parted(spam.astype(np.int64), 0.2, "")
    texts = [[lines[i][1] for i in part] for part in positions]
    vectorizer = CountVectorizer(token_pattern=WORDS)
    counts = vectorizer.fit_transform(texts[0]).sum(axis=0).A1
    known = [word for word, i in vectorizer.vocabulary_.items() if counts[i] >= 2]
    assert source.task.vocabulary == 2 + len(known)
    theirs = CountVectorizer(token_pattern=WORDS, vocabulary=known)
    for part, words in zip((train, test), texts, strict=True):
        bags = theirs.transform(words)
        assert np.array_equal((part.inputs >= 2).sum(axis=1), bags.sum(axis=1).A1)
        ours = np.sort(np.bincount(part.inputs[part.inputs >= 2]))[::-1][: len(known)]
        assert np.array_equal(ours, np.sort(bags.sum(axis=0).A1)[::-1])
